package dev.gantry.linux.netlink;

/**
 * One object in the kernel's answer, for the {@code parse} methods of this package.
 *
 * @param type {@code RTM_NEWLINK} and so on
 * @param body what follows the header
 */
@SuppressWarnings("ArrayRecordComponent") // bytes in transit, never compared
public record NetlinkData(int type, byte[] body) {}
