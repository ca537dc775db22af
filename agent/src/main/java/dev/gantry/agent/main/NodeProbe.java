package dev.gantry.agent.main;

import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.pod.IdRanges;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.pod.NodePolicy;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.linux.netlink.IpPrefix;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What pods are told about this machine. */
final class NodeProbe {
    // RFC 5737 and RFC 3849: for documentation, so that nothing real is meant; no packet is sent.
    private static final String SOMEWHERE_4 = "192.0.2.1";
    private static final String SOMEWHERE_6 = "2001:db8::1";

    private NodeProbe() {}

    static NodeFacts facts(AgentConfig config) throws IOException {
        List<String> addresses = new ArrayList<>();
        if (config.nodeIp().isPresent()) {
            addresses.add(config.nodeIp().get());
        } else {
            sourceAddress(SOMEWHERE_4).ifPresent(addresses::add);
            sourceAddress(SOMEWHERE_6).ifPresent(addresses::add);
        }
        return new NodeFacts(
                config.nodeName(),
                addresses,
                resources(config),
                config.resources().policy().withUnified(takesCgroupFiles(config)));
    }

    static NodePolicy policy(AgentConfig config) throws IOException {
        return NodePolicy.ofMachine(
                config.nodeName(),
                config.security().seccompDefault(),
                config.security().allowedUnsafeSysctls(),
                config.security().nodeLabels(),
                IdRanges.of(
                        subordinateIds(Path.of("/etc/subuid")),
                        subordinateIds(Path.of("/etc/subgid")),
                        config.security().idsPerPod(),
                        Math.max(1, config.resources().maxPods())));
    }

    private static String subordinateIds(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file) : "";
    }

    private static NodeResources resources(AgentConfig config) throws IOException {
        MachineResources machine = new MachineResources(Path.of("/"));
        NodeResources resources = config.resources()
                .of(
                        machine.capacity(
                                Runtime.getRuntime().availableProcessors(),
                                config.paths().state()),
                        machine.swapBytes());
        if (!resources.problems().isEmpty()) {
            throw new IOException("invalid Node Allocatable configuration: " + String.join("; ", resources.problems()));
        }
        return resources;
    }

    /** The built-in runtime works with cgroup v2 only; another uses what the host has. */
    private static boolean takesCgroupFiles(AgentConfig config) {
        return config.runtimeEndpoint().isEmpty() || Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"));
    }

    /** The address with which this machine would reach another; empty if it has no route there. */
    static Optional<String> sourceAddress(String destination) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByName(destination), 9));
            InetAddress address = socket.getLocalAddress();
            if (address == null || address.isAnyLocalAddress() || address.isLoopbackAddress()) {
                return Optional.empty();
            }
            return Optional.of(IpPrefix.format(address));
        } catch (SocketException | java.io.UncheckedIOException | java.net.UnknownHostException e) {
            return Optional.empty();
        }
    }
}
