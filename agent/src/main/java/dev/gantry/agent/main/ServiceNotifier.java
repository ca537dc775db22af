package dev.gantry.agent.main;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Tells the service manager how the agent is: {@code READY=1}, {@code WATCHDOG=1} at half the interval it asks for, {@code STOPPING=1}.
 *
 * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html">sd_notify(3)</a>
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
final class ServiceNotifier implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup loop;
    private final Channel channel;
    private final DomainSocketAddress manager;

    private ServiceNotifier(MultiThreadIoEventLoopGroup loop, Channel channel, DomainSocketAddress manager) {
        this.loop = loop;
        this.channel = channel;
        this.manager = manager;
    }

    /** Empty if no service manager asks to be told. */
    static Optional<ServiceNotifier> of(Map<String, String> environment) throws IOException {
        String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (socket.isEmpty()) {
            return Optional.empty();
        }
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        // An address in the abstract namespace is written with an at sign for its leading zero byte.
        String address = socket.startsWith("@") ? "\0" + socket.substring(1) : socket;
        Channel channel = new Bootstrap()
                .group(loop)
                .channel(EpollDomainDatagramChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .register()
                .syncUninterruptibly()
                .channel();
        return Optional.of(new ServiceNotifier(loop, channel, new DomainSocketAddress(address)));
    }

    void ready(String status) {
        send("READY=1\nSTATUS=" + status);
    }

    void stopping() {
        send("STOPPING=1\nSTATUS=Stopping; pods keep running");
    }

    /** Sends keep-alives as long as {@code healthy} says yes. */
    void watch(Map<String, String> environment, BooleanSupplier healthy) {
        watchdogInterval(environment).ifPresent(interval -> {
            long micros = interval.toNanos() / 2_000;
            loop.scheduleAtFixedRate(
                    () -> {
                        if (healthy.getAsBoolean()) {
                            send("WATCHDOG=1");
                        }
                    },
                    0,
                    micros,
                    TimeUnit.MICROSECONDS);
        });
    }

    /** {@code WATCHDOG_USEC}, if it is meant for this process. */
    static Optional<Duration> watchdogInterval(Map<String, String> environment) {
        String pid = environment.getOrDefault("WATCHDOG_PID", "");
        if (!pid.isEmpty() && !pid.equals(String.valueOf(ProcessHandle.current().pid()))) {
            return Optional.empty();
        }
        try {
            long micros = Long.parseLong(environment.getOrDefault("WATCHDOG_USEC", "0"));
            return micros > 0 ? Optional.of(Duration.ofNanos(micros * 1_000)) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private void send(String state) {
        ChannelFuture sent = channel.writeAndFlush(
                new DomainDatagramPacket(Unpooled.copiedBuffer(state, StandardCharsets.UTF_8), manager));
        if (!channel.eventLoop().inEventLoop()) {
            sent.awaitUninterruptibly(1, TimeUnit.SECONDS);
        }
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
    }
}
