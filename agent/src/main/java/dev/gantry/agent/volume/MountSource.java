package dev.gantry.agent.volume;

/**
 * What of the host or of the runtime a volume is.
 *
 * @param hostPath absolute; empty for an image
 * @param image reference; empty for files of the host
 * @param readOnly whatever the mount says
 */
record MountSource(String hostPath, String image, boolean readOnly) {
    static MountSource host(String path) {
        return new MountSource(path, "", false);
    }

    static MountSource hostReadOnly(String path) {
        return new MountSource(path, "", true);
    }

    static MountSource image(String reference) {
        return new MountSource("", reference, true);
    }
}
