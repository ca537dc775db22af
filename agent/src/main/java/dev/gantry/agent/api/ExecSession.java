package dev.gantry.agent.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.runtime.io.ContainerStreams;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One exec or attach over a WebSocket: the first byte of a message is the channel (0 stdin, 1 stdout, 2 stderr, 3 the status at the end, 4 the terminal's size), and
 * with v5 the message {@code [255, channel]} closes one.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
final class ExecSession {
    static final String V5 = "v5.channel.k8s.io";
    static final List<String> PROTOCOLS = List.of(V5, "v4.channel.k8s.io");

    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;
    private static final int CLOSE = 255;
    private static final int BUFFER = 32 * 1024;
    private static final int MAX_FRAME = 1024 * 1024;

    /** How long output may stay silent after the process's end before it is given up: another process may hold the pipe open for ever. */
    private static final long DRAIN_MILLIS = 500;

    private final Exchange exchange;
    private final Channel channel;
    private final ContainerStreams streams;
    private final BodyStream input;
    private final AtomicLong sent = new AtomicLong();

    private ExecSession(Exchange exchange, ContainerStreams streams) {
        this.exchange = exchange;
        this.channel = exchange.channel();
        this.streams = streams;
        this.input = new BodyStream(channel, Long.MAX_VALUE);
    }

    /** Upgrades the connection and serves it on this thread until the process has ended or the client has gone. */
    static void start(
            Exchange exchange,
            String protocol,
            ContainerStreams streams,
            boolean stdin,
            boolean tty,
            ApiLimits limits,
            Executor workers)
            throws IOException {
        ExecSession session = new ExecSession(exchange, streams);
        exchange.onClose(streams::close);
        try {
            WebSocketUpgrade.upgrade(exchange, protocol, MAX_FRAME, session.new Frames());
            session.serve(stdin, tty, workers);
        } finally {
            streams.close();
        }
    }

    private void serve(boolean stdin, boolean tty, Executor workers) {
        if (stdin) {
            workers.execute(this::copyInput);
        }
        Pump stdout = new Pump(STDOUT, streams.stdout());
        Pump stderr = new Pump(STDERR, streams.stderr());
        workers.execute(stdout);
        if (tty) {
            stderr.done.complete(null);
        } else {
            workers.execute(stderr);
        }
        byte[] status;
        try {
            int exitCode = streams.exit().get();
            stdout.awaitSilence();
            stderr.awaitSilence();
            status = Json.exitStatus(exitCode);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            status = Json.bytes(json ->
                    Json.status(json, ApiException.of(500, "InternalError", String.valueOf(cause.getMessage()))));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            status = Json.bytes(
                    json -> Json.status(json, ApiException.of(503, "ServiceUnavailable", "the agent is stopping")));
        }
        channel.write(message(ERROR, status, status.length));
        channel.writeAndFlush(new CloseWebSocketFrame(1000, "")).addListener(written -> channel.close());
    }

    private static BinaryWebSocketFrame message(int number, byte[] bytes, int length) {
        ByteBuf message = Unpooled.buffer(length + 1);
        message.writeByte(number);
        message.writeBytes(bytes, 0, length);
        return new BinaryWebSocketFrame(message);
    }

    private void copyInput() {
        byte[] buffer = new byte[BUFFER];
        try (OutputStream stdin = streams.stdin()) {
            for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
                stdin.write(buffer, 0, count);
                stdin.flush();
            }
        } catch (IOException e) {
            // The process has closed its input or has ended; what the client sends from now on has no reader.
            channel.config().setAutoRead(true);
        }
    }

    /** Copies one output to the client. */
    private final class Pump implements Runnable {
        private final int number;
        private final InputStream from;
        private final java.util.concurrent.CompletableFuture<Void> done =
                new java.util.concurrent.CompletableFuture<>();

        Pump(int number, InputStream from) {
            this.number = number;
            this.from = from;
        }

        @Override
        public void run() {
            byte[] buffer = new byte[BUFFER];
            try {
                for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
                    exchange.awaitWritable();
                    channel.writeAndFlush(message(number, buffer, count));
                    sent.addAndGet(count);
                }
            } catch (IOException e) {
                // The client has gone, or the streams were closed at the end: nobody is left to be told.
            } finally {
                done.complete(null);
            }
        }

        /** Waits for the end of the stream, but not for one that stays open without a byte. */
        void awaitSilence() throws InterruptedException {
            long before = sent.get();
            while (true) {
                try {
                    done.get(DRAIN_MILLIS, TimeUnit.MILLISECONDS);
                    return;
                } catch (TimeoutException e) {
                    if (sent.get() == before && channel.isWritable()) {
                        return;
                    }
                    before = sent.get();
                } catch (ExecutionException e) {
                    return;
                }
            }
        }
    }

    /** Takes the client's messages, on the event loop. */
    private final class Frames extends SimpleChannelInboundHandler<WebSocketFrame> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
            if (frame instanceof PingWebSocketFrame ping) {
                context.writeAndFlush(new PongWebSocketFrame(ping.content().retain()));
            } else if (frame instanceof CloseWebSocketFrame) {
                context.close();
            } else if ((frame instanceof BinaryWebSocketFrame || frame instanceof TextWebSocketFrame)
                    && frame.content().isReadable()) {
                message(frame.content());
            }
        }

        private void message(ByteBuf content) {
            int number = content.readUnsignedByte();
            switch (number) {
                case STDIN -> input.add(content);
                case RESIZE -> resize(content);
                case CLOSE -> {
                    if (content.isReadable() && content.readUnsignedByte() == STDIN) {
                        input.end();
                    }
                }
                default -> {
                    // a channel that only the server writes
                }
            }
        }

        private void resize(ByteBuf content) {
            byte[] bytes = new byte[content.readableBytes()];
            content.readBytes(bytes);
            try {
                JsonNode size = Json.MAPPER.readTree(bytes);
                int columns = size.path("Width").asInt();
                int rows = size.path("Height").asInt();
                if (columns > 0 && columns < 65536 && rows > 0 && rows < 65536) {
                    streams.resize(columns, rows);
                }
            } catch (IOException e) {
                // A size that cannot be read or set leaves the terminal as it is.
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            input.fail("the client has gone");
            super.channelInactive(context);
        }
    }
}
