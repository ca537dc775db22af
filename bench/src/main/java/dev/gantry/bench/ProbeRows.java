package dev.gantry.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.gantry.probes.ProbeAction;
import dev.gantry.probes.ProbeHistory;
import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.ProbeSpec;
import dev.gantry.probes.Prober;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;

/** What probing costs the agent: thousands of probes of one kind with a period of a second, on the agent's one event loop. */
final class ProbeRows {
    private static final int PROBES = 5000;
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration WARM_UP = Duration.ofSeconds(6);
    private static final Duration MEASURED = Duration.ofSeconds(10);

    private final Report report;
    private final String column;

    ProbeRows(Report report, String column) {
        this.report = report;
        this.column = column;
    }

    /** All kinds that go over the network; an exec probe is an exec, which has a row of its own. */
    void measure() throws InterruptedException {
        try (ProbeServer server = ProbeServer.http()) {
            row("httpGet", server, (host, port) -> new ProbeAction.HttpGet(false, host, port, "/healthz", List.of()));
        }
        try (ProbeServer server = ProbeServer.http()) {
            row("tcpSocket", server, ProbeAction.TcpSocket::new);
        }
        try (ProbeServer server = ProbeServer.grpc()) {
            row("grpc", server, (host, port) -> new ProbeAction.Grpc(host, port, ""));
        }
    }

    private void row(String kind, ProbeServer server, BiFunction<String, Integer, ProbeAction> action)
            throws InterruptedException {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        LongAdder passed = new LongAdder();
        LongAdder other = new LongAdder();
        AtomicReference<ProbeResult> lastFailure = new AtomicReference<>();
        List<Prober.Handle> handles = new ArrayList<>();
        try {
            Prober prober = new Prober(
                    group.next(),
                    EpollSocketChannel.class,
                    Runnable::run,
                    (container, command, timeout) ->
                            CompletableFuture.completedFuture(new ProbeResult.NotTried("not measured")));
            List<InetSocketAddress> addresses = server.addresses();
            for (int i = 0; i < PROBES; i++) {
                InetSocketAddress address = addresses.get(i % addresses.size());
                // Spread over the period, as probes of containers that started at different times are.
                Duration delay = PERIOD.multipliedBy(i).dividedBy(PROBES);
                handles.add(prober.start(
                        ProbeKind.LIVENESS,
                        new ProbeSpec(
                                action.apply(address.getHostString(), address.getPort()),
                                delay,
                                PERIOD,
                                Duration.ofSeconds(1),
                                1,
                                3),
                        Duration.ZERO,
                        ProbeHistory.startingAs(ProbeKind.LIVENESS.initialVerdict()),
                        (result, before, after) -> {
                            if (result.isSuccess()) {
                                passed.increment();
                            } else {
                                other.increment();
                                lastFailure.set(result);
                            }
                        }));
            }
            Thread.sleep(WARM_UP.toMillis());
            long countBefore = passed.sum();
            long otherBefore = other.sum();
            long cpuBefore = processNanos() - server.cpuNanos();
            long begin = System.nanoTime();
            Thread.sleep(MEASURED.toMillis());
            double wall = System.nanoTime() - begin;
            double cpu = processNanos() - server.cpuNanos() - cpuBefore;
            double rate = (passed.sum() - countBefore) / (wall / 1e9);
            long failed = other.sum() - otherBefore;
            double cores = cpu / wall;
            Report.Row row = report.row("%d %s probes each second".formatted(PROBES, kind), "< 1 core");
            row.value(column, "%.0f/s, %.2f cores".formatted(rate, cores));
            row.note("%.0f microseconds of processor time each, the kernel's and the JVM's included; %d did not pass%s"
                    .formatted(
                            cpu / 1e3 / Math.max(1, rate * wall / 1e9),
                            failed,
                            lastFailure.get() == null ? "" : ", the last: " + lastFailure.get()));
            row.verdict(cores < 1 && rate >= PROBES * 0.98 && failed == 0);
            row.done();
        } finally {
            handles.forEach(Prober.Handle::stop);
            group.shutdownGracefully(1, 5, java.util.concurrent.TimeUnit.SECONDS)
                    .syncUninterruptibly();
        }
    }

    private static long processNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }
}
