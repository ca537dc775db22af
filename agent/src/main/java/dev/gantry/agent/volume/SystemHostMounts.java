package dev.gantry.agent.volume;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileStatus;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.MountInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;

/** The host's own mount table. */
final class SystemHostMounts implements HostMounts {
    /** What is not to be followed even inside a volume: links of procfs. */
    private static final long BENEATH = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_MAGICLINKS;

    private static final int PERMISSIONS = 0777;

    private final Linux linux;

    SystemHostMounts(Linux linux) {
        this.linux = linux;
    }

    @Override
    public void tmpfs(Path target, OptionalLong sizeBytes) throws IOException {
        try {
            tmpfs(target, sizeBytes, true);
        } catch (ErrnoException e) {
            if (!e.is(Errno.EINVAL)) {
                throw e;
            }
            // Before Linux 6.4 there is no noswap.
            tmpfs(target, sizeBytes, false);
        }
    }

    private void tmpfs(Path target, OptionalLong sizeBytes, boolean noSwap) throws ErrnoException {
        try (Fd context = linux.mounts().fsopen("tmpfs")) {
            linux.mounts().fsconfigString(context, "source", "tmpfs");
            linux.mounts().fsconfigString(context, "mode", "0777");
            if (sizeBytes.isPresent()) {
                linux.mounts().fsconfigString(context, "size", Long.toString(sizeBytes.getAsLong()));
            }
            if (noSwap) {
                linux.mounts().fsconfigFlag(context, "noswap");
            }
            attach(context, target);
        }
    }

    @Override
    public void hugePages(Path target, String pageSize) throws IOException {
        try (Fd context = linux.mounts().fsopen("hugetlbfs")) {
            linux.mounts().fsconfigString(context, "source", "hugetlbfs");
            linux.mounts().fsconfigString(context, "mode", "0777");
            linux.mounts().fsconfigString(context, "pagesize", pageSize);
            attach(context, target);
        }
    }

    private void attach(Fd context, Path target) throws ErrnoException {
        linux.mounts().fsconfigCreate(context);
        try (Fd mount = linux.mounts().fsmount(context, 0)) {
            move(mount, target);
        }
    }

    private void move(Fd mount, Path target) throws ErrnoException {
        linux.mounts().moveMount(mount, "", Fd.AT_FDCWD, target.toString(), MountFlags.MOVE_MOUNT_F_EMPTY_PATH);
    }

    @Override
    public void image(Path image, Path target) throws IOException {
        try (LoopDevice device = LoopDevice.attach(linux, image)) {
            // Its tables are holes of the file, which read as zeros: nobody has to write them.
            linux.mounts().mount(device.path(), target.toString(), "ext4", 0, "discard,noinit_itable");
        }
    }

    @Override
    public void bindBeneath(Path volume, String subPath, Path target) throws IOException, VolumeException {
        try (Fd root = linux.files().open(volume.toString(), Fcntl.O_PATH | Fcntl.O_DIRECTORY);
                Fd source = openOrCreate(root, subPath)) {
            createTarget(target, linux.files().fstat(source));
            int flags = MountFlags.OPEN_TREE_CLONE | Fcntl.AT_EMPTY_PATH | Fcntl.AT_RECURSIVE;
            try (Fd tree = linux.mounts().openTree(source, "", flags)) {
                move(tree, target);
            }
        } catch (ErrnoException e) {
            if (e.is(Errno.EXDEV)) {
                throw new VolumeException(
                        "subPath '%s' leads out of its volume by a link; only links that stay in the volume are followed"
                                .formatted(subPath),
                        e);
            }
            throw e;
        }
    }

    private Fd openOrCreate(Fd root, String subPath) throws ErrnoException {
        try {
            return linux.files().openat2(root, subPath, Fcntl.O_PATH, 0, BENEATH);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
        int mode = linux.files().fstat(root).permissions() & PERMISSIONS;
        StringBuilder path = new StringBuilder();
        for (String name : subPath.split("/")) {
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            String parent = path.isEmpty() ? "." : path.toString();
            path.append(path.isEmpty() ? "" : "/").append(name);
            try (Fd directory = linux.files().openat2(root, parent, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, BENEATH)) {
                makeDirectory(directory, name, mode);
            }
        }
        return linux.files().openat2(root, path.isEmpty() ? "." : path.toString(), Fcntl.O_PATH, 0, BENEATH);
    }

    private void makeDirectory(Fd parent, String name, int mode) throws ErrnoException {
        try {
            linux.files().mkdirat(parent, name, mode);
        } catch (ErrnoException e) {
            if (e.is(Errno.EEXIST)) {
                return;
            }
            throw e;
        }
        // The umask is not asked for.
        int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW;
        try (Fd made = linux.files().openat(parent, name, flags, 0)) {
            int inherited = linux.files().fstat(made).permissions() & ~PERMISSIONS;
            linux.files().fchmod(made, mode | inherited);
        }
    }

    private static void createTarget(Path target, FileStatus source) throws IOException {
        Files.createDirectories(target.getParent());
        if (source.isDirectory()) {
            Files.createDirectory(target);
        } else {
            Files.createFile(target);
        }
    }

    @Override
    public boolean isMountPoint(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        long own = linux.files().lstat(path.toString()).mountId();
        if (own == 0) {
            // Before Linux 5.8 only the table knows.
            return linux.mounts().mountInfo().stream()
                    .anyMatch(mount -> mount.mountPoint().equals(path.toString()));
        }
        return own != linux.files().lstat(path + "/..").mountId();
    }

    @Override
    public void unmount(Path target) throws IOException {
        linux.mounts().umount2(target.toString(), MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
    }

    @Override
    public void unmountBelow(Path directory) throws IOException {
        List<String> mounts = mountsBelow(directory);
        for (String mount : mounts) {
            unmount(Path.of(mount));
        }
        List<String> left = mounts.isEmpty() ? mounts : mountsBelow(directory);
        if (!left.isEmpty()) {
            throw new IOException("unmount " + left + ": still mounted");
        }
    }

    /** The last one mounted first. */
    private List<String> mountsBelow(Path directory) throws ErrnoException {
        String prefix = directory + "/";
        return linux.mounts().mountInfo().stream()
                .filter(mount -> mount.mountPoint().startsWith(prefix))
                .sorted(Comparator.comparingInt(MountInfo::mountId).reversed())
                .map(MountInfo::mountPoint)
                .toList();
    }
}
