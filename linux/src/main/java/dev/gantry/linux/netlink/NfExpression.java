package dev.gantry.linux.netlink;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * One step of a rule, for the kernel's little register machine. Its registers hold 4 bytes each and are numbered from 8
 * on ({@code NFT_REG32_00}); a value that is longer takes the next ones too.
 */
public final class NfExpression {
    /** The first register. */
    public static final int REGISTER = 8;

    private static final int VERDICT_REGISTER = 0;
    private static final int NFTA_EXPR_NAME = 1;
    private static final int NFTA_EXPR_DATA = 2;
    private static final int NFTA_DATA_VALUE = 1;
    private static final int NFTA_DATA_VERDICT = 2;
    private static final int NFTA_VERDICT_CODE = 1;
    private static final int NFTA_VERDICT_CHAIN = 2;
    private static final int NF_DROP = 0;
    private static final int NFT_JUMP = -3;
    private static final int NFT_RETURN = -5;
    private static final int NFT_META_IIFNAME = 6;
    private static final int NFT_META_OIFNAME = 7;
    private static final int NFT_META_NFPROTO = 15;
    private static final int NFT_META_L4PROTO = 16;
    private static final int NFT_PAYLOAD_NETWORK_HEADER = 1;
    private static final int NFT_PAYLOAD_TRANSPORT_HEADER = 2;
    private static final int NFT_FIB_RESULT_ADDRTYPE = 3;
    private static final int NFTA_FIB_F_SADDR = 1;
    private static final int NFTA_FIB_F_DADDR = 2;
    private static final int RTN_LOCAL = 2;
    private static final int NFT_CT_STATUS = 2;
    private static final int IPS_DST_NAT = 1 << 5;
    private static final int NFT_NAT_DNAT = 1;
    private static final int NFPROTO_IPV4 = 2;
    private static final int NFPROTO_IPV6 = 10;
    private static final int IFNAMSIZ = 16;

    private final String name;
    private final Consumer<AttributeWriter> data;

    private NfExpression(String name, Consumer<AttributeWriter> data) {
        this.name = name;
        this.data = data;
    }

    void write(AttributeWriter element) {
        element.string(NFTA_EXPR_NAME, name).nested(NFTA_EXPR_DATA, data);
    }

    /** {@code meta nfproto ipv4} or {@code ipv6}. */
    public static List<NfExpression> family(boolean ipv6) {
        return List.of(meta(NFT_META_NFPROTO, REGISTER), compare(true, (byte) (ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4)));
    }

    /** {@code iifname "…"}. */
    public static List<NfExpression> inputInterface(String name) {
        return List.of(meta(NFT_META_IIFNAME, REGISTER), compare(true, interfaceName(name)));
    }

    /** {@code oifname "…"}. */
    public static List<NfExpression> outputInterface(String name) {
        return List.of(meta(NFT_META_OIFNAME, REGISTER), compare(true, interfaceName(name)));
    }

    /** {@code oifname != "…"}. */
    public static List<NfExpression> otherOutputInterface(String name) {
        return List.of(meta(NFT_META_OIFNAME, REGISTER), compare(false, interfaceName(name)));
    }

    /** {@code ip saddr …/…} or {@code ip6 saddr}, with the family tested. */
    public static List<NfExpression> source(IpPrefix prefix) {
        return address(prefix, prefix.isIpv6() ? 8 : 12);
    }

    /** {@code ip daddr …/…} or {@code ip6 daddr}, with the family tested. */
    public static List<NfExpression> destination(IpPrefix prefix) {
        return address(prefix, prefix.isIpv6() ? 24 : 16);
    }

    private static List<NfExpression> address(IpPrefix prefix, int offset) {
        byte[] network = prefix.network().address().getAddress();
        byte[] mask = new byte[network.length];
        for (int bit = 0; bit < prefix.length(); bit++) {
            mask[bit / Byte.SIZE] |= (byte) (0x80 >>> (bit % Byte.SIZE));
        }
        List<NfExpression> family = family(prefix.isIpv6());
        return List.of(
                family.get(0),
                family.get(1),
                payload(NFT_PAYLOAD_NETWORK_HEADER, offset, network.length, REGISTER),
                bitwise(mask),
                compare(true, network));
    }

