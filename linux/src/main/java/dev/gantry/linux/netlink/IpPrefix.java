package dev.gantry.linux.netlink;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * An address and how many of its leading bits name the network: {@code 10.88.0.7/24}.
 *
 * @param length 0 to 32, or to 128 for IPv6
 */
public record IpPrefix(InetAddress address, int length) {
    public IpPrefix {
        int bits = address.getAddress().length * Byte.SIZE;
        if (length < 0 || length > bits) {
            throw new IllegalArgumentException(
                    "a prefix of " + address.getHostAddress() + " has 0 to " + bits + " bits: " + length);
        }
    }

    /**
     * Reads {@code address/length}; never asks a name server.
     *
     * @throws IllegalArgumentException if it is something else
     */
    public static IpPrefix parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("no prefix length: '" + text + "' (expected e.g. 10.88.0.0/22)");
        }
        try {
            return new IpPrefix(parseAddress(text.substring(0, slash)), Integer.parseInt(text.substring(slash + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the prefix length is no number: '" + text + "'", e);
        }
    }

    /**
     * Reads an address literal; never asks a name server.
     *
     * @throws IllegalArgumentException if it is something else
     */
    public static InetAddress parseAddress(String text) {
        boolean six = text.indexOf(':') >= 0;
        // what is no literal, getByName would ask a name server for
        if (!text.matches(six ? "[0-9A-Fa-f:.]+" : "((25[0-5]|2[0-4]\\d|[01]?\\d?\\d)(\\.(?=\\d)|$)){4}")) {
            throw new IllegalArgumentException("no IP address: '" + text + "'");
        }
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("no IP address: '" + text + "'", e);
        }
    }

    public boolean isIpv6() {
        return address instanceof Inet6Address;
    }

    /** The network itself: all bits behind the prefix are zero. */
    public IpPrefix network() {
        byte[] bytes = address.getAddress();
        for (int bit = length; bit < bytes.length * Byte.SIZE; bit++) {
            bytes[bit / Byte.SIZE] &= (byte) ~(0x80 >>> (bit % Byte.SIZE));
        }
        return new IpPrefix(addressOf(bytes), length);
    }

    public boolean contains(InetAddress other) {
        byte[] mine = address.getAddress();
        byte[] others = other.getAddress();
        int bytes = length / Byte.SIZE;
        if (mine.length != others.length || !Arrays.equals(mine, 0, bytes, others, 0, bytes)) {
            return false;
        }
        int mask = (0xff00 >> (length % Byte.SIZE)) & 0xff;
        return mask == 0 || ((mine[bytes] ^ others[bytes]) & mask) == 0;
    }

    public boolean overlaps(IpPrefix other) {
        return length <= other.length ? contains(other.address) : other.contains(address);
    }

    /**
     * An address from its bytes.
     *
     * @param bytes 4 or 16 of them
     */
    public static InetAddress addressOf(byte... bytes) {
        try {
            // the other factory would turn ::ffff:192.0.2.1 into an IPv4 address
            return bytes.length == 16 ? Inet6Address.getByAddress(null, bytes, -1) : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length, e);
        }
    }

    /** As people write it: IPv6 with its longest run of zeros left out. */
    public static String format(InetAddress address) {
        return address instanceof Inet6Address ? formatIpv6(address.getAddress()) : address.getHostAddress();
    }

    /** RFC 5952. */
    private static String formatIpv6(byte[] bytes) {
        int[] groups = new int[8];
        for (int i = 0; i < groups.length; i++) {
            groups[i] = ((bytes[2 * i] & 0xff) << 8) | (bytes[2 * i + 1] & 0xff);
        }
        int gap = -1;
        int gapLength = 1;
        for (int from = 0; from < groups.length; from++) {
            int to = from;
            while (to < groups.length && groups[to] == 0) {
                to++;
            }
            if (to - from > gapLength) {
                gap = from;
                gapLength = to - from;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < groups.length; i++) {
            if (i == gap) {
                text.append("::");
                i += gapLength - 1;
            } else {
                text.append(text.isEmpty() || text.charAt(text.length() - 1) == ':' ? "" : ":")
                        .append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return format(address) + "/" + length;
    }
}
