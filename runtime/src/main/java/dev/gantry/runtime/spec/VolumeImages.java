package dev.gantry.runtime.spec;

import dev.gantry.runtime.spec.HostFiles.Kind;
import java.io.IOException;

/** The images that a container mounts beside its own. */
@FunctionalInterface
public interface VolumeImages {
    /**
     * What a path in one of them is, symbolic links resolved inside its root.
     *
     * @param mount the mount's index in the container's configuration
     */
    Kind kind(int mount, String path) throws IOException;
}
