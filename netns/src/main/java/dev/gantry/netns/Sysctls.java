package dev.gantry.netns;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Kernel settings under {@code net}, of the calling thread's network namespace.
 *
 * @param root {@code /proc/sys/net}
 */
record Sysctls(Path root) {
    static final Sysctls SYSTEM = new Sysctls(Path.of("/proc/sys/net"));

    /** Empty if this kernel has no such setting, e.g. because it is without IPv6. */
    Optional<String> read(String key) throws IOException {
        try {
            return Optional.of(Files.readString(root.resolve(key), StandardCharsets.US_ASCII)
                    .strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Writes unless it is so already: some writes have effects beyond the value. */
    void ensure(String key, String value) throws IOException {
        Optional<String> current = read(key);
        if (!current.equals(Optional.of(value))) {
            write(key, value);
        }
    }

    void ensureIfPresent(String key, String value) throws IOException {
        Optional<String> current = read(key);
        if (current.isPresent() && !current.get().equals(value)) {
            write(key, value);
        }
    }

    void write(String key, String value) throws IOException {
        Path file = root.resolve(key);
        try {
            Files.write(file, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("write '" + value + "' to " + file + ": " + e, e);
        }
    }
}
