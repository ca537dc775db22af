package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Mount;
import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import dev.gantry.runtime.spec.SandboxFiles;
import dev.gantry.runtime.spec.SpecException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Gives files of the host the SELinux label of a container, so that its policy lets the container use them: what CRI calls
 * {@code selinux_relabel}. Names are followed up to the mount's source and no further, other mounts below it keep their labels.
 */
final class SeLinuxRelabel {
    /** More than any real tree has; each level holds a descriptor. */
    private static final int MAX_DEPTH = 256;

    private static final String ATTRIBUTE = "security.selinux";

    /** The system would not work, or not start again, with the label of containers there. */
    private static final Set<String> NEVER = Set.of(
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/home",
            "/lib",
            "/lib64",
            "/media",
            "/mnt",
            "/opt",
            "/proc",
            "/root",
            "/run",
            "/sbin",
            "/srv",
            "/sys",
            "/tmp",
            "/usr",
            "/usr/bin",
            "/usr/lib",
            "/usr/lib64",
            "/usr/local",
            "/usr/sbin",
            "/var",
            "/var/lib",
            "/var/log",
            "/var/run",
            "/var/tmp");

    private final FileCalls files;
    private final byte[] label;

    private SeLinuxRelabel(FileCalls files, String label) {
        this.files = files;
        // With its end, as the kernel keeps it: what reads it may want that.
        this.label = (label + "\0").getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Labels what a container's configuration wants labelled, and the files below /etc that it shares with its pod.
     *
     * @param label {@code user:role:type:level}
     * @return a notice for each file system that has no labels
     * @throws SpecException for a directory that is the system's
     */
    static List<String> apply(FileCalls files, ContainerConfig config, SandboxFiles shared, String label)
            throws IOException, SpecException {
        SeLinuxRelabel relabel = new SeLinuxRelabel(files, label);
        for (String path : Stream.of(shared.hosts(), shared.hostname(), shared.resolvConf())
                .flatMap(Optional::stream)
                .toList()) {
            relabel.tree(Path.of(path));
        }
        List<String> notices = new ArrayList<>();
        for (Mount mount : config.getMountsList()) {
            if (mount.getSelinuxRelabel() && mount.getImage().getImage().isEmpty()) {
                relabel.mount(mount).ifPresent(notices::add);
            }
        }
        return notices;
    }

    private Optional<String> mount(Mount mount) throws IOException, SpecException {
        Path source = Path.of(mount.getHostPath()).toRealPath();
        if (NEVER.contains(source.toString())) {
            throw SpecException.invalid(
                    "mount %s: selinux_relabel of %s would take it from the system; mount a directory below it",
                    mount.getContainerPath(), source);
        }
        try {
            tree(source);
            return Optional.empty();
        } catch (ErrnoException e) {
            if (e.is(Errno.EOPNOTSUPP)) {
                return Optional.of("mount %s: the file system of %s keeps no SELinux labels, it was not relabelled"
                        .formatted(mount.getContainerPath(), source));
            }
            throw e;
        }
    }

    private void tree(Path path) throws IOException {
        String parent = String.valueOf(path.getParent());
        try (Fd directory = files.open(parent, Fcntl.O_PATH | Fcntl.O_DIRECTORY)) {
            String name = String.valueOf(path.getFileName());
            FileStatus status = files.fstatat(directory, name, Fcntl.AT_SYMLINK_NOFOLLOW);
            entry(directory, name, status, status.mountId(), 0);
        }
    }

    private void entry(Fd directory, String name, FileStatus status, long mount, int depth) throws IOException {
        label(directory, name);
        if (status.isDirectory()) {
            if (depth > MAX_DEPTH) {
                throw new IOException("relabel a volume for SELinux: deeper than " + MAX_DEPTH + " directories");
            }
            int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW;
            try (Fd open = files.openat(directory, name, flags, 0)) {
                for (DirectoryEntry entry : files.list(open)) {
                    child(open, entry.name(), mount, depth + 1);
                }
            }
        }
    }

    private void child(Fd directory, String name, long mount, int depth) throws IOException {
        try {
            FileStatus status = files.fstatat(directory, name, Fcntl.AT_SYMLINK_NOFOLLOW);
            if (status.mountId() == mount) {
                entry(directory, name, status, mount, depth);
            }
        } catch (ErrnoException e) {
            // Removed or replaced by its owner meanwhile.
            if (!e.is(Errno.ENOENT) && !e.is(Errno.ELOOP) && !e.is(Errno.ENOTDIR)) {
                throw e;
            }
        }
    }

    /** By the directory's descriptor and the last name only, which is not followed: nobody can put another file in between. */
    private void label(Fd directory, String name) throws ErrnoException {
        String path = "/proc/self/fd/" + directory.number() + "/" + name;
        boolean right = files.lgetxattr(path, ATTRIBUTE)
                .filter(present -> Arrays.equals(present, label))
                .isPresent();
        if (!right) {
            files.lsetxattr(path, ATTRIBUTE, label, 0);
        }
    }
}
