package dev.gantry.agent.volume;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.HelperProgram;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Limits directories on disk: each gets an ext4 file system of its own, in a sparse file that grows as it fills. A write
 * beyond the limit is ENOSPC for the writer, and nobody else is asked.
 */
final class DiskImages {
    private static final List<Path> TOOL_DIRECTORIES =
            List.of(Path.of("/usr/sbin"), Path.of("/sbin"), Path.of("/usr/bin"));
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** What inodes and tables take of a file system made with {@link #BYTES_PER_INODE}. */
    private static final double OVERHEAD = 0.018;

    private static final long FIXED_OVERHEAD_BYTES = 32 << 10;
    private static final int BYTES_PER_INODE = 16384;

    private final HostMounts mounts;
    private final List<Path> toolDirectories;

    DiskImages(HostMounts mounts) {
        this(mounts, TOOL_DIRECTORIES);
    }

    DiskImages(HostMounts mounts, List<Path> toolDirectories) {
        this.mounts = mounts;
        this.toolDirectories = toolDirectories;
    }

    /** The machine cannot limit so; the message says what it lacks and how to get it, or why not. */
    static final class UnavailableException extends Exception {
        private static final long serialVersionUID = 1L;

        UnavailableException(String message) {
            super(message);
        }
    }

    /**
     * Mounts a file system for about {@code bytes} of files on a directory; the one that it had before, if it had one.
     *
     * @return whether it is new
     * @throws UnavailableException if there is no {@code mkfs.ext4} here, or no file system of this size can be made
     * @throws ErrnoException if there are no loop devices
     */
    boolean mount(Path directory, long bytes) throws IOException, UnavailableException {
        Path image = imageOf(directory);
        boolean fresh = Files.notExists(image, LinkOption.NOFOLLOW_LINKS);
        if (fresh) {
            try {
                make(image, bytes);
            } catch (IOException e) {
                throw new UnavailableException(
                        "make a file system of %d bytes in %s: %s".formatted(bytes, image, e.getMessage()));
            }
        } else {
            // The machine was restarted: without a journal, perhaps in the middle of a write.
            run(tool("e2fsck"), List.of("-y", image.toString()), 3);
        }
        try {
            mounts.image(image, directory);
        } catch (IOException e) {
            if (fresh) {
                // The pod goes on without, and has to do so from now on.
                Files.deleteIfExists(image);
            }
            throw e;
        }
        if (fresh) {
            // Programs refuse a directory that should be empty and is not.
            Files.deleteIfExists(directory.resolve("lost+found"));
        }
        return fresh;
    }

    /** Whether a directory had a file system of its own before. */
    static boolean has(Path directory) {
        return Files.exists(imageOf(directory), LinkOption.NOFOLLOW_LINKS);
    }

    private static Path imageOf(Path directory) {
        return directory.resolveSibling(directory.getFileName() + ".ext4");
    }

    /** Under another name until it is whole. */
    private void make(Path image, long bytes) throws IOException, UnavailableException {
        Path tool = tool("mkfs.ext4");
        Path part = image.resolveSibling(image.getFileName() + ".new");
        Files.deleteIfExists(part);
        try (RandomAccessFile file = new RandomAccessFile(part.toFile(), "rw")) {
            Files.setAttribute(part, "unix:mode", 0600);
            file.setLength(bytes + (long) (bytes * OVERHEAD) + FIXED_OVERHEAD_BYTES);
            format(tool, part);
        } catch (IOException e) {
            Files.deleteIfExists(part);
            throw e;
        }
        Files.move(part, image, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void format(Path tool, Path part) throws IOException {
        run(
                tool,
                List.of(
                        "-q",
                        "-F",
                        "-m",
                        "0",
                        "-i",
                        Integer.toString(BYTES_PER_INODE),
                        "-O",
                        "^has_journal,^resize_inode",
                        "-E",
                        "nodiscard,lazy_itable_init=1,root_owner=0:0",
                        part.toString()),
                0);
    }

    private Path tool(String name) throws UnavailableException {
        Optional<Path> found = toolDirectories.stream()
                .map(directory -> directory.resolve(name))
                .filter(Files::isExecutable)
                .findFirst();
        return found.orElseThrow(
                () -> new UnavailableException("there is no %s on this machine; install e2fsprogs".formatted(name)));
    }

    private static void run(Path tool, List<String> arguments, int highestSuccess) throws IOException {
        List<String> command = new java.util.ArrayList<>(arguments);
        command.add(0, tool.toString());
        HelperProgram.Result result = HelperProgram.run(command, PATIENCE);
        if (result.exitStatus() > highestSuccess) {
            throw new IOException("%s: exit status %d: %s".formatted(command, result.exitStatus(), result.output()));
        }
    }
}
