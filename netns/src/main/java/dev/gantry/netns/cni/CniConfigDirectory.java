package dev.gantry.netns.cni;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** {@code /etc/cni/net.d}: of the usable lists in it, the lexically first counts, as for the kubelet's runtimes. */
final class CniConfigDirectory {
    private static final int MAX_BYTES = 1 << 20;

    private final Path directory;

    CniConfigDirectory(Path directory) {
        this.directory = directory;
    }

    /**
     * What the directory holds now.
     *
     * @param network the list in force, if there is a usable one
     * @param problems a line for each file that cannot be used
     */
    record Content(Optional<CniNetworkList> network, List<String> problems) {
        Content {
            problems = List.copyOf(problems);
        }
    }

    /** Reads the directory; one that does not exist is empty. */
    Content read() {
        List<String> problems = new ArrayList<>();
        try {
            for (Path file : files()) {
                try {
                    if (Files.size(file) > MAX_BYTES) {
                        problems.add("%s: larger than %d bytes".formatted(file, MAX_BYTES));
                        continue;
                    }
                    return new Content(
                            Optional.of(CniNetworkList.parse(file.toString(), Files.readAllBytes(file))), problems);
                } catch (CniException e) {
                    problems.add(e.getMessage());
                } catch (IOException e) {
                    problems.add("read %s: %s".formatted(file, e));
                }
            }
        } catch (NoSuchFileException e) {
            problems.add(directory + ": no such directory");
        } catch (IOException e) {
            problems.add("list %s: %s".formatted(directory, e));
        }
        return new Content(Optional.empty(), problems);
    }

    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "*.{conflist,conf,json}")) {
            for (Path entry : entries) {
                if (Files.isRegularFile(entry)) {
                    files.add(entry);
                }
            }
        }
        files.sort(Comparator.comparing(file -> file.getFileName().toString()));
        return files;
    }
}
