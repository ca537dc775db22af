package dev.gantry.agent.volume;

import dev.gantry.cri.v1.ImageSpec;

/**
 * What of the host or of the runtime a volume is.
 *
 * @param hostPath absolute; empty for an image
 * @param image as CRI has it, with the name that the pod has for it; without one for files of the host
 * @param readOnly whatever the mount says
 * @param managed whether the files are there for pods alone, so that they may get the pods' group and SELinux label
 */
record MountSource(String hostPath, ImageSpec image, boolean readOnly, boolean managed) {
    /** Files of pods, which the agent keeps for them or a claim has given to them. */
    static MountSource ofPods(String path) {
        return new MountSource(path, ImageSpec.getDefaultInstance(), false, true);
    }

    /** Files that others use too. */
    static MountSource ofHost(String path) {
        return new MountSource(path, ImageSpec.getDefaultInstance(), false, false);
    }

    /**
     * The files of an image.
     *
     * @param reference by which the runtime has it
     * @param name as the pod has it; CRI-O looks there for who must have signed it
     */
    static MountSource image(String reference, String name) {
        ImageSpec image = ImageSpec.newBuilder()
                .setImage(reference)
                .setUserSpecifiedImage(name)
                .build();
        return new MountSource("", image, true, false);
    }

    boolean isImage() {
        return !image.getImage().isEmpty();
    }

    MountSource asReadOnly() {
        return new MountSource(hostPath, image, true, managed);
    }

    /** The same volume, seen at another place of the host. */
    MountSource at(String path) {
        return new MountSource(path, image, readOnly, managed);
    }
}
