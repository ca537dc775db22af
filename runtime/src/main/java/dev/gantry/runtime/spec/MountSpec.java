package dev.gantry.runtime.spec;

import java.util.List;

/** One mount of a container, to be made in the order given. Targets are absolute and normalised. */
public sealed interface MountSpec {
    String target();

    /**
     * A fresh file system of the kernel.
     *
     * @param options {@code key=value} or {@code key}, as fsconfig takes them
     * @param attributes MOUNT_ATTR_*
     */
    record FileSystem(String target, String type, List<String> options, long attributes) implements MountSpec {
        public FileSystem {
            options = List.copyOf(options);
        }
    }

    /**
     * A file or directory of the host.
     *
     * @param source absolute; symbolic links are followed on the host
     * @param directory whether the source is one
     * @param recursive whether mounts below the source come along
     * @param readOnly of the topmost mount
     * @param recursivelyReadOnly of all of them
     * @param attributes more MOUNT_ATTR_* for the topmost mount
     * @param ids whose numbers the owners of the topmost mount's files are
     */
    record Bind(
            String target,
            String source,
            boolean directory,
            boolean recursive,
            boolean readOnly,
            boolean recursivelyReadOnly,
            Propagation propagation,
            long attributes,
            Ids ids)
            implements MountSpec {}

    /** In a pod with users of its own. */
    enum Ids {
        /** The host's: files belong to nobody whom the pod knows. */
        HOST,
        /** The pod's users of the same numbers. */
        POD,
        /** The same where the file system can; tmpfs can since Linux 6.3. For files that everybody may read. */
        POD_IF_POSSIBLE
    }

    /**
     * An image, read-only.
     *
     * @param mount its index in the container's configuration
     * @param image its name, for messages
     * @param subPath what of it; relative and normalised, empty for all
     * @param attributes more MOUNT_ATTR_*
     * @param directory whether that is one
     */
    record ImageVolume(String target, int mount, String image, String subPath, long attributes, boolean directory)
            implements MountSpec {}

    /** The pod's own {@code /dev/shm}. */
    record SharedMemory(String target) implements MountSpec {}

    /** Whether mounts made later, on one side, appear on the other. */
    enum Propagation {
        PRIVATE,
        HOST_TO_CONTAINER,
        BIDIRECTIONAL
    }
}
