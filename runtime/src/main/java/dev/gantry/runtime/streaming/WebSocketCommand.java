package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import java.io.IOException;
import java.util.concurrent.Executor;

/** Exec and attach over WebSocket. */
final class WebSocketCommand extends WebSocketChannels implements RemoteCommand.Client {
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;

    private final Channel connection;
    private final StreamProtocol protocol;
    private final RemoteCommand command;

    WebSocketCommand(
            Channel connection,
            StreamProtocol protocol,
            ContainerIo io,
            StreamingRequest request,
            StreamingRequest.Streams streams,
            Executor threads) {
        super(protocol);
        this.connection = connection;
        this.protocol = protocol;
        command = new RemoteCommand(
                io, request, streams, threads, wanted -> connection.config().setAutoRead(wanted), this);
    }

    /** Begins, after the handshake. Clients take an empty message as a sign that the channels are there. */
    void start() {
        connection.writeAndFlush(message(STDOUT, new byte[0], 0));
        command.start();
    }

    @Override
    public void output(RemoteCommand.Output stream, byte[] bytes, int length) throws IOException, InterruptedException {
        send(connection, stream == RemoteCommand.Output.STDOUT ? STDOUT : STDERR, bytes, length);
    }

    @Override
    public void finish(RemoteCommand.Outcome outcome) {
        byte[] status = protocol.hasExitCodes() ? outcome.toStatus() : outcome.toText();
        if (status.length > 0) {
            connection.write(message(ERROR, status, status.length));
        }
        connection
                .writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.NORMAL_CLOSURE))
                .addListener(done -> Wire.finish(connection));
    }

    @Override
    void received(int channel, byte[] bytes) {
        if (channel == STDIN) {
            command.stdin(bytes);
        } else if (channel == RESIZE && protocol.hasResize()) {
            command.resize(bytes);
        }
    }

    @Override
    void closed(int channel) {
        if (channel == STDIN) {
            command.stdinClosed();
        }
    }

    @Override
    void hungUp() {
        command.hangUp();
    }
}
