package dev.gantry.probes;

import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Connects and hangs up. */
final class TcpProbe {
    private final EventLoop loop;
    private final Connector connector;

    TcpProbe(EventLoop loop, Class<? extends SocketChannel> channelType, HostNames names) {
        this.loop = loop;
        connector = new Connector(loop, channelType, names);
    }

    CompletableFuture<ProbeResult> probe(ProbeAction.TcpSocket socket, Duration timeout) {
        String what = "dial tcp " + ProbeAction.hostAndPort(socket.host(), socket.port());
        Attempt attempt = new Attempt(loop, timeout, what);
        connector.connect(
                attempt,
                socket.host(),
                socket.port(),
                new ChannelInboundHandlerAdapter(),
                what,
                channel -> attempt.end(new ProbeResult.Passed("")));
        return attempt.result();
    }
}
