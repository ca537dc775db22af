package dev.gantry.netns;

import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * For pods with {@code hostNetwork: true}: their addresses are the host's, their ports too, and nothing is to be done.
 * It belongs to the network namespace of the thread that opens it.
 */
public final class HostNetwork implements NetworkProvider {
    private final NetlinkSocket netlink;

    private HostNetwork(NetlinkSocket netlink) {
        this.netlink = netlink;
    }

    public static HostNetwork open() throws IOException {
        return new HostNetwork(NetlinkSocket.open(Protocol.ROUTE));
    }

    /** The host's address of each family, the one its default route uses; IPv4 first. */
    public List<InetAddress> addresses() throws IOException {
        return HostInterfaces.read(netlink).hostAddresses();
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        HostInterfaces host = HostInterfaces.read(netlink);
        return new PodAddresses(host.hostAddresses(), List.of(), host.mtu());
    }

    @Override
    public void remove(String sandboxId) {
        // the host keeps its network
    }

    @Override
    public void check(String sandboxId) {
        // the host's network is the administrator's
    }

    @Override
    public NetworkStatus status() {
        return NetworkStatus.ready(List.of());
    }

    @Override
    public void recover(Set<String> liveSandboxIds) {
        // nothing is held
    }

    @Override
    public void close() {
        netlink.close();
    }
}
