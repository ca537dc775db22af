package dev.gantry.runtime.streaming;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.spdy.DefaultSpdyWindowUpdateFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyWindowUpdateFrame;

/**
 * Between the codec of SPDY and its session: what the socket has taken counts as received.
 *
 * <p>Kubernetes' clients (kubectl, crictl, the API server) do not know SPDY's windows: they never open them, and a session that minds
 * them ends in silence after 64 KiB. The socket's own buffer is what slows a sender here.
 */
final class SpdyWindows extends ChannelDuplexHandler {
    private static final int SESSION = 0;

    /** Those of a client that does know them would open the windows twice. */
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof SpdyWindowUpdateFrame)) {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        ChannelPromise written = promise;
        if (message instanceof SpdyDataFrame data && data.content().isReadable()) {
            int streamId = data.streamId();
            int bytes = data.content().readableBytes();
            ChannelFutureListener opening = done -> {
                if (done.isSuccess()) {
                    context.fireChannelRead(new DefaultSpdyWindowUpdateFrame(SESSION, bytes));
                    context.fireChannelRead(new DefaultSpdyWindowUpdateFrame(streamId, bytes));
                }
            };
            written = promise.unvoid().addListener(opening);
        }
        context.write(message, written);
    }
}
