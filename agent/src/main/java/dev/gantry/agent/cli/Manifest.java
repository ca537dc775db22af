package dev.gantry.agent.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A manifest as the user gave it; the agent decodes it.
 *
 * @param name of the file, for messages
 * @param bytes its content
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
record Manifest(String name, byte[] bytes) {
    private static final long MAX_BYTES = 10 * 1024 * 1024;

    static Manifest read(Arguments arguments, Console console) throws UsageException, CliException, IOException {
        String file = arguments.value("filename");
        if (file.isEmpty()) {
            throw new UsageException("say which manifest: -f FILE");
        }
        if (arguments.values("filename").size() > 1) {
            throw new UsageException("give one manifest: it may hold several pods, with --- between them");
        }
        if (file.equals("-")) {
            return new Manifest("standard input", console.in().readNBytes((int) MAX_BYTES + 1));
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new CliException(file + " is a directory; give one manifest");
        }
        try {
            if (Files.size(path) > MAX_BYTES) {
                throw new CliException(file + " has more than 10 MiB; that is no manifest");
            }
            return new Manifest(file, Files.readAllBytes(path));
        } catch (NoSuchFileException e) {
            throw new CliException("there is no file " + file);
        }
    }
}
