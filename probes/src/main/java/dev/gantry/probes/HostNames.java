package dev.gantry.probes;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * The addresses of hosts that probes name. A name is looked up once at a time, on a thread that may wait: a name server that does
 * not answer holds up those who ask for that name, and nobody else.
 */
final class HostNames {
    private final Executor lookups;
    private final Map<String, CompletableFuture<InetAddress>> underWay = new ConcurrentHashMap<>();

    /** @param lookups may block, for as long as the system's resolver waits */
    HostNames(Executor lookups) {
        this.lookups = lookups;
    }

    /**
     * An address of a host.
     *
     * @return complete already for what is an address itself; fails with {@link UnknownHostException}, or {@link
     *     RejectedExecutionException} if too many are being looked up. Shared: not to be cancelled
     */
    CompletableFuture<InetAddress> find(String host) {
        if (NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host)) {
            CompletableFuture<InetAddress> address = new CompletableFuture<>();
            lookUp(host, address);
            return address;
        }
        CompletableFuture<InetAddress> mine = new CompletableFuture<>();
        CompletableFuture<InetAddress> others = underWay.putIfAbsent(host, mine);
        if (others != null) {
            return others;
        }
        mine.whenComplete((address, failure) -> underWay.remove(host, mine));
        try {
            lookups.execute(() -> lookUp(host, mine));
        } catch (RejectedExecutionException e) {
            mine.completeExceptionally(new RejectedExecutionException(
                    "too many names of hosts are being looked up, " + host + " is not", e));
        }
        return mine;
    }

    private static void lookUp(String host, CompletableFuture<InetAddress> result) {
        try {
            result.complete(InetAddress.getByName(host));
        } catch (UnknownHostException e) {
            // The JVM's own text is another one the second time, and events of one failure are to be counted together.
            result.completeExceptionally(new UnknownHostException(host));
        }
    }
}
