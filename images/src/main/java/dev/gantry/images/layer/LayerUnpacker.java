package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import dev.gantry.images.StoreUsage;
import dev.gantry.images.layer.TarEntry.Extent;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import dev.gantry.linux.Stat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes one tar into a directory as a layer of overlayfs: whiteouts become character devices 0/0, opaque directories an
 * attribute.
 *
 * <p>Nothing is ever written outside: the parent of each entry is resolved by {@code openat2(RESOLVE_IN_ROOT)}, its last
 * component is created by calls that follow no link. The directory must be this unpacker's alone meanwhile. One thread.
 */
public final class LayerUnpacker implements AutoCloseable {
    private static final long IN_ROOT = Fcntl.RESOLVE_IN_ROOT | Fcntl.RESOLVE_NO_MAGICLINKS;
    private static final int MOST_LINKS = 40;
    private static final int CACHED_PARENTS = 64;
    private static final int BLOCK = 4096;
    private static final byte[] OPAQUE = {'y'};
    private static final int IMPLICIT_MODE = 0755;
    private static final int PIECE_BYTES = 256 << 10;
    /** One per thread, since such memory comes back only with a garbage collection. */
    private static final ThreadLocal<ByteBuffer> DIRECT =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(PIECE_BYTES));

    private final FileCalls files;
    private final Fd root;
    private final OverlayFlavour flavour;
    private final LayerLimits limits;
    private final byte[] piece = new byte[PIECE_BYTES];
    private final ByteBuffer direct = DIRECT.get();
    private final ParentCache parents = new ParentCache();
    private final Set<String> implicit = new LinkedHashSet<>();
    private final Map<String, Instant> directoryTimes = new LinkedHashMap<>();
    private boolean rootHasEntry;
    private long bytes = BLOCK;
    private long inodes = 1;

    /** Unpacks into {@code root}, which stays open and is not closed here. */
    public LayerUnpacker(FileCalls files, Fd root, OverlayFlavour flavour, LayerLimits limits) {
        this.files = files;
        this.root = root;
        this.flavour = flavour;
        this.limits = limits;
    }

    /** Descriptors of the directories written to last; opening a parent costs more than creating a file in it. */
    private static final class ParentCache extends LinkedHashMap<String, Fd> {
        ParentCache() {
            super(2 * CACHED_PARENTS, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Fd> eldest) {
            if (size() <= CACHED_PARENTS) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }

        void forget() {
            values().forEach(Fd::close);
            clear();
        }
    }

    /** Unpacks all entries; the stream is read up to the archive's end mark. */
    public UnpackedLayer unpack(TarReader tar) throws IOException {
        while (true) {
            TarEntry entry = tar.next();
            if (entry == null) {
                break;
            }
            try {
                unpack(entry, tar);
            } catch (ErrnoException e) {
                throw describe(entry, e);
            }
        }
        setDirectoryTimes();
        if (!rootHasEntry) {
            implicit.add("");
        }
        List<String> directories = new ArrayList<>(implicit);
        directories.sort(null); // a parent is a prefix of its children
        return new UnpackedLayer(directories, new StoreUsage(bytes, inodes));
    }

    @Override
    public void close() {
        parents.forget();
    }

    private static IOException describe(TarEntry entry, ErrnoException e) {
        String message = "unpack '" + Quoted.cut(entry.name()) + "': " + e.getMessage();
        return switch (e.errno()) {
            // the entry is to blame, not the disk
            case ENAMETOOLONG, ELOOP, ENOTDIR, EISDIR, EINVAL, ENOENT, EXDEV, EMLINK ->
                new LayerFormatException(message, e);
            default -> new IOException(message, e);
        };
    }

    private void unpack(TarEntry entry, TarReader tar) throws IOException {
        EntryPath path = EntryPath.of(entry.name(), limits);
        switch (path.kind()) {
            case PLAIN -> create(path, entry, tar);
            case WHITEOUT -> whiteOut(path);
            case OPAQUE -> setOpaque(path.parent());
            case IGNORED -> {}
        }
    }

    private void create(EntryPath path, TarEntry entry, TarReader tar) throws IOException {
        if (path.isRoot()) {
            if (entry.type() != EntryType.DIRECTORY) {
                throw new LayerFormatException("'" + Quoted.cut(entry.name()) + "' replaces the layer's root by a "
                        + entry.type().name().toLowerCase(java.util.Locale.ROOT));
            }
            rootHasEntry = true;
            setAttributes(root, entry);
            directoryTimes.put("", time(entry));
            return;
        }
        Fd parent = parent(path.parent());
        String name = path.last();
        switch (entry.type()) {
            case FILE -> createFile(parent, name, entry, tar);
            case DIRECTORY -> createDirectory(parent, name, path, entry);
            case HARD_LINK -> createHardLink(parent, name, entry);
            case SYMLINK -> createSymlink(parent, name, entry);
            case CHARACTER_DEVICE -> createNode(parent, name, entry, Stat.S_IFCHR);
            case BLOCK_DEVICE -> createNode(parent, name, entry, Stat.S_IFBLK);
            case FIFO -> createNode(parent, name, entry, Stat.S_IFIFO);
        }
    }

    // --- each type of entry. The order is create, chown, attributes, chmod, times: chown clears capabilities and
    // setuid.

    private void createFile(Fd parent, String name, TarEntry entry, TarReader tar) throws IOException {
        int flags = Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_NOFOLLOW;
        try (Fd file = replacing(parent, name, () -> files.openat(parent, name, flags, 0600))) {
            for (Extent extent : entry.extents()) {
                if (entry.isSparse()) {
                    files.lseek(file, extent.offset(), Fcntl.SEEK_SET);
                }
                copy(tar, file, extent.length());
            }
            if (entry.isSparse()) {
                files.ftruncate(file, entry.size());
            }
            setAttributes(file, entry);
            files.futimens(file, time(entry), time(entry));
        }
        inodes++;
    }

    private void copy(TarReader tar, Fd file, long length) throws IOException {
        long left = length;
        while (left > 0) {
            int n = tar.read(piece, 0, (int) Math.min(piece.length, left));
            if (n < 0) {
                throw new LayerFormatException("tar entry ends early");
            }
            left -= n;
            direct.clear();
            direct.put(piece, 0, n).flip();
            while (direct.hasRemaining()) {
                files.write(file, direct);
            }
        }
        bytes += (length + BLOCK - 1) / BLOCK * BLOCK;
    }

    private void createDirectory(Fd parent, String name, EntryPath path, TarEntry entry) throws IOException {
        boolean opaque = false;
        try {
            files.mkdirat(parent, name, 0700);
            countDirectory();
        } catch (ErrnoException e) {
            if (!e.is(Errno.EEXIST)) {
                throw e;
            }
            FileStatus there = files.fstatat(parent, name, Fcntl.AT_SYMLINK_NOFOLLOW);
            if (!there.isDirectory()) {
                // a whiteout and a directory of one name: the lower one is gone, this one is new
                opaque = isWhiteout(there);
                remove(parent, name, there);
                files.mkdirat(parent, name, 0700);
                countDirectory();
            }
        }
        if (entry.xattrs().isEmpty() && !opaque) {
            files.fchownat(parent, name, (int) entry.uid(), (int) entry.gid(), Fcntl.AT_SYMLINK_NOFOLLOW);
            files.fchmodat(parent, name, entry.mode());
        } else {
            try (Fd directory = openDirectory(parent, name)) {
                setAttributes(directory, entry);
                if (opaque) {
                    files.fsetxattr(directory, flavour.opaqueAttribute(), OPAQUE, 0);
                }
            }
        }
        String text = path.toString();
        implicit.remove(text);
        directoryTimes.put(text, time(entry));
    }

    private void createHardLink(Fd parent, String name, TarEntry entry) throws IOException {
        EntryPath target = EntryPath.of(entry.linkName(), limits);
        if (target.isRoot()) {
            throw new LayerFormatException("'" + Quoted.cut(entry.name()) + "' is a hard link to the layer's root");
        }
        // relative to the layer's root, and never through the last component: the link itself may be linked
        try (Fd directory =
                files.openat2(root, inRoot(target.parent()), Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, IN_ROOT)) {
            FileStatus source = files.fstatat(directory, target.last(), Fcntl.AT_SYMLINK_NOFOLLOW);
            if (source.isDirectory()) {
                throw new LayerFormatException("'" + Quoted.cut(entry.name()) + "' is a hard link to a directory");
            }
            if (isSameName(parent, name, source)) {
                return;
            }
            replacing(parent, name, () -> {
                files.linkat(directory, target.last(), parent, name, 0);
                return name;
            });
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                throw new LayerFormatException(
                        "'" + Quoted.cut(entry.name()) + "' is a hard link to '" + Quoted.cut(entry.linkName())
                                + "', which is not in this layer before it",
                        e);
            }
            throw e;
        }
    }

    private boolean isSameName(Fd parent, String name, FileStatus source) throws ErrnoException {
        try {
            return files.fstatat(parent, name, Fcntl.AT_SYMLINK_NOFOLLOW).sameFile(source);
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return false;
            }
            throw e;
        }
    }

    private void createSymlink(Fd parent, String name, TarEntry entry) throws IOException {
        replacing(parent, name, () -> {
            files.symlinkat(entry.linkName(), parent, name);
            return name;
        });
        files.fchownat(parent, name, (int) entry.uid(), (int) entry.gid(), Fcntl.AT_SYMLINK_NOFOLLOW);
        setAttributesByName(parent, name, entry);
        files.utimensat(parent, name, time(entry), time(entry), Fcntl.AT_SYMLINK_NOFOLLOW);
        inodes++;
    }

    private void createNode(Fd parent, String name, TarEntry entry, int type) throws IOException {
        boolean device = type != Stat.S_IFIFO;
        boolean whiteout = type == Stat.S_IFCHR && entry.deviceMajor() == 0 && entry.deviceMinor() == 0;
        if (device && !whiteout && flavour == OverlayFlavour.USER_NAMESPACE) {
            return;
        }
        replacing(parent, name, () -> {
            files.mknodat(parent, name, type | 0600, entry.deviceMajor(), entry.deviceMinor());
            return name;
        });
        files.fchownat(parent, name, (int) entry.uid(), (int) entry.gid(), Fcntl.AT_SYMLINK_NOFOLLOW);
        setAttributesByName(parent, name, entry);
        files.fchmodat(parent, name, entry.mode()); // no link: it was made just now
        files.utimensat(parent, name, time(entry), time(entry), Fcntl.AT_SYMLINK_NOFOLLOW);
        inodes++;
    }

    // --- whiteouts

    private void whiteOut(EntryPath path) throws IOException {
        Fd parent = parent(path.parent());
        String name = path.whitedOut();
        try {
            files.mknodat(parent, name, Stat.S_IFCHR, 0, 0);
            inodes++;
        } catch (ErrnoException e) {
            if (!e.is(Errno.EEXIST)) {
                throw e;
            }
            // it removes what is below, never what this layer brings
            if (files.fstatat(parent, name, Fcntl.AT_SYMLINK_NOFOLLOW).isDirectory()) {
                try (Fd directory = openDirectory(parent, name)) {
                    files.fsetxattr(directory, flavour.opaqueAttribute(), OPAQUE, 0);
                }
            }
        }
    }

    private void setOpaque(EntryPath directory) throws IOException {
        parent(directory); // makes it, if need be
        try (Fd file = files.openat2(root, inRoot(directory), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0, IN_ROOT)) {
            files.fsetxattr(file, flavour.opaqueAttribute(), OPAQUE, 0);
        }
    }

    private static boolean isWhiteout(FileStatus status) {
        return status.isCharacterDevice() && status.deviceMajor() == 0 && status.deviceMinor() == 0;
    }

    // --- parents

    /** The directory to create in; made if it is missing. Stays in the cache: not to be closed. */
    private Fd parent(EntryPath path) throws IOException {
        if (path.isRoot()) {
            return root;
        }
        String text = path.toString();
        Fd cached = parents.get(text);
        if (cached != null) {
            return cached;
        }
        Fd opened = openParent(path, 0);
        parents.put(text, opened);
        return opened;
    }

    private Fd openParent(EntryPath path, int links) throws IOException {
        try {
            return files.openat2(root, inRoot(path), Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, IN_ROOT);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT, Errno.ENOTDIR) || path.isRoot() || links > MOST_LINKS) {
                throw e;
            }
        }
        EntryPath above = path.parent();
        Fd parent = above.isRoot() ? null : openParent(above, links);
        try {
            Fd directory = parent == null ? root : parent;
            FileStatus there = status(directory, path.last());
            if (there != null && there.isSymbolicLink()) {
                // a link into a layer below, perhaps: what it points to is made here, inside the root
                String target = files.readlinkat(directory, path.last());
                String from = target.startsWith("/") ? "" : above + "/";
                return openParent(EntryPath.of(clamp(from + target), limits), links + 1);
            }
            if (there != null && !isWhiteout(there)) {
                throw new LayerFormatException(
                        "'" + Quoted.cut(path.toString()) + "' is no directory, but the parent" + " of another entry");
            }
            if (there != null) {
                files.unlinkat(directory, path.last(), 0);
                inodes--;
            }
            files.mkdirat(directory, path.last(), 0700);
            countDirectory();
            files.fchmodat(directory, path.last(), IMPLICIT_MODE);
            implicit.add(path.toString());
            Fd made = openDirectory(directory, path.last());
            if (there != null) {
                files.fsetxattr(made, flavour.opaqueAttribute(), OPAQUE, 0);
            }
            return made;
        } finally {
            if (parent != null) {
                parent.close();
            }
        }
    }

    /** {@code ..} at the root stays there, as for any process in it. */
    private static String clamp(String path) {
        List<String> result = new ArrayList<>();
        for (String component : path.split("/", -1)) {
            if (component.equals("..")) {
                if (!result.isEmpty()) {
                    result.remove(result.size() - 1);
                }
            } else if (!component.isEmpty() && !component.equals(".")) {
                result.add(component);
            }
        }
        return String.join("/", result);
    }

    private @Nullable FileStatus status(Fd directory, String name) throws ErrnoException {
        try {
            return files.fstatat(directory, name, Fcntl.AT_SYMLINK_NOFOLLOW);
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return null;
            }
            throw e;
        }
    }

    private Fd openDirectory(Fd parent, String name) throws ErrnoException {
        return files.openat(parent, name, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW, 0);
    }

    private static String inRoot(EntryPath path) {
        return path.isRoot() ? "." : path.toString();
    }

    private void countDirectory() {
        inodes++;
        bytes += BLOCK;
    }

    // --- replacing

    /** Creates something; what stands in its place is removed, and the creation tried once more. */
    private <T> T replacing(Fd parent, String name, Creation<T> creation) throws IOException {
        try {
            return creation.create();
        } catch (ErrnoException e) {
            if (!e.is(Errno.EEXIST)) {
                throw e;
            }
        }
        remove(parent, name, files.fstatat(parent, name, Fcntl.AT_SYMLINK_NOFOLLOW));
        return creation.create();
    }

    private interface Creation<T> {
        T create() throws ErrnoException;
    }

    private void remove(Fd parent, String name, FileStatus status) throws IOException {
        if (!status.isDirectory()) {
            if (status.isSymbolicLink()) {
                // paths through it change their meaning; the caller's descriptor stays good, it holds the directory
                forgetParentsExcept(parent);
            }
            files.unlinkat(parent, name, 0);
            inodes--;
            return;
        }
        forgetParentsExcept(parent);
        inodes -= RemovedTree.remove(files, parent, name);
    }

    private void forgetParentsExcept(Fd keep) {
        parents.entrySet().removeIf(entry -> {
            if (entry.getValue() == keep) {
                return false;
            }
            entry.getValue().close();
            return true;
        });
    }

    // --- attributes

    private void setAttributes(Fd file, TarEntry entry) throws IOException {
        files.fchown(file, (int) entry.uid(), (int) entry.gid());
        for (Map.Entry<String, byte[]> xattr : entry.xattrs().entrySet()) {
            if (isAllowed(xattr.getKey())) {
                try {
                    files.fsetxattr(file, xattr.getKey(), xattr.getValue(), 0);
                } catch (ErrnoException e) {
                    tolerate(e, xattr.getKey(), false);
                }
            }
        }
        files.fchmod(file, entry.mode());
    }

    private void setAttributesByName(Fd parent, String name, TarEntry entry) throws IOException {
        for (Map.Entry<String, byte[]> xattr : entry.xattrs().entrySet()) {
            if (isAllowed(xattr.getKey())) {
                try {
                    files.lsetxattr(parent.path() + "/" + name, xattr.getKey(), xattr.getValue(), 0);
                } catch (ErrnoException e) {
                    tolerate(e, xattr.getKey(), true);
                }
            }
        }
    }

    /** Overlayfs' own attributes in a tar would forge whiteouts and redirects. */
    private static boolean isAllowed(String name) {
        return !name.startsWith("trusted.overlay.") && !name.startsWith("user.overlay.");
    }

    private static void tolerate(ErrnoException e, String name, boolean special) throws ErrnoException {
        boolean unsupported = e.is(Errno.EOPNOTSUPP);
        // links and devices cannot have user attributes
        boolean forbidden = special && e.is(Errno.EPERM) && name.startsWith("user.");
        if (!unsupported && !forbidden) {
            throw e;
        }
    }

    private void setDirectoryTimes() throws IOException {
        parents.forget();
        for (Map.Entry<String, Instant> directory : directoryTimes.entrySet()) {
            String path = directory.getKey().isEmpty() ? "." : directory.getKey();
            try (Fd file =
                    files.openat2(root, path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW, 0, IN_ROOT)) {
                files.futimens(file, directory.getValue(), directory.getValue());
            } catch (ErrnoException e) {
                if (!e.is(Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP)) {
                    throw e;
                }
                // a later entry replaced it
            }
        }
    }

    /** Within what 64 bits of nanoseconds hold, 1677 to 2262; some file systems hold less and cut it themselves. */
    private static Instant time(TarEntry entry) {
        long seconds = Math.max(-9_223_372_036L, Math.min(9_223_372_036L, entry.mtimeSeconds()));
        return Instant.ofEpochSecond(seconds, entry.mtimeNanos());
    }
}
