package dev.gantry.cgroups;

import java.util.Optional;

/**
 * Which part of the tree to use.
 *
 * @param root {@code --cgroup-root}: a cgroup, as a path in the tree or in the file system; empty to find one
 * @param subtree a directory of its own for this agent below a root that others use too, so that agents run side by
 *     side; empty for none
 */
public record CgroupSettings(Optional<String> root, String subtree, CgroupNaming naming) {
    public static final CgroupSettings DEFAULT = new CgroupSettings(Optional.empty(), "", CgroupNaming.CGROUPFS);

    public CgroupSettings {
        if (subtree.contains("/") || subtree.startsWith(".")) {
            throw new IllegalArgumentException("name of a cgroup: \"%s\"".formatted(subtree));
        }
    }

    public CgroupSettings withRoot(String cgroupRoot) {
        return new CgroupSettings(Optional.of(cgroupRoot), subtree, naming);
    }

    public CgroupSettings withSubtree(String name) {
        return new CgroupSettings(root, name, naming);
    }

    public CgroupSettings withNaming(CgroupNaming other) {
        return new CgroupSettings(root, subtree, other);
    }
}
