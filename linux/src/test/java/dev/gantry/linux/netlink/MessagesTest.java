package dev.gantry.linux.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Bytes as iproute2 6.1 and nft 1.0.6 send them for the same wish on a little-endian machine. */
class MessagesTest {
    private static final byte[] MAC = {0x0a, 0x58, 0x0a, 0x58, 0, 1};

    @Test
    void aBridgeWithAHardwareAddress() {
        assertBytes(
                Links.createBridge("gantry0", MAC, 1500),
                "50000000 1000 0506 01000000 00000000", // length, RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE, sequence, port
                "00 00 0000 00000000 00000000 00000000", // ifinfomsg
                "0c00 0300 67616e7472793000", // IFLA_IFNAME
                "0a00 0100 0a580a580001 0000", // IFLA_ADDRESS and padding
                "0800 0400 dc050000", // IFLA_MTU
                "1000 1280 0b00 0100 62726964676500 00"); // IFLA_LINKINFO, kind
    }

    @Test
    void aVethPairWithAPeerInAnotherNamespace() {
        NetlinkRequest request = Links.createVeth(
                new Links.VethEnd("veth1", Optional.empty()), 7, new Links.VethEnd("eth0", Optional.of(MAC)), 42, 1400);

        assertBytes(
                request,
                "8c000000 1000 0506 01000000 00000000",
                "00 00 0000 00000000 00000000 00000000",
                "0a00 0300 766574683100 0000",
                "0800 0400 78050000",
                "0800 0a00 07000000", // IFLA_MASTER
                "5000 1280 0900 0100 7665746800 000000", // IFLA_LINKINFO, kind
                "4000 0280 3c00 0180", // IFLA_INFO_DATA, VETH_INFO_PEER
                "00 00 0000 00000000 00000000 00000000",
                "0900 0300 6574683000 000000",
                "0800 0400 78050000",
                "0800 1c00 2a000000", // IFLA_NET_NS_FD
                "0a00 0100 0a580a580001 0000");
    }

    @Test
    void portsGetHairpinModeByTheBridgesOwnAttributes() {
        assertBytes(
                Links.hairpin("veth1"),
                "48000000 1000 0500 01000000 00000000",
                "00 00 0000 00000000 00000000 00000000",
                "0a00 0300 766574683100 0000",
                "1c00 1280 0b00 0400 62726964676500 00",
                "0c00 0580 0500 0400 01 000000");
    }

