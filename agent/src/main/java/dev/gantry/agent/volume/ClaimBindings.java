package dev.gantry.agent.volume;

import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Which volumes claims have, on disk: a file per claim, {@code <namespace>_<name>}, that holds the name of its volume. To
 * give a volume to another claim, its file is removed.
 */
final class ClaimBindings {
    /** A name has 253 characters at most. */
    private static final int MAX_NAME_BYTES = 253;

    private final Path directory;

    ClaimBindings(Path directory) {
        this.directory = directory;
    }

    /** Names of volumes by {@link Claims#key}. */
    Map<String, String> all() throws IOException {
        Map<String, String> all = new HashMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                // Neither a namespace nor a name has an underscore.
                String[] names = file.getFileName().toString().split("_", 2);
                if (names.length == 2 && !names[1].endsWith(".new") && Files.size(file) <= MAX_NAME_BYTES) {
                    all.put(names[0] + "/" + names[1], Files.readString(file));
                }
            }
        } catch (NoSuchFileException e) {
            // No claim was ever bound.
        }
        return all;
    }

    /** Keeps a binding, for good. */
    void keep(String claim, String volume) throws IOException {
        Files.createDirectories(directory);
        Path file = directory.resolve(claim.replace('/', '_'));
        Linux.system().files().replaceFile(file.toString(), volume, 0644, false);
    }
}
