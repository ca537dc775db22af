package dev.gantry.linux.netlink;

/**
 * An address of an interface.
 *
 * @param index of the interface
 * @param global neither link-local nor loopback
 * @param flags {@code IFA_F_…}
 */
public record InterfaceAddress(int index, IpPrefix prefix, boolean global, int flags) {
    private static final int IFA_F_TEMPORARY_OR_SECONDARY = 0x01;
    private static final int IFA_F_DEPRECATED = 0x20;
    private static final int IFA_F_TENTATIVE = 0x40;

    /** Whether others may be told of it: not secondary, temporary, deprecated or still being tried out. */
    public boolean isPrimary() {
        return (flags & (IFA_F_TEMPORARY_OR_SECONDARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE)) == 0;
    }
}
