package dev.gantry.cgroups;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The part of the cgroup v2 tree that belongs to this agent, in Kubernetes' layout:
 *
 * <pre>
 *   root                       delegated by systemd, configured, or the top of the mount
 *   ├── agent, holder          who was in the root: a parent must hold no process
 *   └── kubepods               all pods
 *       ├── pod&lt;uid&gt;           guaranteed
 *       ├── burstable/pod&lt;uid&gt;
 *       └── besteffort/pod&lt;uid&gt;
 *           └── &lt;container id&gt;     limits and the container's first process
 *               └── exec-&lt;id&gt;.mount  one exec
 * </pre>
 */
public final class CgroupTree {
    private final Linux linux;
    private final Placement placement;
    private final CgroupNaming naming;
    private final Cgroup root;
    private final Set<Controller> available;
    private final List<Missing> missing;

    private CgroupTree(
            Linux linux,
            Placement placement,
            CgroupNaming naming,
            Cgroup root,
            Set<Controller> available,
            List<Missing> missing) {
        this.linux = linux;
        this.placement = placement;
        this.naming = naming;
        this.root = root;
        this.available = Set.copyOf(available);
        this.missing = List.copyOf(missing);
    }

    /**
     * Finds the subtree, moves the agent into a leaf if need be, and hands every controller that there is down to the
     * pods. A controller that cannot be had is no error, see {@link #missing}.
     *
     * @throws CgroupException if no cgroup2 is mounted or no directory can be made in it
     */
    public static CgroupTree discover(Linux linux, CgroupSettings settings) throws IOException {
        Placement placement = Placement.find(
                linux.mounts().mountInfo(),
                linux.files().readSmallFile("/proc/self/cgroup"),
                settings.root(),
                directory -> isDelegated(linux, directory));
        return at(linux, settings, placement);
    }

    /**
     * The tree of a host from its top, where other runtimes make cgroups; the agent stays where it is.
     *
     * @param mount of the cgroup2 file system, {@code /sys/fs/cgroup}
     * @throws CgroupException if no directory can be made in it
     */
    public static CgroupTree ofHost(Linux linux, Path mount, CgroupNaming naming) throws CgroupException {
        return at(
                linux,
                CgroupSettings.DEFAULT.withNaming(naming),
                new Placement(mount.toString(), mount.toString(), Placement.Origin.TOP, Placement.NONE));
    }

    static CgroupTree at(Linux linux, CgroupSettings settings, Placement placement) throws CgroupException {
        Cgroup base = new Cgroup(linux, placement.root());
        base.create();
        // the top of the tree may hold processes and controllers at once, any other cgroup may not
        if (!placement.leaf().isEmpty() && !placement.root().equals(placement.mountPoint())) {
            moveProcesses(base, base.child(placement.leaf()));
        }
        Cgroup root = settings.subtree().isEmpty() ? base : base.child(settings.subtree());
        Cgroup pods = root.child(settings.naming().pods());
        pods.create();
        List<Missing> missing = new ArrayList<>();
        Set<Controller> available = EnumSet.allOf(Controller.class);
        for (Cgroup level : levels(linux, placement, pods)) {
            available.retainAll(enableAll(level, available, missing));
        }
        for (Controller controller : Controller.values()) {
            if (!available.contains(controller)
                    && missing.stream().noneMatch(m -> m.what().endsWith(" " + controller.kernelName()))) {
                missing.add(explain(linux, placement, controller));
            }
        }
        return new CgroupTree(
                linux,
                placement,
                settings.naming(),
                new Cgroup(linux, root.path(), known(missing)),
                available,
                missing);
    }

    private static Known known(List<Missing> missing) {
        Map<Controller, Missing> byController = new EnumMap<>(Controller.class);
        for (Controller controller : Controller.values()) {
            missing.stream()
                    .filter(m -> m.what().endsWith(" " + controller.kernelName()))
                    .findFirst()
                    .ifPresent(m -> byController.put(controller, m));
        }
        return new Known(byController);
    }

    /** From the agent's root down to the pods' cgroup; where the root is not delegated, from the top of the mount. */
    private static List<Cgroup> levels(Linux linux, Placement placement, Cgroup pods) {
        String first = placement.origin() == Placement.Origin.DELEGATED ? placement.root() : placement.mountPoint();
        List<Cgroup> levels = new ArrayList<>();
        levels.add(new Cgroup(linux, first));
        String rest = pods.path().substring(first.length());
        for (int slash = rest.indexOf('/', 1); slash > 0; slash = rest.indexOf('/', slash + 1)) {
            levels.add(new Cgroup(linux, first + rest.substring(0, slash)));
        }
        levels.add(pods);
        return levels;
    }

    /** Returns what the children of this level have. */
    private static Set<Controller> enableAll(Cgroup level, Set<Controller> wanted, List<Missing> missing)
            throws CgroupException {
        Set<Controller> there = level.controllers();
        Set<Controller> both = EnumSet.copyOf(wanted);
        both.retainAll(there);
        for (Map.Entry<Controller, String> refusal : level.enable(both).entrySet()) {
            missing.add(new Missing(
                    "cgroup controller " + refusal.getKey().kernelName(),
                    refusal.getValue(),
                    "echo +%s > %s/cgroup.subtree_control"
                            .formatted(refusal.getKey().kernelName(), level.path())));
            both.remove(refusal.getKey());
        }
        return both;
    }

