package dev.gantry.netns;

import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Sched;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** For pods that shall be alone: nothing but their loopback interface. */
public final class LoopbackNetwork implements NetworkProvider {
    private final Linux linux;

    public LoopbackNetwork(Linux linux) {
        this.linux = linux;
    }

    /** Sets the loopback interface up in a network namespace; the kernel adds its addresses. */
    public static void up(Linux linux, Fd netns) throws IOException {
        linux.namespaces().onFreshThread("netns-loopback", () -> {
            linux.namespaces().setns(netns, Sched.CLONE_NEWNET);
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                netlink.transact(Links.up("lo"));
            }
            return true;
        });
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        if (!request.portMappings().isEmpty()) {
            throw new NetworkException("pod " + request.pod() + ": hostPort "
                    + request.portMappings().get(0).hostSide()
                    + " cannot be opened: the pod network is off; start the agent with one, or remove the hostPort");
        }
        up(linux, request.netns());
        return new PodAddresses(List.of(), List.of(), 0);
    }

    @Override
    public void remove(String sandboxId) {
        // went with the namespace
    }

    @Override
    public void check(String sandboxId) {
        // nothing can get lost
    }

    @Override
    public NetworkStatus status() {
        return NetworkStatus.ready(List.of(new NetworkLimitation(
                "the pod network", "it is switched off", "pods can use hostNetwork, or start the agent with one")));
    }

    @Override
    public void recover(Set<String> liveSandboxIds) {
        // nothing is held
    }

    @Override
    public void close() {
        // nothing is open
    }
}
