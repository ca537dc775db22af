package dev.gantry.cri.transport;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import java.io.IOException;

/** Sits on the listening channel, where accepted connections pass as messages, and drops strangers before gRPC sees them. */
final class PeerCheck extends ChannelInboundHandlerAdapter {
    private final PeerPolicy policy;

    PeerCheck(PeerPolicy policy) {
        this.policy = policy;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof EpollDomainSocketChannel accepted && !admitted(accepted)) {
            accepted.unsafe().closeForcibly();
            return;
        }
        context.fireChannelRead(message);
    }

    private boolean admitted(EpollDomainSocketChannel accepted) {
        try {
            PeerCredentials credentials = accepted.peerCredentials();
            return policy.admits(new PeerPolicy.Peer(credentials.pid(), credentials.uid()));
        } catch (IOException e) {
            // Already gone: nobody to admit.
            return false;
        }
    }
}
