package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.channel.Channel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** Port-forward over WebSocket: channels {@code 2i} and {@code 2i+1} carry data and errors of the i-th port. */
final class WebSocketPorts extends WebSocketChannels {
    private final Channel connection;
    private final List<Integer> ports;
    private final List<PortConnection> connections = new ArrayList<>();

    WebSocketPorts(
            Channel connection,
            StreamProtocol protocol,
            ContainerIo io,
            StreamingRequest.PortForward request,
            Executor threads) {
        super(protocol);
        this.connection = connection;
        ports = request.ports();
        for (int i = 0; i < ports.size(); i++) {
            connections.add(new PortConnection(
                    io,
                    request.podSandboxId(),
                    ports.get(i),
                    threads,
                    wanted -> connection.config().setAutoRead(wanted),
                    new Port(2 * i)));
        }
    }

    /** Begins, after the handshake: the first message of each channel is its port, little-endian. */
    void start() {
        for (int i = 0; i < ports.size(); i++) {
            byte[] port = {(byte) (int) ports.get(i), (byte) (ports.get(i) >> 8)};
            connection.write(message(2 * i, port, port.length));
            connection.write(message(2 * i + 1, port, port.length));
        }
        connection.flush();
        connections.forEach(PortConnection::start);
    }

    @Override
    void received(int channel, byte[] bytes) {
        if (channel % 2 == 0 && channel / 2 < connections.size()) {
            connections.get(channel / 2).data(bytes);
        }
    }

    @Override
    void closed(int channel) {
        if (channel % 2 == 0 && channel / 2 < connections.size()) {
            connections.get(channel / 2).dataEnded();
        }
    }

    @Override
    void hungUp() {
        connections.forEach(PortConnection::hangUp);
    }

    private final class Port implements PortConnection.Client {
        private final int dataChannel;

        Port(int dataChannel) {
            this.dataChannel = dataChannel;
        }

        @Override
        public void data(byte[] bytes, int length) throws IOException, InterruptedException {
            send(connection, dataChannel, bytes, length);
        }

        @Override
        public void ended(String error) {
            byte[] text = error.getBytes(StandardCharsets.UTF_8);
            if (text.length > 0) {
                connection.writeAndFlush(message(dataChannel + 1, text, text.length));
            }
            // One channel cannot be closed alone before version 5; with a single port the socket says it.
            if (ports.size() == 1) {
                Wire.finish(connection);
            }
        }
    }
}