    @Test
    void namesAreAsLongAsTheKernelTakes() {
        assertThat(Links.up("gantry-01234567")).isNotNull();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Links.up("gantry-012345678"))
                .withMessage("an interface's name has 1 to 15 characters: 'gantry-012345678'");
    }

    @Test
    void anIpv4AddressWithItsBroadcast() {
        assertBytes(
                Addresses.add(2, IpPrefix.parse("10.88.0.1/22")),
                "30000000 1400 0506 01000000 00000000",
                "02 16 00 00 02000000",
                "0800 0200 0a580001",
                "0800 0100 0a580001",
                "0800 0400 0a5803ff");
    }

    @Test
    void anIpv6AddressIsInUseAtOnce() {
        assertBytes(
                Addresses.add(2, IpPrefix.parse("fd00:88::1/64")),
                "40000000 1400 0506 01000000 00000000",
                "0a 40 02 00 02000000", // IFA_F_NODAD
                "1400 0200 fd000088000000000000000000000001",
                "1400 0100 fd000088000000000000000000000001");
    }

    @Test
    void aDefaultRoute() {
        assertBytes(
                Routes.addDefault(IpPrefix.parseAddress("10.88.0.2"), 2),
                "2c000000 1800 0506 01000000 00000000",
                "02 00 00 00 fe 03 00 01 00000000",
                "0800 0500 0a580002",
                "0800 0400 02000000");
    }

    @Test
    void aTableWithAComment() {
        assertBytes(
                NfTables.addTable("gantry", "pods"),
                "34000000 000a 0504 01000000 00000000",
                "01 00 0000",
                "0b00 0100 67616e74727900 00",
                "0800 0200 00000000",
                "0b00 0600 00 05 706f647300 00");
    }

    @Test
    void aBaseChain() {
        assertBytes(
                NfTables.addBaseChain("gantry", "output", "nat", NfTables.Hook.OUTPUT, -100),
                "50000000 030a 0504 01000000 00000000",
                "01 00 0000",
                "0b00 0100 67616e74727900 00",
                "0b00 0300 6f757470757400 00",
                "0800 0700 6e617400",
                "0800 0500 00000001",
                "1400 0480 0800 0100 00000003 0800 0200 ffffff9c");
    }

    @Test
    void aMapOfConcatenations() {
        assertBytes(
                NfTables.addMap(map()),
                "60000000 090a 0504 01000000 00000000",
                "01 00 0000",
                "0b00 0100 67616e74727900 00",
                "0f00 0200 686f7374706f7274733400 00",
                "0800 0300 00000008",
                "0800 0400 0000730d",
                "0800 0500 0000000c",
                "0800 0600 000001cd",
                "0800 0700 00000008",
                "0800 0a00 00000001");
    }

    @Test
    void anElement() {
        assertBytes(
                NfTables.addElements(map(), List.of(element())).get(0),
                "5c000000 0c0a 0504 01000000 00000000",
                "01 00 0000",
                "0b00 0100 67616e74727900 00",
                "0f00 0200 686f7374706f7274733400 00",
                "2c00 0380 2800 0180",
                "1400 0180 1000 0100 c0000202 06000000 1f900000",
                "1000 0280 0c00 0100 0a580002 00500000");
    }

    @Test
    void elementsAreReadAsTheyWereWritten() {
        NetlinkRequest request =
                NfTables.addElements(map(), List.of(element(), element())).get(0);

        List<NfTables.Element> elements =
                NfTables.parseElements(List.of(new NetlinkData(request.type(), request.body())));

        assertThat(elements).hasSize(2);
        assertThat(elements.get(1).key()).isEqualTo(element().key());
        assertThat(elements.get(1).value()).isEqualTo(element().value());
    }

    @Test
    void manyElementsTakeSeveralMessages() {
        List<NetlinkRequest> requests = NfTables.addElements(map(), Collections.nCopies(2000, element()));

        assertThat(requests).hasSize(4);
    }

    @Test
    void aTransactionIsFramed() {
        List<NetlinkRequest> batch = NfTables.batch(List.of());

        assertBytes(batch.get(0), "14000000 1000 0500 01000000 00000000", "00 00 000a");
        assertBytes(batch.get(1), "14000000 1100 0500 01000000 00000000", "00 00 000a");
    }

    @Test
    void aRuleThatMasquerades() {
        List<NfExpression> expressions = Stream.of(
                        NfExpression.outputInterface("gantry0"), List.of(NfExpression.masquerade()))
                .flatMap(List::stream)
                .collect(Collectors.toList());

        assertBytes(
                NfTables.addRule("gantry", "postrouting", expressions),
                "a4000000 060a 050c 01000000 00000000",
                "01 00 0000",
                "0b00 0100 67616e74727900 00",
                "1000 0200 706f7374726f7574696e6700",
                "7400 0480",
                "2400 0180 0900 0100 6d65746100 000000 1400 0280 0800 0200 00000007 0800 0100 00000008",
                "3800 0180 0800 0100 636d7000 2c00 0280 0800 0100 00000008 0800 0200 00000000"
                        + "1800 0380 1400 0100 67616e74727930000000000000000000",
                "1400 0180 0900 0100 6d61737100 000000 0400 0280");
    }

    @Test
    void anAnswerWithWordsOfTheKernel() {
        byte[] datagram = bytes(
                "34000000 0200 0003 01000000 00000000" // NLMSG_ERROR, NLM_F_CAPPED|NLM_F_ACK_TLVS
                        + "edffffff" // -ENODEV
                        + "20000000 1300 0500 01000000 00000000"
                        + "0d00 0100 4e6f206c696e6b3f00 000000");

        NetlinkReply reply = NetlinkReply.parse(datagram).get(0);

        assertThat(reply.errno()).isEqualTo(19);
        assertThat(reply.explanation()).contains("No link?");
    }

    @Test
    void aMessageThatClaimsMoreThanItHasIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NetlinkReply.parse(bytes("ff000000 0200 0000 01000000 00000000")))
                .withMessage("netlink message at byte 0 of 16 claims 255 bytes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Attributes.parse(bytes("0900 0100 00000000"), 0))
                .withMessage("netlink attribute at byte 0 of 8 claims 9 bytes");
    }

    @Test
    void aLinkAsTheKernelDescribesIt() {
        Link link = Link.parse(bytes("00 00 0100 05000000 43100000 00000000"
                + "0a00 0300 766574683100 0000"
                + "0800 0400 dc050000"
                + "0800 0a00 07000000"
                + "1000 1200 0900 0100 7665746800 000000"));

        assertThat(link.index()).isEqualTo(5);
        assertThat(link.name()).isEqualTo("veth1");
        assertThat(link.up()).isTrue();
        assertThat(link.mtu()).isEqualTo(1500);
        assertThat(link.master()).isEqualTo(OptionalInt.of(7));
        assertThat(link.kind()).isEqualTo("veth");
    }

    private static NfTables.Map map() {
        return new NfTables.Map(
                "gantry",
                "hostports4",
                1,
                List.of(
                        NfTables.DataType.IPV4_ADDRESS,
                        NfTables.DataType.INET_PROTOCOL,
                        NfTables.DataType.INET_SERVICE),
                List.of(NfTables.DataType.IPV4_ADDRESS, NfTables.DataType.INET_SERVICE));
    }

    private static NfTables.Element element() {
        return new NfTables.Element(
                NfTables.fields(bytes("c0000202"), bytes("06"), bytes("1f90")),
                NfTables.fields(bytes("0a580002"), bytes("0050")));
    }

    private static void assertBytes(NetlinkRequest request, String... hex) {
        assertThat(HexFormat.of().formatHex(request.encode(1, NetlinkRequest.NLM_F_ACK)))
                .as(request.what())
                .isEqualTo(String.join("", hex).replace(" ", ""));
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    @Test
    void aRemovalIsToldWithItsTableAndWhoDidIt() {
        byte[] datagram = bytes("20000000 080a 0000 05000000 2a000000 01 00 0001 0b00 0100 67616e74727900 00"
                + "1c000000 000a 0000 05000000 2a000000 01 00 0001 0600 0100 7800 0000");

        // a rule of table gantry, by the socket with the number 42; a new table is no removal
        assertThat(NfTablesMonitor.removals(datagram)).containsExactly(new NfTablesMonitor.Removal("gantry", 42));
    }
}
