package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.channel.Channel;
import io.netty.handler.codec.spdy.SpdySynStreamFrame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Port-forward over SPDY: for each connection a pair of streams, one for data and one for its error. */
final class SpdyPorts extends SpdyStreams {
    /** Pairs a client may have open or half open at once. */
    private static final int MAX_PAIRS = 256;

    private final ContainerIo io;
    private final String podSandboxId;
    private final Executor threads;
    private final Map<String, Pair> byRequest = new HashMap<>();
    private final Map<Integer, Pair> byData = new HashMap<>();
    private @Nullable Pair toStart;

    SpdyPorts(Channel connection, ContainerIo io, StreamingRequest.PortForward request, Executor threads) {
        super(connection);
        this.io = io;
        this.podSandboxId = request.podSandboxId();
        this.threads = threads;
    }

    @Override
    boolean opened(int streamId, SpdySynStreamFrame frame) {
        String type = String.valueOf(frame.headers().getAsString("streamtype"));
        boolean data = type.equals("data");
        int port = port(frame.headers().getAsString("port"));
        if (port == 0 || (!data && !type.equals("error"))) {
            return false;
        }
        String request = frame.headers().getAsString("requestid");
        if (request == null) {
            // Clients without request ids open the error stream first and the data stream next.
            request = "stream-" + (data ? streamId - 2 : streamId);
        }
        Pair pair = byRequest.get(request);
        if (pair == null) {
            if (byRequest.size() >= MAX_PAIRS) {
                return false;
            }
            pair = new Pair(request, port);
            byRequest.put(request, pair);
        }
        if (!pair.take(data, streamId)) {
            return false;
        }
        if (data) {
            byData.put(streamId, pair);
        }
        toStart = pair.isWhole() ? pair : null;
        return true;
    }

    private static int port(@Nullable String text) {
        try {
            int port = text == null ? 0 : Integer.parseInt(text);
            return port > 0 && port <= 0xffff ? port : 0;
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    @Override
    void started() {
        complete();
        if (toStart != null) {
            toStart.connection.start();
            toStart = null;
        }
    }

    @Override
    void received(int streamId, byte[] bytes) {
        Pair pair = byData.get(streamId);
        if (pair != null) {
            pair.connection.data(bytes);
        }
    }

    @Override
    void finished(int streamId) {
        Pair pair = byData.get(streamId);
        if (pair != null) {
            pair.connection.dataEnded();
        }
    }

    @Override
    void reset(int streamId) {
        Pair pair = byData.get(streamId);
        if (pair != null) {
            pair.connection.hangUp();
        }
    }

    @Override
    void hungUp() {
        byRequest.values().forEach(pair -> pair.connection.hangUp());
    }

    private final class Pair implements PortConnection.Client {
        private final String request;
        private final PortConnection connection;
        private int dataId;
        private int errorId;

        Pair(String request, int port) {
            this.request = request;
            connection = new PortConnection(
                    io,
                    podSandboxId,
                    port,
                    threads,
                    wanted -> connection().config().setAutoRead(wanted),
                    this);
        }

        boolean take(boolean data, int streamId) {
            boolean free = (data ? dataId : errorId) == 0;
            if (free && data) {
                dataId = streamId;
            } else if (free) {
                errorId = streamId;
            }
            return free;
        }

        boolean isWhole() {
            return dataId != 0 && errorId != 0;
        }

        @Override
        public void data(byte[] bytes, int length) throws IOException, InterruptedException {
            send(dataId, bytes, length);
        }

        @Override
        public void ended(String error) {
            connection().eventLoop().execute(() -> {
                end(errorId, error.getBytes(StandardCharsets.UTF_8));
                end(dataId, new byte[0]);
                byRequest.remove(request);
                byData.remove(dataId);
            });
        }
    }
}
