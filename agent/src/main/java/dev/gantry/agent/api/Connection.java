package dev.gantry.agent.api;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One client's connection: takes requests one after the other and hands them to a worker. Lives on the event loop. */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
final class Connection extends ChannelInboundHandlerAdapter {
    private final ApiLimits limits;
    private final Router router;
    private final java.util.concurrent.Executor workers;
    private final Deque<Object> pipelined = new ArrayDeque<>();

    private @Nullable Exchange exchange;
    private @Nullable BodyStream body;
    private @Nullable ScheduledFuture<?> timeout;
    private boolean upgraded;

    Connection(ApiLimits limits, Router router, java.util.concurrent.Executor workers) {
        this.limits = limits;
        this.router = router;
        this.workers = workers;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        expectWithin(context, limits.idleTimeout().toMillis());
    }

    private void expectWithin(ChannelHandlerContext context, long millis) {
        stopWaiting();
        timeout = context.executor().schedule(() -> context.close(), millis, TimeUnit.MILLISECONDS);
    }

    private void stopWaiting() {
        ScheduledFuture<?> running = timeout;
        if (running != null) {
            running.cancel(false);
            timeout = null;
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (upgraded) {
            context.fireChannelRead(message);
            return;
        }
        BodyStream current = body;
        if (exchange != null && current == null) {
            // The next request, before this one is answered. No client of ours does it; a few pieces are kept, then the
            // connection waits.
            pipelined.add(message);
            context.channel().config().setAutoRead(false);
            return;
        }
        try {
            if (message instanceof HttpRequest request) {
                begin(context, request);
            } else if (message instanceof HttpContent content) {
                content(context, content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(ChannelHandlerContext context, HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            boolean tooLong = request.decoderResult().cause() instanceof TooLongFrameException;
            ApiException failure = tooLong
                    ? ApiException.of(
                            431, "RequestHeaderFieldsTooLarge", "the request's address or headers are too long")
                    : ApiException.badRequest("this is not HTTP: "
                            + request.decoderResult().cause().getMessage());
            refuse(context, failure);
            return;
        }
        boolean upload = router.isUpload(request);
        long limit = upload ? limits.uploadBytes() : limits.bodyBytes();
        BodyStream stream = new BodyStream(context.channel(), limit);
        if (HttpUtil.getContentLength(request, 0L) > limit) {
            refuse(context, tooLarge(limit));
            return;
        }
        Request decoded;
        try {
            decoded = Request.of(request, stream);
        } catch (ApiException e) {
            refuse(context, e);
            return;
        }
        if (HttpUtil.is100ContinueExpected(request)) {
            context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
        Exchange started = new Exchange(
                context.channel(), decoded, HttpUtil.isKeepAlive(request), limits, () -> finished(context));
        exchange = started;
        body = stream;
        expectWithin(context, limits.requestTimeout().toMillis());
        boolean hasBody = HttpUtil.isTransferEncodingChunked(request) || HttpUtil.getContentLength(request, 0L) > 0;
        if (upload && hasBody) {
            work(started);
        }
    }

    private void content(ChannelHandlerContext context, HttpContent content) {
        BodyStream stream = body;
        Exchange current = exchange;
        if (stream == null || current == null) {
            return;
        }
        expectWithin(context, limits.requestTimeout().toMillis());
        if (!stream.add(content.content())) {
            body = null;
            if (!current.isStarted()) {
                current.status(
                        tooLarge(router.isUpload(current.request()) ? limits.uploadBytes() : limits.bodyBytes()));
            }
            context.close();
            return;
        }
        if (content instanceof LastHttpContent) {
            stopWaiting();
            stream.end();
            body = null;
            if (!current.isHandled()) {
                work(current);
            }
        }
    }

    private static ApiException tooLarge(long limit) {
        return ApiException.of(413, "RequestEntityTooLarge", "the request's body has more than " + limit + " bytes");
    }

    private void refuse(ChannelHandlerContext context, ApiException failure) {
        Request nothing = new Request(
                HttpMethod.GET, List.of(), Map.of(), new DefaultHttpHeaders(), new BodyStream(context.channel(), 0));
        Exchange refused = new Exchange(context.channel(), nothing, false, limits, () -> {});
        exchange = refused;
        refused.status(failure);
    }

    private void work(Exchange current) {
        current.handled();
        try {
            workers.execute(() -> router.handle(current));
        } catch (RejectedExecutionException e) {
            current.status(ApiException.of(
                    429, "TooManyRequests", "the agent is busy with as many requests as it takes; try again later"));
        }
    }

    /** The answer has been written. */
    private void finished(ChannelHandlerContext context) {
        context.executor().execute(() -> {
            exchange = null;
            if (!context.channel().isActive() || upgraded) {
                return;
            }
            if (body != null) {
                // Answered before the request was complete: what follows would be taken for the next one.
                context.close();
                return;
            }
            expectWithin(context, limits.idleTimeout().toMillis());
            context.channel().config().setAutoRead(true);
            while (!pipelined.isEmpty() && (exchange == null || body != null)) {
                channelRead(context, pipelined.remove());
            }
        });
    }

    /** Another protocol takes over; frames go past this handler from now on. */
    void upgrade() {
        upgraded = true;
        stopWaiting();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        Exchange current = exchange;
        if (current != null) {
            current.writabilityChanged();
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stopWaiting();
        BodyStream stream = body;
        if (stream != null) {
            stream.fail("the client has gone");
        }
        pipelined.forEach(ReferenceCountUtil::release);
        pipelined.clear();
        Exchange current = exchange;
        if (current != null) {
            current.closed();
        }
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // The peer is a local client: a reset or a malformed frame ends its connection and concerns nobody else.
        context.close();
    }
}