    /** Loads the destination address of an IPv4 or IPv6 packet. */
    public static NfExpression loadDestination(boolean ipv6, int register) {
        return payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6 ? 24 : 16, ipv6 ? 16 : 4, register);
    }

    /** Loads the transport protocol's number: 6 is TCP. */
    public static NfExpression loadProtocol(int register) {
        return meta(NFT_META_L4PROTO, register);
    }

    /** Loads the destination port of TCP, UDP or SCTP. */
    public static NfExpression loadDestinationPort(int register) {
        return payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, register);
    }

    /** {@code fib saddr type local}: the packet's source is an address of this host. */
    public static List<NfExpression> sourceIsLocal() {
        return List.of(fib(NFTA_FIB_F_SADDR), compare(true, nativeInt(RTN_LOCAL)));
    }

    /** {@code fib daddr type local}: the packet is for an address of this host. */
    public static List<NfExpression> destinationIsLocal() {
        return List.of(fib(NFTA_FIB_F_DADDR), compare(true, nativeInt(RTN_LOCAL)));
    }

    /** {@code ct status dnat}: the connection's destination was changed. */
    public static List<NfExpression> destinationWasChanged() {
        return List.of(
                new NfExpression("ct", data -> data.bigU32(1, REGISTER).bigU32(2, NFT_CT_STATUS)),
                bitwise(nativeInt(IPS_DST_NAT)),
                compare(false, nativeInt(0)));
    }

    /** Replaces what the registers hold by what the map has for it; without an entry the rule ends. */
    public static NfExpression lookup(NfTables.Map map, int register) {
        return new NfExpression(
                "lookup",
                data -> data.string(1, map.name())
                        .bigU32(2, register)
                        .bigU32(3, register)
                        .bigU32(4, map.id()));
    }

    /** Sends the connection to the address in one register and the port in another. */
    public static NfExpression destinationNat(boolean ipv6, int addressRegister, int portRegister) {
        return new NfExpression(
                "nat",
                data -> data.bigU32(1, NFT_NAT_DNAT)
                        .bigU32(2, ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4)
                        .bigU32(3, addressRegister)
                        .bigU32(5, portRegister));
    }

    /** Replaces the source by the address of the interface that the packet leaves by. */
    public static NfExpression masquerade() {
        return new NfExpression("masq", data -> {});
    }

    public static NfExpression jump(String chain) {
        return verdict(code -> code.bigU32(NFTA_VERDICT_CODE, NFT_JUMP).string(NFTA_VERDICT_CHAIN, chain));
    }

    /** Goes on behind the jump to this chain; in a base chain, lets the packet pass. */
    public static NfExpression returnToCaller() {
        return verdict(code -> code.bigU32(NFTA_VERDICT_CODE, NFT_RETURN));
    }

    public static NfExpression drop() {
        return verdict(code -> code.bigU32(NFTA_VERDICT_CODE, NF_DROP));
    }

    private static NfExpression verdict(Consumer<AttributeWriter> verdict) {
        return new NfExpression(
                "immediate",
                data -> data.bigU32(1, VERDICT_REGISTER).nested(2, value -> value.nested(NFTA_DATA_VERDICT, verdict)));
    }

    private static NfExpression meta(int key, int register) {
        return new NfExpression("meta", data -> data.bigU32(2, key).bigU32(1, register));
    }

    private static NfExpression payload(int base, int offset, int length, int register) {
        return new NfExpression(
                "payload",
                data -> data.bigU32(1, register)
                        .bigU32(2, base)
                        .bigU32(3, offset)
                        .bigU32(4, length));
    }

    private static NfExpression fib(int flags) {
        return new NfExpression(
                "fib",
                data -> data.bigU32(3, flags).bigU32(2, NFT_FIB_RESULT_ADDRTYPE).bigU32(1, REGISTER));
    }

    private static NfExpression bitwise(byte... mask) {
        return new NfExpression(
                "bitwise",
                data -> data.bigU32(1, REGISTER)
                        .bigU32(2, REGISTER)
                        .bigU32(3, mask.length)
                        .nested(4, value -> value.bytes(NFTA_DATA_VALUE, mask))
                        .nested(5, value -> value.bytes(NFTA_DATA_VALUE, new byte[mask.length])));
    }

    private static NfExpression compare(boolean equal, byte... value) {
        return new NfExpression(
                "cmp",
                data -> data.bigU32(1, REGISTER)
                        .bigU32(2, equal ? 0 : 1)
                        .nested(3, content -> content.bytes(NFTA_DATA_VALUE, value)));
    }

    private static byte[] interfaceName(String name) {
        byte[] padded = new byte[IFNAMSIZ];
        byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(ascii, 0, padded, 0, ascii.length);
        return padded;
    }

    private static byte[] nativeInt(int value) {
        return new AttributeWriter().rawU32(value).toBytes();
    }
}
