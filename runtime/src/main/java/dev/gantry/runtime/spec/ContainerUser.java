package dev.gantry.runtime.spec;

import java.util.List;

/**
 * Who a container's process is.
 *
 * @param uid 0 to 2147483647
 * @param gid 0 to 2147483647
 * @param groups supplementary groups, the primary one among them, each once
 * @param home from the image's passwd file, else {@code /}
 */
public record ContainerUser(int uid, int gid, List<Integer> groups, String home) {
    public ContainerUser {
        groups = List.copyOf(groups);
    }

    public boolean isRoot() {
        return uid == 0;
    }
}
