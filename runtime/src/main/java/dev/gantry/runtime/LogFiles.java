package dev.gantry.runtime;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Container logs where CRI's clients expect them. */
final class LogFiles {
    private static final int MODE = 0640;

    private LogFiles() {}

    /** Opens for appending, with the directories above; never through a link at the end. The caller closes it. */
    static Optional<Fd> open(FileCalls files, Container container) throws IOException {
        Optional<Path> path = container.logPath();
        if (path.isEmpty()) {
            return Optional.empty();
        }
        Path directory = path.get().getParent();
        if (directory != null && !Files.isDirectory(directory)) {
            Files.createDirectories(directory);
        }
        return Optional.of(files.open(
                path.get().toString(), Fcntl.O_WRONLY | Fcntl.O_APPEND | Fcntl.O_CREAT | Fcntl.O_NOFOLLOW, MODE));
    }
}
