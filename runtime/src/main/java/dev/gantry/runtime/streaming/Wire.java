package dev.gantry.runtime.streaming;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.io.IOException;

/** Writing to a client from a thread that may block. */
final class Wire {
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

    static byte[] bytes(ByteBuf buffer) {
        return ByteBufUtil.getBytes(buffer);
    }
}
