package dev.gantry.cgroups;

import dev.gantry.linux.MountInfo;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where in the cgroup v2 tree the agent works, found from what the kernel says of mounts and of the agent itself.
 *
 * @param mountPoint of the cgroup2 file system
 * @param root the directory that the agent may use as its own; {@code mountPoint} or below
 * @param leaf the child that the processes in {@code root} have to move into, see {@link #NONE}
 */
record Placement(String mountPoint, String root, Origin origin, String leaf) {
    /** For the agent's own processes. */
    static final String AGENT = "agent";

    /** For the process that keeps the pods' unit alive. */
    static final String HOLDER = "holder";

    /** Nobody is in the root who would have to move. */
    static final String NONE = "";

    private static final String UNIT = ".service";
    private static final String PODS_UNIT = "-pods.service";

    enum Origin {
        /** {@code --cgroup-root} or {@code cgroupRoot} of the configuration. */
        CONFIGURED("configured"),
        /** A unit of systemd's with {@code Delegate=yes}: the one for pods beside the agent's, or the agent's own. */
        DELEGATED("delegated by systemd"),
        /** The top of the mount, since nothing is delegated. */
        TOP("top of the cgroup2 mount");

        private final String words;

        Origin(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /**
     * Finds it.
     *
     * @param selfCgroup content of {@code /proc/self/cgroup}
     * @param isDelegated whether a directory carries systemd's mark of delegation
     * @throws CgroupException if there is no cgroup2 mount, or the configured root is not on it
     */
    static Placement find(
            List<MountInfo> mounts, String selfCgroup, Optional<String> configured, Predicate<String> isDelegated)
            throws CgroupException {
        MountInfo mount = mounts.stream()
                .filter(candidate -> candidate.fileSystemType().equals("cgroup2"))
                // a writable one before any other, then the shortest path
                .min((a, b) -> isReadOnly(a) != isReadOnly(b)
                        ? Boolean.compare(isReadOnly(a), isReadOnly(b))
                        : Integer.compare(
                                a.mountPoint().length(), b.mountPoint().length()))
                .orElseThrow(() -> new CgroupException(
                        "no cgroup2 file system is mounted; mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
                        null));
        String top = mount.mountPoint();
        String self = directory(mount, pathOfSelf(selfCgroup));
        if (configured.isPresent()) {
            String root = configuredRoot(top, configured.get());
            return new Placement(top, root, Origin.CONFIGURED, self.equals(root) ? AGENT : NONE);
        }
        return delegated(top, self, isDelegated)
                .orElseGet(() -> new Placement(top, top, Origin.TOP, self.equals(top) ? AGENT : NONE));
    }

    /**
     * A unit of the pods' own goes first: systemd before version 254 cannot start an agent again whose unit has
     * cgroups with controllers below it, since it puts the new process beside them (EBUSY, status 219/CGROUP).
     */
    private static Optional<Placement> delegated(String top, String self, Predicate<String> isDelegated) {
        if (self.endsWith(UNIT)) {
            String pods = self.substring(0, self.length() - UNIT.length()) + PODS_UNIT;
            if (isDelegated.test(pods)) {
                return Optional.of(new Placement(top, pods, Origin.DELEGATED, HOLDER));
            }
        }
        // DelegateSubgroup=agent, or an agent that has moved already
        String unit = self.endsWith("/" + AGENT) ? self.substring(0, self.length() - AGENT.length() - 1) : self;
        return isDelegated.test(unit)
                ? Optional.of(new Placement(top, unit, Origin.DELEGATED, AGENT))
                : Optional.empty();
    }

    private static boolean isReadOnly(MountInfo mount) {
        return mount.options().contains("ro");
    }

    /** Of the line {@code 0::/path}; on a host with cgroup v1 there are others before it. */
    private static String pathOfSelf(String selfCgroup) {
        for (String line : selfCgroup.split("\n", -1)) {
            if (line.startsWith("0::")) {
                return line.substring(3);
            }
        }
        return "/";
    }

    /** The mount may show a part of the tree only. */
    private static String directory(MountInfo mount, String cgroupPath) {
        String root = mount.root().equals("/") ? "" : mount.root();
        String relative = cgroupPath.startsWith(root + "/") ? cgroupPath.substring(root.length()) : "/";
        return relative.equals("/") ? mount.mountPoint() : mount.mountPoint() + relative;
    }

    private static String configuredRoot(String top, String configured) throws CgroupException {
        String path = configured.replaceAll("/+", "/").replaceAll("(?<=.)/$", "");
        if (!path.startsWith("/") || path.contains("/../") || path.endsWith("/..")) {
            throw new CgroupException(
                    "cgroup root \"%s\": expected an absolute path, e.g. / or /gantry.slice".formatted(configured),
                    null);
        }
        if (path.equals(top) || path.startsWith(top + "/")) {
            return path;
        }
        if (path.startsWith("/sys/")) {
            throw new CgroupException(
                    "cgroup root %s is not below the cgroup2 file system at %s; name a directory there, or as the kernel names it, e.g. /gantry.slice"
                            .formatted(path, top),
                    null);
        }
        return path.equals("/") ? top : top + path;
    }
}
