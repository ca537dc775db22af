package dev.gantry.runtime.streaming;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Writing to a client from a thread that may block. */
final class Wire {
    private static final int LINGER_SECONDS = 5;

    private Wire() {}

    /** Writes and waits until it has left this process, which is the back-pressure of both protocols. */
    static void write(Channel channel, Object message) throws IOException, InterruptedException {
        ChannelFuture written = channel.writeAndFlush(message).await();
        if (!written.isSuccess()) {
            throw new IOException("write to client %s: %s".formatted(channel.remoteAddress(), written.cause()));
        }
    }

    /** Closes a connection now, below its pipeline: Netty's SPDY session would wait for clients to close their streams. */
    static void disconnect(Channel channel) {
        channel.eventLoop()
                .execute(() -> channel.unsafe().close(channel.unsafe().voidPromise()));
    }

    /**
     * Ends a connection after its last bytes, whose client may be sending still: nothing more is written, and what comes is dropped until the
     * client closes, or for a few seconds. To close while bytes arrive is to reset the connection (RFC 1122, 4.2.2.13), which proxies between
     * here and the client take for a failure.
     */
    static void finish(Channel channel) {
        if (!(channel instanceof DuplexChannel duplex)) {
            disconnect(channel);
            return;
        }
        channel.eventLoop().execute(() -> {
            if (!channel.isActive()) {
                return;
            }
            channel.pipeline().addFirst(new Drain());
            channel.config().setAutoRead(true);
            Future<?> end = channel.eventLoop().schedule(() -> disconnect(channel), LINGER_SECONDS, TimeUnit.SECONDS);
            channel.closeFuture().addListener(closed -> end.cancel(false));
            duplex.shutdownOutput().addListener(done -> {
                if (!done.isSuccess()) {
                    disconnect(channel);
                }
            });
        });
    }

    private static final class Drain extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }
    }

    static byte[] bytes(ByteBuf buffer) {
        return ByteBufUtil.getBytes(buffer);
    }
}
