package dev.gantry.runtime.streaming;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.DefaultSpdyRstStreamFrame;
import io.netty.handler.codec.spdy.DefaultSpdySynReplyFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrameCodec;
import io.netty.handler.codec.spdy.SpdyRstStreamFrame;
import io.netty.handler.codec.spdy.SpdySessionHandler;
import io.netty.handler.codec.spdy.SpdyStreamStatus;
import io.netty.handler.codec.spdy.SpdySynStreamFrame;
import io.netty.handler.codec.spdy.SpdyVersion;
import java.io.IOException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The server's end of a SPDY/3.1 session whose streams the client opens. Everything but {@link #send} is on the event loop. */
abstract class SpdyStreams extends SimpleChannelInboundHandler<Object> {
    // CVE-2026-35469 is about lengths from the wire used as allocation sizes: these bound them.
    /** Half of a window, which is opened anew at its half: clients that do not mind windows never overrun it. */
    private static final int MAX_DATA_CHUNK = 32 << 10;

    private static final int MAX_HEADERS = 16 << 10;
    /** The kubelet's {@code streamCreationTimeout}. */
    private static final int STREAM_CREATION_SECONDS = 30;

    private final Channel connection;
    private final Future<?> creationDeadline;

    SpdyStreams(Channel connection) {
        this.connection = connection;
        creationDeadline = connection.eventLoop().schedule(this::disconnect, STREAM_CREATION_SECONDS, TimeUnit.SECONDS);
    }

    /** Puts a session into the pipeline of {@code streams.connection} after the upgrade. */
    static void install(SpdyStreams streams) {
        streams.connection
                .pipeline()
                .addLast(
                        new SpdyFrameCodec(SpdyVersion.SPDY_3_1, MAX_DATA_CHUNK, MAX_HEADERS, 6, 15, 8),
                        new SpdyWindows(),
                        new SpdySessionHandler(SpdyVersion.SPDY_3_1, true),
                        streams);
    }

    /**
     * The client opened a stream.
     *
     * @return whether it is wanted; otherwise it is refused
     */
    abstract boolean opened(int streamId, SpdySynStreamFrame frame);

    abstract void received(int streamId, byte[] bytes);

    /** The client sends no more on a stream. */
    abstract void finished(int streamId);

    /** The client gave a stream up. */
    abstract void reset(int streamId);

    /** The client is gone; called once. */
    abstract void hungUp();

    /** All streams that a session needs are there. */
    final void complete() {
        creationDeadline.cancel(false);
    }

    final Channel connection() {
        return connection;
    }

    final void disconnect() {
        Wire.disconnect(connection);
    }

    /** Sends bytes and waits until they have left. */
    final void send(int streamId, byte[] bytes, int length) throws IOException, InterruptedException {
        Wire.write(connection, new DefaultSpdyDataFrame(streamId, Unpooled.copiedBuffer(bytes, 0, length)));
    }

    /** Ends this side of a stream, with last bytes; does not wait. */
    final ChannelFuture end(int streamId, byte[] bytes) {
        return connection.writeAndFlush(
                new DefaultSpdyDataFrame(streamId, Unpooled.wrappedBuffer(bytes)).setLast(true));
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Object message) {
        if (message instanceof SpdySynStreamFrame frame) {
            if (opened(frame.streamId(), frame)) {
                // Netty writes no block at all for no headers, which clients read as a malformed reply.
                var reply = new DefaultSpdySynReplyFrame(frame.streamId());
                reply.headers().add("server", "gantry");
                context.writeAndFlush(reply);
                started();
                if (frame.isLast()) {
                    finished(frame.streamId());
                }
            } else {
                context.writeAndFlush(new DefaultSpdyRstStreamFrame(frame.streamId(), SpdyStreamStatus.REFUSED_STREAM));
            }
        } else if (message instanceof SpdyDataFrame frame) {
            if (frame.content().isReadable()) {
                received(frame.streamId(), Wire.bytes(frame.content()));
            }
            if (frame.isLast()) {
                finished(frame.streamId());
            }
        } else if (message instanceof SpdyRstStreamFrame frame) {
            reset(frame.streamId());
        }
    }

    /** A stream was opened and answered. */
    abstract void started();

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        creationDeadline.cancel(false);
        hungUp();
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        disconnect();
    }
}
