package dev.gantry.agent.api;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * One request and the answer to it. The answer is either given whole or as a stream.
 *
 * <ul>
 *   <li>{@link #write} blocks a worker until the client takes what it was sent, up to the stall timeout; then the connection is cut.
 *   <li>{@link #offer} never blocks; a client that has let too much pile up is cut off.
 * </ul>
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
final class Exchange {
    private final Channel channel;
    private final Request request;
    private final boolean keepAlive;
    private final ApiLimits limits;
    private final Runnable onDone;
    private final List<Runnable> onClose = new ArrayList<>();
    private boolean handled;
    private boolean started;
    private boolean closed;

    Exchange(Channel channel, Request request, boolean keepAlive, ApiLimits limits, Runnable onDone) {
        this.channel = channel;
        this.request = request;
        this.keepAlive = keepAlive;
        this.limits = limits;
        this.onDone = onDone;
    }

    Request request() {
        return request;
    }

    Channel channel() {
        return channel;
    }

    /** A worker has it. */
    synchronized void handled() {
        handled = true;
    }

    synchronized boolean isHandled() {
        return handled;
    }

    synchronized boolean isStarted() {
        return started;
    }

    void json(int code, byte[] body) {
        respond(code, "application/json", body);
    }

    void text(int code, String body) {
        respond(code, "text/plain; charset=utf-8", body.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    void status(ApiException e) {
        json(e.code(), Json.bytes(json -> Json.status(json, e)));
    }

    /** The connection speaks another protocol from now on; there will be no HTTP answer. */
    synchronized void upgraded() {
        if (started) {
            throw new IllegalStateException("answered twice");
        }
        started = true;
    }

    /** Answers whole. */
    void respond(int code, String contentType, byte[] body) {
        synchronized (this) {
            if (started) {
                throw new IllegalStateException("answered twice");
            }
            started = true;
        }
        boolean head = request.method().equals(HttpMethod.HEAD);
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(code),
                head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
        headers(response, contentType);
        response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
        boolean close = !keepAlive || code == 413;
        HttpUtil.setKeepAlive(response, !close);
        finish(channel.writeAndFlush(response), close);
    }

    private static void headers(HttpResponse response, String contentType) {
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        response.headers().set(HttpHeaderNames.CACHE_CONTROL, "no-cache, private");
        response.headers().set("X-Content-Type-Options", "nosniff");
    }

    private void finish(ChannelFuture written, boolean close) {
        if (close) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
        written.addListener(done -> onDone.run());
    }

    /** Begins an answer of unknown length. */
    void startStream(String contentType) {
        synchronized (this) {
            if (started) {
                throw new IllegalStateException("answered twice");
            }
            started = true;
        }
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        headers(response, contentType);
        HttpUtil.setTransferEncodingChunked(response, true);
        response.headers()
                .set(HttpHeaderNames.CONNECTION, keepAlive ? HttpHeaderValues.KEEP_ALIVE : HttpHeaderValues.CLOSE);
        channel.writeAndFlush(response);
    }

    /** Sends a piece, waiting for a client that is slow. Keeps {@code bytes}. */
    void write(byte[] bytes, int offset, int length) throws IOException {
        awaitWritable();
        channel.writeAndFlush(new DefaultHttpContent(Unpooled.copiedBuffer(bytes, offset, length)));
    }

    /** Waits until the client has taken enough of what it was sent. */
    void awaitWritable() throws IOException {
        long deadline = System.nanoTime() + limits.stallTimeout().toNanos();
        synchronized (this) {
            while (!closed && channel.isActive() && !channel.isWritable()) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    channel.close();
                    throw new IOException("the client took nothing for " + text(limits.stallTimeout()));
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted while the client was slow", e);
                }
            }
            if (closed || !channel.isActive()) {
                throw new IOException("the client has gone");
            }
        }
    }

    private static String text(Duration duration) {
        return duration.toSeconds() + " s";
    }

    /** Sends a piece at once, or cuts the client off if too much is waiting already. */
    void offer(byte[] bytes) {
        if (channel.unsafe().outboundBuffer() != null
                && channel.unsafe().outboundBuffer().totalPendingWriteBytes() > limits.watchBytes()) {
            channel.close();
            return;
        }
        channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)));
    }

    /** Ends a stream. */
    void end() {
        if (isClosed()) {
            return;
        }
        finish(channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT), !keepAlive);
    }

    /**
     * Ends a stream later, unless the connection is gone by then.
     *
     * @param before run first; nothing may be sent after it
     */
    void endAfter(Duration delay, Runnable before) {
        Future<?> end = channel.eventLoop()
                .schedule(
                        () -> {
                            before.run();
                            end();
                        },
                        delay.toSeconds(),
                        TimeUnit.SECONDS);
        onClose(() -> end.cancel(false));
    }

    /** Cuts the connection, so that the client sees that the answer is not complete. */
    void abort() {
        channel.close();
    }

    /** Runs the action when the connection is gone, at once if it already is. */
    void onClose(Runnable action) {
        synchronized (this) {
            if (!closed) {
                onClose.add(action);
                return;
            }
        }
        action.run();
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** From the event loop: there may be room again. */
    synchronized void writabilityChanged() {
        notifyAll();
    }

    /** From the event loop: the connection is gone. */
    void closed() {
        List<Runnable> actions;
        synchronized (this) {
            closed = true;
            notifyAll();
            actions = List.copyOf(onClose);
            onClose.clear();
        }
        actions.forEach(Runnable::run);
    }
}
