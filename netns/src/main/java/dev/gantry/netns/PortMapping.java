package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.net.InetAddress;
import java.util.Optional;

/**
 * A port of the host that leads to a pod's.
 *
 * @param hostIp the only address of the host that it is open on; empty for all of them
 * @param hostPort 1 to 65535
 * @param containerPort 1 to 65535
 */
public record PortMapping(PortProtocol protocol, Optional<InetAddress> hostIp, int hostPort, int containerPort) {
    private static final int MAX_PORT = 65_535;

    public PortMapping {
        checkPort("hostPort", hostPort);
        checkPort("containerPort", containerPort);
        hostIp = hostIp.filter(address -> !address.isAnyLocalAddress());
    }

    private static void checkPort(String name, int port) {
        if (port < 1 || port > MAX_PORT) {
            throw new IllegalArgumentException(name + " is 1 to 65535: " + port);
        }
    }

    /** Whether both want one port of one address. */
    boolean conflictsWith(PortMapping other) {
        return protocol == other.protocol
                && hostPort == other.hostPort
                && (hostIp.isEmpty() || other.hostIp.isEmpty() || hostIp.equals(other.hostIp));
    }

    boolean isLoopbackOnly() {
        return hostIp.filter(InetAddress::isLoopbackAddress).isPresent();
    }

    /** {@code 192.0.2.1:8080/TCP}. */
    String hostSide() {
        return hostIp.map(PortMapping::bracketed).orElse("") + ":" + hostPort + "/" + protocol;
    }

    static String bracketed(InetAddress address) {
        String text = IpPrefix.format(address);
        return text.indexOf(':') >= 0 ? "[" + text + "]" : text;
    }

    @Override
    public String toString() {
        return hostSide() + " to " + containerPort;
    }
}