    /** Why a controller that nobody refused is not there. */
    private static Missing explain(Linux linux, Placement placement, Controller controller) {
        String name = controller.kernelName();
        String what = "cgroup controller " + name;
        if (!placement.root().equals(placement.mountPoint())) {
            return new Cgroup(linux, placement.root() + "/x").missing(controller);
        }
        return isUsedByVersionOne(linux, controller)
                ? new Missing(
                        what,
                        "this host uses it with cgroup v1 (hybrid mode)",
                        "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=" + name)
                : new Missing(
                        what, "this kernel does not offer it", "see CONFIG_ options of the kernel and /proc/cgroups");
    }

    /** Lines of {@code /proc/cgroups}: name, hierarchy (0 is version 2 or none), number, enabled. */
    private static boolean isUsedByVersionOne(Linux linux, Controller controller) {
        String name = controller == Controller.IO ? "blkio" : controller.kernelName();
        try {
            for (String line : linux.files().readSmallFile("/proc/cgroups").split("\n", -1)) {
                String[] fields = line.split("\t", -1);
                if (fields.length >= 2 && fields[0].equals(name)) {
                    return !fields[1].equals("0");
                }
            }
        } catch (ErrnoException withoutTheFile) {
            // then there is no version 1 either
        }
        return false;
    }

    /** Twice, since a process of the agent may have forked in between; who comes later finds the next start. */
    private static void moveProcesses(Cgroup from, Cgroup leaf) throws CgroupException {
        leaf.create();
        for (int round = 0; round < 2; round++) {
            for (int pid : from.processes()) {
                try {
                    leaf.addProcess(pid);
                } catch (CgroupException e) {
                    if (e.errno() != Errno.ESRCH) {
                        throw e;
                    }
                }
            }
        }
    }

    /** systemd marks what it hands over with an extended attribute. */
    private static boolean isDelegated(Linux linux, String directory) {
        try (Fd file = linux.files().open(directory, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            return linux.files().fgetxattr(file, "user.delegate").isPresent()
                    || linux.files().fgetxattr(file, "trusted.delegate").isPresent();
        } catch (ErrnoException e) {
            return false;
        }
    }

    /** The controllers that pods and containers get. */
    public Set<Controller> availableControllers() {
        return available;
    }

    /** Those that they do not get, each with reason and remedy. */
    public List<Missing> missing() {
        return missing;
    }

    /** The agent's own part. */
    public Cgroup root() {
        return root;
    }

    public String mountPoint() {
        return placement.mountPoint();
    }

    /** For {@code gantry check}, e.g. {@code /sys/fs/cgroup/unified (top of the cgroup2 mount)}. */
    public String description() {
        return root.path() + " (" + placement.origin().words() + ")";
    }

    public CgroupNaming naming() {
        return naming;
    }

    /** The cgroup of all pods. */
    public Cgroup pods() {
        return root.child(naming.pods());
    }

    /** The cgroup of a class of pods; made if it is not there. */
    public Cgroup qos(QosClass qos) throws CgroupException {
        return prepared(naming.qos(qos));
    }

    /** Shares of the CPU for a class: the kubelet gives best-effort pods 2, burstable ones the sum of their requests. */
    public List<Missing> setQosShares(QosClass qos, long shares) throws CgroupException {
        String weight = Long.toString(CpuWeight.ofRequest(shares).value());
        return qos(qos).apply(CgroupResources.builder()
                .unified(Map.of("cpu.weight", weight))
                .build());
    }

    /** A pod's cgroup; need not exist. */
    public PodCgroup pod(QosClass qos, String uid) {
        return new PodCgroup(this, naming.pod(qos, uid));
    }

    /**
     * The cgroup that a {@code cgroup_parent} of CRI means; need not exist.
     *
     * @throws IllegalArgumentException see {@link CgroupNaming#ofCgroupParent}
     */
    public PodCgroup pod(String cgroupParent) {
        return new PodCgroup(this, CgroupNaming.ofCgroupParent(cgroupParent));
    }

    /** Makes a cgroup and its parents below the root, each of which hands the controllers down. */
    Cgroup prepared(String relative) throws CgroupException {
        Cgroup cgroup = root.child(relative);
        Optional<String> parent = parent(relative);
        if (!cgroup.exists()) {
            if (parent.isPresent() && !root.child(parent.get()).exists()) {
                prepared(parent.get());
            }
            cgroup.create();
        }
        // Also in one that is there: a kubelet makes a pod's cgroup and leaves to the runtime what is below.
        handDown(relative);
        return cgroup;
    }

    /** What the parents do not give, they are told to, too: systemd takes from its slices what none of its units asks for. */
    private void handDown(String relative) throws CgroupException {
        // a refusal in the end shows when limits are written below
        if (!available.isEmpty() && !root.child(relative).enable(available).isEmpty()) {
            Optional<String> parent = parent(relative);
            if (parent.isPresent()) {
                handDown(parent.get());
            } else {
                root.enable(available);
            }
            root.child(relative).enable(available);
        }
    }

    private static Optional<String> parent(String relative) {
        int slash = relative.lastIndexOf('/');
        return slash > 0 ? Optional.of(relative.substring(0, slash)) : Optional.empty();
    }

    Cgroup cgroup(String relative) {
        return root.child(relative);
    }

    Linux linux() {
        return linux;
    }
}
