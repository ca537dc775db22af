package dev.gantry.netns;

import static dev.gantry.linux.netlink.NfTables.DataType.INET_PROTOCOL;
import static dev.gantry.linux.netlink.NfTables.DataType.INET_SERVICE;
import static dev.gantry.linux.netlink.NfTables.DataType.IPV4_ADDRESS;
import static dev.gantry.linux.netlink.NfTables.DataType.IPV6_ADDRESS;

import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NfExpression;
import dev.gantry.linux.netlink.NfTables;
import dev.gantry.linux.netlink.NfTables.DataType;
import dev.gantry.linux.netlink.NfTables.Element;
import dev.gantry.linux.netlink.NfTables.Hook;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The agent's nftables table, as requests. Rules are made once; a pod's host ports are elements of four maps.
 *
 * @param subnets the pods' networks
 */
record PacketFilter(NetworkNames names, List<IpPrefix> subnets) {
    private static final int RAW = -300;
    private static final int DSTNAT = -100;
    private static final int SRCNAT = 100;
    private static final List<IpPrefix> LOOPBACK = List.of(IpPrefix.parse("127.0.0.0/8"), IpPrefix.parse("::1/128"));

    /** An element and the map it belongs into. */
    record HostPort(boolean ipv6, boolean anyHostIp, Element element) {}

    /**
     * What leads to a pod; nothing for ports of the loopback addresses, see {@link LoopbackPorts}.
     *
     * @param pod the pod's addresses, at most one of each family
     */
    static List<HostPort> hostPorts(List<InetAddress> pod, List<PortMapping> ports) {
        List<HostPort> found = new ArrayList<>();
        for (PortMapping port : ports) {
            for (InetAddress address : pod) {
                int length = address.getAddress().length;
                boolean fits = port.hostIp()
                        .map(hostIp -> hostIp.getAddress().length == length && !hostIp.isLoopbackAddress())
                        .orElse(true);
                if (fits) {
                    found.add(hostPort(port, address));
                }
            }
        }
        return found;
    }

    private static HostPort hostPort(PortMapping port, InetAddress pod) {
        byte[] protocol = {(byte) port.protocol().number()};
        byte[] hostPort = bigEndian(port.hostPort());
        byte[] key = port.hostIp()
                .map(hostIp -> NfTables.fields(hostIp.getAddress(), protocol, hostPort))
                .orElseGet(() -> NfTables.fields(protocol, hostPort));
        byte[] value = NfTables.fields(pod.getAddress(), bigEndian(port.containerPort()));
        return new HostPort(pod.getAddress().length == 16, port.hostIp().isEmpty(), new Element(key, value));
    }

    private static byte[] bigEndian(int port) {
        return new byte[] {(byte) (port >>> 8), (byte) port};
    }

    /** Puts this table in the place of what has its name, in one transaction: no packet sees anything in between. */
    List<NetlinkRequest> replace(Collection<HostPort> hostPorts) {
        String table = names.table();
        List<NetlinkRequest> changes = new ArrayList<>();
        String comment = "Gantry's pods: masquerade and host ports; rewritten when the agent starts";
        changes.add(NfTables.addTable(table, comment));
        changes.add(NfTables.deleteTable(table));
        changes.add(NfTables.addTable(table, comment));
        for (boolean ipv6 : new boolean[] {false, true}) {
            changes.add(NfTables.addMap(map(ipv6, false)));
            changes.add(NfTables.addMap(map(ipv6, true)));
        }
        addHostPortRules(changes);
        addMasqueradeRules(changes);
        addGuardRules(changes);
        changes.addAll(elements(hostPorts, true));
        return NfTables.batch(changes);
    }

    /** Deletes the table, if it is there. */
    List<NetlinkRequest> delete() {
        return NfTables.batch(List.of(NfTables.addTable(names.table(), ""), NfTables.deleteTable(names.table())));
    }

    List<NetlinkRequest> publish(Collection<HostPort> hostPorts) {
        return NfTables.batch(elements(hostPorts, true));
    }

    List<NetlinkRequest> withdraw(Collection<HostPort> hostPorts) {
        return NfTables.batch(elements(hostPorts, false));
    }

    private List<NetlinkRequest> elements(Collection<HostPort> hostPorts, boolean add) {
        Map<NfTables.Map, List<Element>> byMap = new LinkedHashMap<>();
        for (HostPort hostPort : hostPorts) {
            byMap.computeIfAbsent(map(hostPort.ipv6(), hostPort.anyHostIp()), map -> new ArrayList<>())
                    .add(hostPort.element());
        }
        List<NetlinkRequest> requests = new ArrayList<>();
        byMap.forEach((map, elements) ->
                requests.addAll(add ? NfTables.addElements(map, elements) : NfTables.deleteElements(map, elements)));
        return requests;
    }

