package dev.gantry.agent.volume;

import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * The mounts that volumes need on the host. Every method may block as long as the file systems beneath do; a failure says
 * which call failed and what the kernel answered.
 */
interface HostMounts {
    /**
     * A file system in memory, never swapped where the kernel can do that (Linux 6.4).
     *
     * @param target an empty directory
     * @param sizeBytes more is ENOSPC; empty for half of the machine's memory
     */
    void tmpfs(Path target, OptionalLong sizeBytes) throws IOException;

    /**
     * A file system of huge pages.
     *
     * @param pageSize as the kernel writes it, {@code 2M}
     */
    void hugePages(Path target, String pageSize) throws IOException;

    /** An ext4 file system in a file, which holds no more than it was made for. */
    void image(Path image, Path target) throws IOException;

    /**
     * Binds what is at {@code subPath} in a volume to a place outside of it. Links are followed as long as they stay in the
     * volume; whoever changes the volume meanwhile cannot lead the mount out of it.
     *
     * @param volume directory whose content others may change
     * @param subPath relative; what is missing of it becomes directories of the volume's mode
     * @param target does not exist; becomes a file or a directory as the source is one
     * @throws VolumeException if the path leads out of the volume
     */
    void bindBeneath(Path volume, String subPath, Path target) throws IOException, VolumeException;

    /** Whether something is mounted exactly there. */
    boolean isMountPoint(Path path) throws IOException;

    /** Unmounts one mount, in use or not. */
    void unmount(Path target) throws IOException;

    /**
     * Unmounts all that is mounted below a directory, in use or not.
     *
     * @throws IOException if something is left there: then nothing below may be deleted
     */
    void unmountBelow(Path directory) throws IOException;
}
