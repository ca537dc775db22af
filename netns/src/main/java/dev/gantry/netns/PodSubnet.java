package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A network that pods get addresses from: its first address is the gateway, pods have those from the second on.
 *
 * @param network of IPv4 /8 to /30, of IPv6 /8 to /126
 */
public record PodSubnet(IpPrefix network) {
    private static final int FIRST = 2;
    private static final int MIN_LENGTH = 8;
    private static final int HOST_BITS_LEFT = 2;
    /** IPv6 networks are larger than any number of pods; their first million addresses do. */
    private static final int MAX_HOST_BITS = 20;

    public PodSubnet {
        int bits = network.address().getAddress().length * Byte.SIZE;
        if (network.length() < MIN_LENGTH || network.length() > bits - HOST_BITS_LEFT) {
            throw new IllegalArgumentException("pod CIDR " + network + ": the prefix has " + MIN_LENGTH + " to "
                    + (bits - HOST_BITS_LEFT) + " bits");
        }
        if (network.address().isMulticastAddress() || network.address().isLoopbackAddress()) {
            throw new IllegalArgumentException("pod CIDR " + network + " is not for hosts");
        }
        if (!network.network().equals(network)) {
            throw new IllegalArgumentException(
                    "pod CIDR " + network + " has bits behind its prefix; did you mean " + network.network() + "?");
        }
    }

    public boolean isIpv6() {
        return network.isIpv6();
    }

    public InetAddress gateway() {
        return at(1);
    }

    /** How many pods it has addresses for. */
    public int capacity() {
        int hostBits = network.address().getAddress().length * Byte.SIZE - network.length();
        return (1 << Math.min(hostBits, MAX_HOST_BITS)) - FIRST - (isIpv6() ? 0 : 1);
    }

    /**
     * The first free address behind another, from the beginning again after the last: an address just given back is
     * given out again as late as possible, since others may still remember who had it.
     */
    Optional<InetAddress> nextFree(Optional<InetAddress> last, Predicate<InetAddress> isFree) {
        int capacity = capacity();
        int start = last.filter(network::contains).map(this::offset).orElse(FIRST - 1) - FIRST + 1;
        for (int i = 0; i < capacity; i++) {
            InetAddress candidate = at(FIRST + Math.floorMod(start + i, capacity));
            if (isFree.test(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    private InetAddress at(int offset) {
        byte[] bytes = network.address().getAddress();
        BigInteger value = new BigInteger(1, bytes).add(BigInteger.valueOf(offset));
        byte[] sum = value.toByteArray();
        byte[] fitted = new byte[bytes.length];
        int length = Math.min(sum.length, fitted.length);
        System.arraycopy(sum, sum.length - length, fitted, fitted.length - length, length);
        return IpPrefix.addressOf(fitted);
    }

    private int offset(InetAddress address) {
        return new BigInteger(1, address.getAddress())
                .subtract(new BigInteger(1, network.address().getAddress()))
                .min(BigInteger.valueOf(Integer.MAX_VALUE / 2))
                .intValue();
    }

    /**
     * The hardware address of whoever has an IP address. Being a function of it, a neighbour's memory of the pair stays
     * right when the IP address goes to another pod.
     */
    static byte[] hardwareAddress(InetAddress ip) {
        byte[] bytes = ip.getAddress();
        byte[] last = Arrays.copyOfRange(bytes, bytes.length - 4, bytes.length);
        // bit 1 of the first byte: locally administered
        return new byte[] {0x0a, 0x58, last[0], last[1], last[2], last[3]};
    }

    /**
     * The link-local address that goes with a hardware address (RFC 4291, appendix A). Set by us, not by the kernel,
     * which would try it out for a second and resolve no neighbour for others meanwhile.
     */
    static IpPrefix linkLocal(byte... hardwareAddress) {
        byte[] h = hardwareAddress;
        return new IpPrefix(
                IpPrefix.addressOf(
                        (byte) 0xfe,
                        (byte) 0x80,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) (h[0] ^ 2),
                        h[1],
                        h[2],
                        (byte) 0xff,
                        (byte) 0xfe,
                        h[3],
                        h[4],
                        h[5]),
                64);
    }

    @Override
    public String toString() {
        return network.toString();
    }
}
