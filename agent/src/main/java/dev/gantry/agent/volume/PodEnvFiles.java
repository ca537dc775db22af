package dev.gantry.agent.volume;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.RawName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Files of environment variables in the volumes of one pod. Its containers write them, so nothing in them is trusted. */
final class PodEnvFiles implements EnvFiles {
    private static final int MAX_BYTES = 1 << 20;

    private final FileCalls files;
    private final Path emptyDirs;

    /**
     * Reads here.
     *
     * @param emptyDirs directory of the pod's volumes of this kind, by name
     */
    PodEnvFiles(FileCalls files, Path emptyDirs) {
        this.files = files;
        this.emptyDirs = emptyDirs;
    }

    @Override
    public Optional<String> find(String volume, String path, String key) throws VolumeException, IOException {
        Optional<byte[]> content = read(volume, path);
        if (content.isEmpty()) {
            return Optional.empty();
        }
        try {
            return EnvFile.find(RawName.decode(content.get()), key);
        } catch (VolumeException e) {
            throw new VolumeException(
                    "couldn't parse env file \"%s\" of volume \"%s\": %s".formatted(path, volume, e.getMessage()), e);
        }
    }

    private Optional<byte[]> read(String volume, String path) throws VolumeException, IOException {
        // A pipe that nobody writes to must not be waited for.
        int flags = Fcntl.O_RDONLY | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY;
        long resolve = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_MAGICLINKS;
        try (Fd root = files.open(emptyDirs.resolve(volume).toString(), Fcntl.O_PATH | Fcntl.O_DIRECTORY);
                Fd file = files.openat2(root, path, flags, 0, resolve)) {
            if (!files.fstat(file).isRegularFile()) {
                throw new VolumeException(
                        "env file \"%s\" of volume \"%s\" is not a regular file".formatted(path, volume));
            }
            return Optional.of(content(file, path));
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private byte[] content(Fd file, String path) throws VolumeException, IOException {
        byte[] buffer = new byte[MAX_BYTES + 1];
        int length = 0;
        for (int read = 1; read > 0 && length < buffer.length; length += read) {
            read = files.read(file, buffer, length, buffer.length - length);
        }
        if (length > MAX_BYTES) {
            throw new VolumeException("env file \"%s\" is larger than %d bytes".formatted(path, MAX_BYTES));
        }
        return java.util.Arrays.copyOf(buffer, length);
    }
}
