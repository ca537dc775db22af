package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Layers as overlayfs would show them, looked at without a mount: the upper of two files wins, directories are merged,
 * whiteouts and opaque directories hide what is below. Symbolic links are followed inside this tree only, and never by
 * the kernel: the topmost layer may be a running container's, which may change it at any moment.
 */
public final class LayeredTree {
    private static final long STRICT = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS;
    private static final int MOST_LINKS = 40;
    private static final int MOST_COMPONENTS = 4096;

    private final FileCalls files;
    private final List<Fd> layers;
    private final OverlayFlavour flavour;

    /** Looks at {@code layers}, the topmost first, which stay the caller's to close. */
    public LayeredTree(FileCalls files, List<Fd> layers, OverlayFlavour flavour) {
        this.files = files;
        this.layers = List.copyOf(layers);
        this.flavour = flavour;
    }

    /** Where a path ends: which layer shows it, and what it is there called. */
    private record Place(Fd layer, String path, FileStatus status) {}

    /** A directory that was walked into: its path, and the layers that take part in it, the topmost first. */
    private record Merged(
            String path, List<Fd> parts, @Nullable FileStatus status) {}

    /** What a process whose root this is would see at the path, following links; empty if nothing. */
    public Optional<FileStatus> status(String path) throws IOException {
        Object found = walk(path);
        if (found instanceof Place place) {
            return Optional.of(place.status());
        }
        if (found instanceof Merged merged) {
            return Optional.of(
                    merged.status() == null ? files.fstat(merged.parts().get(0)) : merged.status());
        }
        return Optional.empty();
    }

    /**
     * Reads a regular file; empty if there is nothing at the path.
     *
     * @throws IOException if it is something else than a file, or longer than {@code maxBytes}
     */
    public Optional<byte[]> read(String path, int maxBytes) throws IOException {
        Object found = walk(path);
        if (found == null) {
            return Optional.empty();
        }
        if (!(found instanceof Place place) || !place.status().isRegularFile()) {
            throw new IOException("read '" + Quoted.cut(path) + "' of the image: it is no regular file");
        }
        // not blocking: it may have become a pipe since
        int flags = Fcntl.O_RDONLY | Fcntl.O_NOFOLLOW | Fcntl.O_NONBLOCK;
        try (Fd file = files.openat2(place.layer(), place.path(), flags, 0, STRICT)) {
            if (!files.fstat(file).isRegularFile()) {
                throw new IOException("read '" + Quoted.cut(path) + "' of the image: it is no regular file");
            }
            return Optional.of(content(file, path, maxBytes));
        }
    }

    private byte[] content(Fd file, String path, int maxBytes) throws IOException {
        long size = files.fstat(file).size();
        if (size > maxBytes) {
            throw new IOException("read '" + Quoted.cut(path) + "' of the image: it has " + size
                    + " bytes, the limit is " + maxBytes);
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) size + 1);
        while (buffer.hasRemaining() && files.read(file, buffer) > 0) {
            // until the end, or one byte too many: it has grown since
        }
        if (buffer.position() > maxBytes) {
            throw new IOException(
                    "read '" + Quoted.cut(path) + "' of the image: it grows beyond " + maxBytes + " bytes");
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    /** A {@link Place}, a {@link Merged} directory, or null. */
    private @Nullable Object walk(String path) throws IOException {
        Deque<String> left = new ArrayDeque<>(List.of(path.split("/")));
        Deque<Merged> stack = new ArrayDeque<>();
        stack.push(new Merged("", layers, null));
        int links = 0;
        int steps = 0;
        while (!left.isEmpty()) {
            String component = left.pop();
            if (++steps > MOST_COMPONENTS) {
                throw new IOException("look up '" + Quoted.cut(path) + "' in the image: too many components");
            }
            if (component.isEmpty() || component.equals(".")) {
                continue;
            }
            if (component.equals("..")) {
                if (stack.size() > 1) {
                    stack.pop();
                }
                continue;
            }
            Object found = step(stack.getFirst(), component);
            if (found instanceof Merged directory) {
                stack.push(directory);
            } else if (found instanceof Place place && place.status().isSymbolicLink()) {
                if (++links > MOST_LINKS) {
                    throw new IOException("look up '" + Quoted.cut(path) + "' in the image: too many symbolic links");
                }
                String target = target(place);
                if (target.startsWith("/")) {
                    Merged root = stack.getLast();
                    stack.clear();
                    stack.push(root);
                }
                List<String> components = List.of(target.split("/"));
                for (int i = components.size() - 1; i >= 0; i--) {
                    left.push(components.get(i));
                }
            } else if (found == null || left.stream().anyMatch(c -> !c.isEmpty())) {
                return null;
            } else {
                return found;
            }
        }
        return stack.getFirst();
    }

    private String target(Place link) throws IOException {
        int flags = Fcntl.O_PATH | Fcntl.O_NOFOLLOW;
        try (Fd file = files.openat2(link.layer(), link.path(), flags, 0, STRICT)) {
            return files.readlinkat(file, "");
        }
    }

    private @Nullable Object step(Merged directory, String name) throws IOException {
        String path = directory.path().isEmpty() ? name : directory.path() + "/" + name;
        List<Fd> parts = new ArrayList<>();
        FileStatus top = null;
        for (Fd layer : directory.parts()) {
            try (Fd file = files.openat2(layer, path, Fcntl.O_PATH | Fcntl.O_NOFOLLOW, 0, STRICT)) {
                FileStatus status = files.fstat(file);
                if (!status.isDirectory()) {
                    boolean whiteout =
                            status.isCharacterDevice() && status.deviceMajor() == 0 && status.deviceMinor() == 0;
                    if (parts.isEmpty() && !whiteout) {
                        return new Place(layer, path, status);
                    }
                    break;
                }
                parts.add(layer);
                top = top == null ? status : top;
                if (isOpaque(file)) {
                    break;
                }
            } catch (ErrnoException e) {
                if (!e.is(Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP)) {
                    throw e;
                }
            }
        }
        return parts.isEmpty() ? null : new Merged(path, parts, top);
    }

    private boolean isOpaque(Fd directory) throws ErrnoException {
        // a descriptor made by O_PATH has no attributes, its path in proc has
        return files.lgetxattr(directory.path() + "/.", flavour.opaqueAttribute())
                .filter(value -> value.length == 1 && (value[0] == 'y' || value[0] == 'x'))
                .isPresent();
    }
}
