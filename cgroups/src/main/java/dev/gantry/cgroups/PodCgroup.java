package dev.gantry.cgroups;

import java.time.Duration;
import java.util.List;

/** The cgroup of one pod, with its containers' below it. */
public final class PodCgroup {
    private final CgroupTree tree;
    private final String relative;

    PodCgroup(CgroupTree tree, String relative) {
        this.tree = tree;
        this.relative = relative;
    }

    /** The directory; need not exist. */
    public Cgroup cgroup() {
        return tree.cgroup(relative);
    }

    /**
     * Makes it, with the parents, and sets the pod's own limits.
     *
     * @return what could not be limited
     */
    public List<Missing> create(CgroupResources resources) throws CgroupException {
        return tree.prepared(relative).apply(resources);
    }

    /** A container's cgroup; need not exist. Limits and the first process are in it, an exec is in a child of it. */
    public Cgroup container(String id) {
        return cgroup().child(tree.naming().container(id));
    }

    /**
     * Makes a container's cgroup and sets its limits. The pod's must exist.
     *
     * @return what could not be limited
     */
    public List<Missing> createContainer(String id, CgroupResources resources) throws CgroupException {
        Cgroup container = container(id);
        container.create();
        return container.apply(resources);
    }

    /**
     * Makes an empty child that hands down all controllers there are, since the kernel takes none from a cgroup as long as a child hands it
     * down. Where the pod's cgroup is a slice of systemd's, each reload of its configuration would take from it whatever none of systemd's own
     * units below asks for, and with the controllers the limits of all containers.
     *
     * @param id of the sandbox that it goes with
     * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html#top-down-constraint">Top-down Constraint</a>
     */
    public void createKeeper(String id) throws CgroupException {
        Cgroup keeper = keeper(id);
        keeper.create();
        // A refusal shows when limits are written beside it.
        keeper.enable(tree.availableControllers());
    }

    /** What {@link #createKeeper} makes; need not exist. */
    public Cgroup keeper(String id) {
        return cgroup().child(CgroupNaming.keeper(id));
    }

    /** Kills what is left in it and removes it with all below. Blocks no longer than {@code patience}. */
    public void remove(Duration patience) throws CgroupException {
        Cgroup cgroup = cgroup();
        if (cgroup.tryRemove()) {
            return;
        }
        cgroup.kill();
        cgroup.removeRecursively(patience);
    }
}
