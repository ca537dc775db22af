package dev.gantry.agent.rotation;

import dev.gantry.agent.rotation.RotatedLogs.Plan;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/**
 * The steps of a rotation on disk. Each leaves files that a reader understands and that the next rotation takes up, so that
 * the agent may be killed between any two. No step follows a symbolic link: a container may have this directory mounted.
 */
final class LogRotation {
    private static final int BLOCK = 64 << 10;

    private LogRotation() {}

    /**
     * Size of a log in bytes; -1 if there is no such file.
     *
     * @throws IOException if it is no regular file
     */
    static long size(Path log) throws IOException {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(log, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (!attributes.isRegularFile()) {
                throw new IOException("log " + log + " is no regular file: not rotated");
            }
            return attributes.size();
        } catch (NoSuchFileException e) {
            return -1;
        }
    }

    static List<String> siblings(Path log) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory(log))) {
            entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
        } catch (NoSuchFileException e) {
            // then there is nothing beside it
        }
        return names;
    }

    /** Removes what a plan has no use for: first of all, since the disk may be full. */
    static void delete(Path log, Plan plan) throws IOException {
        for (String name : plan.delete()) {
            Files.deleteIfExists(directory(log).resolve(name));
        }
    }

    /** Moves the log out of the way; who writes it goes on writing it. */
    static void rename(Path log, String to) throws IOException {
        // rotated names are made by this agent only, and none twice
        Files.move(log, directory(log).resolve(to));
    }

    /** Gives a log its name back, if nobody has begun another one. */
    static void renameBack(Path log, String from) throws IOException {
        if (Files.notExists(log, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(directory(log).resolve(from), log);
        }
    }

    /**
     * Compresses a rotated file.
     *
     * @throws IOException if that fails, with the file as it was
     */
    static void compress(Path log, String name) throws IOException {
        Path from = directory(log).resolve(name);
        Path unfinished = directory(log).resolve(RotatedLogs.unfinished(name));
        try {
            Files.deleteIfExists(unfinished);
            copy(from, unfinished);
            Files.move(
                    unfinished,
                    directory(log).resolve(RotatedLogs.compressed(name)),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            Files.deleteIfExists(from);
        } catch (NoSuchFileException e) {
            // The container was removed meanwhile, and its logs with it.
            Files.deleteIfExists(unfinished);
        } catch (IOException e) {
            Files.deleteIfExists(unfinished);
            throw e;
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (SeekableByteChannel in =
                        Files.newByteChannel(from, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
                FileChannel out = FileChannel.open(
                        to,
                        Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----")))) {
            OutputStream gzip = new GZIPOutputStream(Channels.newOutputStream(out), BLOCK);
            byte[] block = new byte[BLOCK];
            for (int count = in.read(ByteBuffer.wrap(block)); count >= 0; count = in.read(ByteBuffer.wrap(block))) {
                gzip.write(block, 0, count);
            }
            gzip.close();
        }
        // The original goes next: what replaces it has to survive a power cut.
        try (FileChannel written = FileChannel.open(to, StandardOpenOption.WRITE)) {
            written.force(true);
        }
    }

    private static Path directory(Path log) {
        return Objects.requireNonNull(log.getParent(), "a log lies in a directory");
    }
}