    /** One map for host ports of one address, one for those of every address; and that for each family. */
    NfTables.Map map(boolean ipv6, boolean anyHostIp) {
        DataType address = ipv6 ? IPV6_ADDRESS : IPV4_ADDRESS;
        List<DataType> key =
                anyHostIp ? List.of(INET_PROTOCOL, INET_SERVICE) : List.of(address, INET_PROTOCOL, INET_SERVICE);
        String name = "hostports_" + (anyHostIp ? "any" : "") + (ipv6 ? "ip6" : "ip");
        int id = 1 + (ipv6 ? 2 : 0) + (anyHostIp ? 1 : 0);
        return new NfTables.Map(names.table(), name, id, key, List.of(address, INET_SERVICE));
    }

    private void addHostPortRules(List<NetlinkRequest> changes) {
        String table = names.table();
        changes.add(NfTables.addChain(table, "hostports"));
        for (boolean ipv6 : new boolean[] {false, true}) {
            for (boolean anyHostIp : new boolean[] {false, true}) {
                changes.add(rule("hostports", List.of(hostPortRule(ipv6, anyHostIp))));
            }
        }
        changes.add(NfTables.addBaseChain(table, "prerouting", "nat", Hook.PREROUTING, DSTNAT));
        changes.add(rule(
                "prerouting", List.of(NfExpression.destinationIsLocal(), List.of(NfExpression.jump("hostports")))));
        // From the host itself. Not for its loopback addresses: a packet from 127.0.0.1 may not leave by the bridge
        // unless route_localnet is set, which would open the host's loopback services to the pods.
        changes.add(NfTables.addBaseChain(table, "output", "nat", Hook.OUTPUT, DSTNAT));
        for (IpPrefix loopback : LOOPBACK) {
            changes.add(rule(
                    "output", List.of(NfExpression.destination(loopback), List.of(NfExpression.returnToCaller()))));
        }
        changes.add(
                rule("output", List.of(NfExpression.destinationIsLocal(), List.of(NfExpression.jump("hostports")))));
    }

    private List<NfExpression> hostPortRule(boolean ipv6, boolean anyHostIp) {
        int addressRegisters = ipv6 ? 4 : 1;
        int first = NfExpression.REGISTER;
        int protocol = first + (anyHostIp ? 0 : addressRegisters);
        List<NfExpression> rule = new ArrayList<>(NfExpression.family(ipv6));
        if (!anyHostIp) {
            rule.add(NfExpression.loadDestination(ipv6, first));
        }
        rule.add(NfExpression.loadProtocol(protocol));
        rule.add(NfExpression.loadDestinationPort(protocol + 1));
        rule.add(NfExpression.lookup(map(ipv6, anyHostIp), first));
        rule.add(NfExpression.destinationNat(ipv6, first, first + addressRegisters));
        return rule;
    }

    private void addMasqueradeRules(List<NetlinkRequest> changes) {
        String table = names.table();
        List<NfExpression> toPods = NfExpression.outputInterface(names.bridge());
        changes.add(NfTables.addBaseChain(table, "postrouting", "nat", Hook.POSTROUTING, SRCNAT));
        // the answer to the host's own request would come from the host's own address, which the kernel refuses
        changes.add(rule(
                "postrouting",
                List.of(
                        toPods,
                        NfExpression.destinationWasChanged(),
                        NfExpression.sourceIsLocal(),
                        List.of(NfExpression.masquerade()))));
        for (IpPrefix subnet : subnets) {
            // a pod that asks a host port answered by a neighbour must get the answer by way of the host
            changes.add(rule(
                    "postrouting",
                    List.of(
                            toPods,
                            NfExpression.destinationWasChanged(),
                            NfExpression.source(subnet),
                            List.of(NfExpression.masquerade()))));
            changes.add(rule(
                    "postrouting",
                    List.of(
                            NfExpression.source(subnet),
                            NfExpression.otherOutputInterface(names.bridge()),
                            List.of(NfExpression.masquerade()))));
        }
    }

    /** The kernel drops these itself, unless some other program has set route_localnet. */
    private void addGuardRules(List<NetlinkRequest> changes) {
        changes.add(NfTables.addBaseChain(names.table(), "guard", "filter", Hook.PREROUTING, RAW));
        List<NfExpression> fromPods = NfExpression.inputInterface(names.bridge());
        IpPrefix loopback = LOOPBACK.get(0);
        List<NfExpression> drop = List.of(NfExpression.drop());
        changes.add(rule("guard", List.of(fromPods, NfExpression.destination(loopback), drop)));
        changes.add(rule("guard", List.of(fromPods, NfExpression.source(loopback), drop)));
    }

    private NetlinkRequest rule(String chain, List<List<NfExpression>> parts) {
        return NfTables.addRule(
                names.table(), chain, parts.stream().flatMap(List::stream).toList());
    }
}
