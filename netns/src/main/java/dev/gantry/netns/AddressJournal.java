package dev.gantry.netns;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lines in a file, each appended by one write, so that a process which is killed leaves whole lines and at worst one cut
 * short at the end, which is dropped. Nothing is synced to the disk: the lines are about processes that a power failure
 * ends too. One process at a time has the directory, by a lock that the kernel takes back.
 */
final class AddressJournal implements Closeable {
    private static final String FILE = "addresses";
    private static final String NEW_FILE = "addresses.new";
    private static final long COMPACT_BYTES = 1 << 20;

    private final Path directory;
    private final FileChannel lock;
    private final Supplier<List<String>> compacted;
    private FileChannel file;
    private long length;

    private AddressJournal(Path directory, FileChannel lock, FileChannel file, Supplier<List<String>> compacted) {
        this.directory = directory;
        this.lock = lock;
        this.file = file;
        this.compacted = compacted;
    }

    /**
     * Reads what is there, then writes it anew.
     *
     * @param line takes each line in order
     * @param compacted gives lines that say the same as all taken and appended ones
     * @throws NetworkException if another process has the directory
     */
    static AddressJournal open(Path directory, Consumer<String> line, Supplier<List<String>> compacted)
            throws IOException {
        Files.createDirectories(directory);
        FileChannel lock = lock(directory);
        try {
            read(directory.resolve(FILE), line);
            AddressJournal journal = new AddressJournal(directory, lock, lock, compacted);
            journal.compact();
            return journal;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static FileChannel lock(Path directory) throws IOException {
        FileChannel lock =
                FileChannel.open(directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        @Nullable Exception cause = null;
        try {
            @Nullable FileLock held = lock.tryLock();
            if (held != null) {
                return lock;
            }
        } catch (OverlappingFileLockException e) {
            cause = e;
        }
        lock.close();
        String message = directory + " is in use by another agent; stop it, or give this one another --root";
        throw cause == null ? new NetworkException(message) : new NetworkException(message, cause);
    }

    private static void read(Path file, Consumer<String> line) throws IOException {
        if (!Files.exists(file)) {
            return;
        }
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        text.substring(0, text.lastIndexOf('\n') + 1).lines().forEach(line);
    }

    /** When this returns, the line survives this process. */
    void append(String line) throws IOException {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            while (buffer.hasRemaining()) {
                file.write(buffer, length + buffer.position());
            }
        } catch (IOException e) {
            // a full disk, most likely: no half line may be before the next one
            file.truncate(length);
            throw new IOException("append to " + directory.resolve(FILE) + ": " + e.getMessage(), e);
        }
        length += bytes.length;
        if (length > COMPACT_BYTES) {
            try {
                compact();
            } catch (IOException e) {
                // the line is there, which is what was asked for; the next one tries again
            }
        }
    }

    private void compact() throws IOException {
        Path fresh = directory.resolve(NEW_FILE);
        StringBuilder text = new StringBuilder();
        compacted.get().forEach(line -> text.append(line).append('\n'));
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        Files.write(fresh, bytes);
        FileChannel opened = FileChannel.open(fresh, StandardOpenOption.WRITE);
        Files.move(fresh, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        if (file != lock) {
            file.close();
        }
        file = opened;
        length = bytes.length;
    }

    @Override
    public void close() throws IOException {
        file.close();
        lock.close();
    }
}
