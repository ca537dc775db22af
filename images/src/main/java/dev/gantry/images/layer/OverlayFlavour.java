package dev.gantry.images.layer;

/** How overlayfs is told of opaque directories: which attributes an agent may set depends on its user namespace. */
public enum OverlayFlavour {
    /** Root of the first user namespace: {@code trusted.overlay.*}. */
    PRIVILEGED("trusted.overlay.opaque", ""),
    /**
     * Root of another user namespace: {@code user.overlay.*} and the mount option {@code userxattr}, without which
     * overlayfs accepts the mount and fails later. Device nodes cannot be made there and are left out.
     */
    USER_NAMESPACE("user.overlay.opaque", "userxattr");

    private final String opaqueAttribute;
    private final String mountOption;

    OverlayFlavour(String opaqueAttribute, String mountOption) {
        this.opaqueAttribute = opaqueAttribute;
        this.mountOption = mountOption;
    }

    public String opaqueAttribute() {
        return opaqueAttribute;
    }

    /** To be added to the mount's options, or empty. */
    public String mountOption() {
        return mountOption;
    }
}
