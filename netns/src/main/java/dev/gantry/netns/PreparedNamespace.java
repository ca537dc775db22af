package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Namespaces;
import dev.gantry.linux.Sched;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import java.io.IOException;

/**
 * A new network namespace with its loopback interface up, and a netlink socket inside. Making one costs about half a
 * millisecond of the kernel and a thread, which can be spent before a pod is asked for. Nothing but the descriptors keeps
 * it: it goes with the agent.
 */
public final class PreparedNamespace implements AutoCloseable {
    private final Fd netns;
    private final NetlinkSocket socket;

    private PreparedNamespace(Fd netns, NetlinkSocket socket) {
        this.netns = netns;
        this.socket = socket;
    }

    /**
     * Makes one.
     *
     * @param inside runs on a thread in the namespace, under the rules of {@link Namespaces#onFreshThread}
     */
    public static PreparedNamespace create(Linux linux, Namespaces.VoidAction inside) throws IOException {
        return linux.namespaces().onFreshThread("netns-prepared", () -> {
            linux.namespaces().unshare(Sched.CLONE_NEWNET);
            refuseRouterAdvertisements(linux);
            NetlinkSocket socket = NetlinkSocket.open(Protocol.ROUTE);
            try {
                socket.transact(Links.up("lo"));
                inside.run();
                return new PreparedNamespace(
                        linux.files().open("/proc/thread-self/ns/net", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC), socket);
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
        });
    }

    /**
     * No pod believes a neighbour that announces itself as a router. Before an interface is made, which takes over what is
     * default then.
     */
    static void refuseRouterAdvertisements(Linux linux) throws ErrnoException {
        try {
            linux.files().writeSmallFile("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
            // a kernel without IPv6
        }
    }

    /** The namespace; open until {@link #close}. */
    public Fd netns() {
        return netns;
    }

    NetlinkSocket socket() {
        return socket;
    }

    /** The namespace stays as long as a process lives in it. */
    @Override
    public void close() {
        socket.close();
        netns.close();
    }
}
