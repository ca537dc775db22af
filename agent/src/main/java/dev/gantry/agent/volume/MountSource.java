package dev.gantry.agent.volume;

/**
 * What of the host or of the runtime a volume is.
 *
 * @param hostPath absolute; empty for an image
 * @param image reference; empty for files of the host
 * @param readOnly whatever the mount says
 * @param managed whether the files are there for pods alone, so that they may get the pods' group and SELinux label
 */
record MountSource(String hostPath, String image, boolean readOnly, boolean managed) {
    /** Files of pods, which the agent keeps for them or a claim has given to them. */
    static MountSource ofPods(String path) {
        return new MountSource(path, "", false, true);
    }

    /** Files that others use too. */
    static MountSource ofHost(String path) {
        return new MountSource(path, "", false, false);
    }

    static MountSource image(String reference) {
        return new MountSource("", reference, true, false);
    }

    MountSource asReadOnly() {
        return new MountSource(hostPath, image, true, managed);
    }

    /** The same volume, seen at another place of the host. */
    MountSource at(String path) {
        return new MountSource(path, image, readOnly, managed);
    }
}
