package dev.gantry.agent.volume;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A directory whose files change together: readers see all of one revision or all of the next.
 *
 * <pre>
 *   app.conf      → ..data/app.conf
 *   ..data        → ..2026_11_21_10_00_00.000000001      one rename(2) switches the revision
 *   ..2026_11_21_10_00_00.000000001/app.conf
 * </pre>
 *
 * <p>The layout is the kubelet's, because programs watch for {@code ..data} being replaced. A write that was cut off leaves a
 * directory that nothing refers to; the next write removes it. One writer at a time per directory.
 */
final class AtomicFiles {
    private static final String DATA = "..data";
    private static final String NEW_DATA = "..data_tmp";

    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final int DIRECTORY_MODE = 0755;
    private static final int SET_GROUP_ID = 02000;

    private final Path directory;
    private final OptionalInt group;

    /**
     * Writes to a directory that exists.
     *
     * @param group that gets the files and directories; empty for the agent's
     */
    AtomicFiles(Path directory, OptionalInt group) {
        this.directory = directory;
        this.group = group;
    }

    /**
     * Makes {@code files} the content of the directory.
     *
     * @param revision unique name of this content, without slashes, for example its time
     * @return whether anything changed; equal content is left alone, so that watchers are not woken for nothing
     */
    boolean write(String revision, Collection<FilePayload> files) throws IOException {
        Path current = currentRevision();
        if (current != null && holdsExactly(current, files)) {
            return false;
        }
        Path next = directory.resolve(".." + revision);
        deleteTree(next);
        makeDirectory(next);
        for (FilePayload file : files) {
            writeFile(next, file);
        }
        switchTo(next);
        linkTopNames(files);
        removeStale(next, topNames(files));
        return true;
    }

    private @Nullable Path currentRevision() throws IOException {
        try {
            Path target = directory.resolve(Files.readSymbolicLink(directory.resolve(DATA)));
            return Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS) ? target : null;
        } catch (NoSuchFileException | NotLinkException e) {
            return null;
        }
    }

    private static boolean holdsExactly(Path revision, Collection<FilePayload> files) throws IOException {
        Map<String, FilePayload> missing = new HashMap<>();
        files.forEach(file -> missing.put(file.path(), file));
        boolean[] surplus = {false};
        Files.walkFileTree(revision, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) throws IOException {
                FilePayload wanted = missing.remove(revision.relativize(path).toString());
                if (wanted == null
                        || attributes.size() != wanted.data().length
                        || mode(path) != wanted.mode()
                        || uid(path) != wanted.user().orElse(uid(revision))
                        || !Arrays.equals(Files.readAllBytes(path), wanted.data())) {
                    surplus[0] = true;
                    return FileVisitResult.TERMINATE;
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return missing.isEmpty() && !surplus[0];
    }

    private void writeFile(Path revision, FilePayload file) throws IOException {
        Path path = revision;
        for (Path name : Path.of(file.path())) {
            if (!path.equals(revision) && Files.notExists(path)) {
                makeDirectory(path);
            }
            path = path.resolve(name);
        }
        // Nobody else may read it before it has its mode.
        Files.createFile(path, OWNER_ONLY);
        Files.write(path, file.data());
        own(path);
        if (file.user().isPresent()) {
            Files.setAttribute(path, "unix:uid", file.user().getAsInt());
        }
        setMode(path, file.mode());
    }

    private void makeDirectory(Path made) throws IOException {
        Files.createDirectory(made);
        own(made);
        setMode(made, group.isPresent() ? DIRECTORY_MODE | SET_GROUP_ID : DIRECTORY_MODE);
    }

    private void own(Path path) throws IOException {
        if (group.isPresent()) {
            Files.setAttribute(path, "unix:gid", group.getAsInt());
        }
    }

    private void switchTo(Path revision) throws IOException {
        Path link = directory.resolve(NEW_DATA);
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, revision.getFileName());
        Files.move(link, directory.resolve(DATA), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private void linkTopNames(Collection<FilePayload> files) throws IOException {
        for (String name : topNames(files)) {
            Path link = directory.resolve(name);
            if (!Files.isSymbolicLink(link)) {
                Files.createSymbolicLink(link, Path.of(DATA, name));
            }
        }
    }

    private void removeStale(Path current, Set<String> names) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                boolean ours = entry.equals(current) || name.equals(DATA) || names.contains(name);
                if (!ours) {
                    deleteTree(entry);
                }
            }
        }
    }

    private static Set<String> topNames(Collection<FilePayload> files) {
        Set<String> names = new HashSet<>();
        for (FilePayload file : files) {
            int slash = file.path().indexOf('/');
            names.add(slash < 0 ? file.path() : file.path().substring(0, slash));
        }
        return names;
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Modes are set rather than passed at creation, so that the agent's umask cannot narrow them. */
    private static void setMode(Path path, int mode) throws IOException {
        Files.setAttribute(path, "unix:mode", mode);
    }

    private static int uid(Path path) throws IOException {
        return (int) Files.getAttribute(path, "unix:uid");
    }

    private static int mode(Path path) throws IOException {
        return (int) Files.getAttribute(path, "unix:mode") & 07777;
    }
}
