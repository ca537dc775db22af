package dev.gantry.agent.pod;

import dev.gantry.cri.v1.Mount;
import java.util.List;

/**
 * What was made for one run of a container before the runtime makes the container.
 *
 * @param mounts of volumes and files
 */
public record Prepared(ContainerEnvironment environment, List<Mount> mounts) {
    public Prepared {
        mounts = List.copyOf(mounts);
    }
}
