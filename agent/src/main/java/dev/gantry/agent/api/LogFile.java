package dev.gantry.agent.api;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One open log file. Opened so that no link on the way, and no special file at its end, can lead anywhere else: a container with the log directory mounted could
 * otherwise have the agent read any file of the host to it.
 */
final class LogFile implements LogSource {
    private final FileCalls files;
    private final Fd file;
    private final FileStatus identity;

    private LogFile(FileCalls files, Fd file, FileStatus identity) {
        this.files = files;
        this.file = file;
        this.identity = identity;
    }

    /**
     * Opens a log.
     *
     * @param root directory of all pods' logs
     * @return empty if there is no such file
     * @throws IOException if the path leads out of the root or over a link, or is no regular file
     */
    static Optional<LogFile> open(FileCalls files, Path root, Path path) throws IOException {
        if (!path.startsWith(root) || path.equals(root)) {
            throw new IOException("log " + path + " is not below " + root + ": refused");
        }
        try (Fd directory = files.open(root.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            Fd file = files.openat2(
                    directory,
                    root.relativize(path).toString(),
                    Fcntl.O_RDONLY | Fcntl.O_NONBLOCK | Fcntl.O_NOFOLLOW,
                    0,
                    Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_MAGICLINKS);
            try {
                FileStatus status = files.fstat(file);
                if (!status.isRegularFile()) {
                    throw new IOException("log " + path + " is no regular file: refused");
                }
                return Optional.of(new LogFile(files, file, status));
            } catch (IOException e) {
                file.close();
                throw e;
            }
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            if (e.is(Errno.ELOOP, Errno.EXDEV)) {
                throw new IOException("log " + path + " is reached over a symbolic link: refused", e);
            }
            throw e;
        }
    }

    @Override
    public int read(byte[] bytes, long offset) throws IOException {
        return files.pread(file, ByteBuffer.wrap(bytes), offset);
    }

    long size() throws IOException {
        return files.fstat(file).size();
    }

    /** Whether both are the same file, whatever it is called by now. */
    boolean isSame(LogFile other) {
        return identity.sameFile(other.identity);
    }

    @Override
    public void close() {
        file.close();
    }
}
