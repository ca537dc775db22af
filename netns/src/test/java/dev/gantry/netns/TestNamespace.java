package dev.gantry.netns;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Sched;
import dev.gantry.linux.netlink.Addresses;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import dev.gantry.linux.netlink.Routes;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A network namespace with a thread that lives in it until this is closed. */
final class TestNamespace implements AutoCloseable {
    private static final int SECONDS = 20;

    private final ExecutorService thread;
    private final Fd fd;

    private TestNamespace(ExecutorService thread, Fd fd) {
        this.thread = thread;
        this.fd = fd;
    }

    static TestNamespace create(String name) throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor(
                action -> Linux.system().namespaces().newThread("in-" + name, action));
        Fd fd = thread.submit(() -> {
                    Linux.system().namespaces().unshare(Sched.CLONE_NEWNET);
                    return Linux.system().files().open("/proc/thread-self/ns/net", Fcntl.O_RDONLY);
                })
                .get();
        return new TestNamespace(thread, fd);
    }

    /** The namespace only, with nobody in it. */
    static Fd empty() throws IOException {
        return Linux.system().namespaces().onFreshThread("makes-netns", () -> {
            Linux.system().namespaces().unshare(Sched.CLONE_NEWNET);
            return Linux.system().files().open("/proc/thread-self/ns/net", Fcntl.O_RDONLY);
        });
    }

    /** A namespace like a host's: loopback, and an uplink to {@code outside}, which is the router. */
    static TestNamespace host(TestNamespace outside, int mtu) throws Exception {
        TestNamespace host = create("host");
        host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                netlink.transact(Links.createBridge("bridge", new byte[] {2, 0, 0, 0, 0, 9}, mtu));
                int bridge = index(netlink, "bridge");
                netlink.transact(Links.createVeth(
                        new Links.VethEnd("uplink", Optional.empty()),
                        bridge,
                        new Links.VethEnd("eth0", Optional.empty()),
                        outside.fd().number(),
                        mtu));
                netlink.transact(Links.up("lo"));
                netlink.transact(Links.up("bridge"));
                netlink.transact(Addresses.add(bridge, IpPrefix.parse("192.0.2.2/24")));
                netlink.transact(Addresses.add(bridge, IpPrefix.parse("2001:db8::2/64")));
                netlink.transact(Links.up("uplink"));
            }
            return null;
        });
        outside.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                int eth0 = index(netlink, "eth0");
                netlink.transact(Links.up("lo"));
                netlink.transact(Links.up("eth0"));
                netlink.transact(Addresses.add(eth0, IpPrefix.parse("192.0.2.1/24")));
                netlink.transact(Addresses.add(eth0, IpPrefix.parse("2001:db8::1/64")));
            }
            return null;
        });
        host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                int bridge = index(netlink, "bridge");
                netlink.transact(Routes.addDefault(IpPrefix.parseAddress("192.0.2.1"), bridge));
                netlink.transact(Routes.addDefault(IpPrefix.parseAddress("2001:db8::1"), bridge));
            }
            return null;
        });
        return host;
    }

    static int index(NetlinkSocket netlink, String name) throws IOException {
        return Links.parse(netlink.query(Links.get(name))).stream()
                .mapToInt(Link::index)
                .findFirst()
                .orElseThrow();
    }

    Fd fd() {
        return fd;
    }

    <T> T run(Callable<T> action) throws Exception {
        return await(thread.submit(action));
    }

    <T> Future<T> start(Callable<T> action) {
        return thread.submit(action);
    }

    static <T> T await(Future<T> future) throws Exception {
        try {
            return future.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                cause.addSuppressed(e);
                throw cause;
            }
            throw e;
        } catch (TimeoutException e) {
            throw new AssertionError("no answer after " + SECONDS + " s", e);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
        fd.close();
    }
}
