package dev.gantry.cgroups;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How the directories are called: both layouts that Kubernetes knows, without any help of systemd itself. */
public enum CgroupNaming {
    /** {@code kubepods/burstable/pod<uid>/<container id>}. */
    CGROUPFS {
        @Override
        public String pods() {
            return "kubepods";
        }

        @Override
        public String qos(QosClass qos) {
            return switch (qos) {
                case GUARANTEED -> "kubepods";
                case BURSTABLE -> "kubepods/burstable";
                case BEST_EFFORT -> "kubepods/besteffort";
            };
        }

        @Override
        public String pod(QosClass qos, String uid) {
            return qos(qos) + "/pod" + uid;
        }

        @Override
        public String container(String id) {
            return id;
        }
    },

    /** {@code kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/gantry-<container id>.scope}. */
    SYSTEMD {
        @Override
        public String pods() {
            return "kubepods.slice";
        }

        @Override
        public String qos(QosClass qos) {
            return switch (qos) {
                case GUARANTEED -> "kubepods.slice";
                case BURSTABLE -> "kubepods.slice/kubepods-burstable.slice";
                case BEST_EFFORT -> "kubepods.slice/kubepods-besteffort.slice";
            };
        }

        @Override
        public String pod(QosClass qos, String uid) {
            String parent = qos(qos);
            String slice = parent.substring(parent.lastIndexOf('/') + 1, parent.length() - ".slice".length());
            // a dash would be one level deeper
            return parent + "/" + slice + "-pod" + uid.replace('-', '_') + ".slice";
        }

        @Override
        public String container(String id) {
            return "gantry-" + id + ".scope";
        }
    };

    /**
     * cAdvisor, in the kubelet, takes each cgroup below {@code kubepods} for a container of its own, and each exec of a probe for a new one, with metrics by its name; all but
     * systemd's mounts.
     */
    private static final String UNWATCHED = ".mount";

    private static final Pattern OWN = Pattern.compile("(?:gantry-)?([0-9a-f]{64})(?:\\.scope|\\" + UNWATCHED + ")?");

    /** The cgroup that holds all pods, relative to the agent's subtree. */
    public abstract String pods();

    /** The cgroup of a class; guaranteed pods lie directly in {@link #pods}. */
    public abstract String qos(QosClass qos);

    public abstract String pod(QosClass qos, String uid);

    /** A container's directory in its pod's. */
    public abstract String container(String id);

    /** Whether slices are systemd's, if it runs here. */
    public boolean hasSlices() {
        return this == SYSTEMD;
    }

    /** An exec's directory in its container's. */
    public static String exec(String id) {
        return id + UNWATCHED;
    }

    static String keeper(String id) {
        return "gantry-" + id + UNWATCHED;
    }

    /**
     * The container or sandbox that a directory in a pod's belongs to.
     *
     * @return empty if it is none of this runtime's
     */
    public static Optional<String> idOf(String name) {
        Matcher matcher = OWN.matcher(name);
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /**
     * The directory that a {@code cgroup_parent} of CRI means: a path, or the name of a systemd slice, which stands for
     * all its parents too ({@code a-b.slice} is {@code a.slice/a-b.slice}).
     *
     * @throws IllegalArgumentException if it leaves the tree or names nothing
     */
    public static String ofCgroupParent(String cgroupParent) {
        String path = cgroupParent.replaceAll("^/+|/+$", "").replaceAll("/+", "/");
        for (String name : path.split("/", -1)) {
            if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('\0') >= 0) {
                throw new IllegalArgumentException(
                        "cgroup parent \"%s\": not a path below the pods' cgroup, e.g. /kubepods/burstable/pod1234"
                                .formatted(cgroupParent));
            }
        }
        return path.endsWith(".slice") && path.indexOf('/') < 0 ? expandSlice(path) : path;
    }

    private static String expandSlice(String slice) {
        String stem = slice.substring(0, slice.length() - ".slice".length());
        List<String> levels = new ArrayList<>();
        for (int dash = stem.indexOf('-'); dash > 0; dash = stem.indexOf('-', dash + 1)) {
            levels.add(stem.substring(0, dash) + ".slice");
        }
        levels.add(slice);
        return String.join("/", levels);
    }
}
