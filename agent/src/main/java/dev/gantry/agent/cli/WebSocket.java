package dev.gantry.agent.cli;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * The client's end of a WebSocket (RFC 6455) over the agent's unix socket, as far as exec needs it. Frames are masked with zeros: masks protect proxies on
 * the way from crafted bytes, and a unix socket has none. Writing is safe from several threads, reading belongs to one.
 */
final class WebSocket implements AutoCloseable {
    private static final int BINARY = 2;
    private static final int CLOSE = 8;
    private static final int PING = 9;
    private static final int PONG = 10;
    private static final long MAX_MESSAGE = 4 * 1024 * 1024;

    private final SocketChannel channel;
    private final DataInputStream in;
    private final Object writing = new Object();

    private WebSocket(SocketChannel channel, DataInputStream in) {
        this.channel = channel;
        this.in = in;
    }

    /** Asks the server to upgrade a request to the sub-protocol. */
    static WebSocket open(ApiClient client, String path, String protocol) throws CliException, IOException {
        SocketChannel channel = client.connect();
        try {
            String head =
                    "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: gantry\r\nConnection: Upgrade\r\n"
                            + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Z2FudHJ5LWV4ZWMtY2xpZQ==\r\n"
                            + "Sec-WebSocket-Protocol: " + protocol + "\r\n\r\n";
            ApiClient.write(channel, head.getBytes(StandardCharsets.ISO_8859_1));
            ApiResponse response = ApiResponse.read(channel);
            if (response.code() != 101) {
                throw response.failure();
            }
            return new WebSocket(channel, new DataInputStream(response.body()));
        } catch (CliException | IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    void send(int channelNumber, byte[] bytes, int length) throws IOException {
        byte[] message = new byte[length + 1];
        message[0] = (byte) channelNumber;
        System.arraycopy(bytes, 0, message, 1, length);
        frame(BINARY, message);
    }

    private void frame(int opcode, byte[] payload) throws IOException {
        int length = payload.length;
        int head = length < 126 ? 2 : length < 65536 ? 4 : 10;
        byte[] frame = new byte[head + 4 + length];
        frame[0] = (byte) (0x80 | opcode);
        if (head == 2) {
            frame[1] = (byte) (0x80 | length);
        } else if (head == 4) {
            frame[1] = (byte) (0x80 | 126);
            frame[2] = (byte) (length >> 8);
            frame[3] = (byte) length;
        } else {
            frame[1] = (byte) (0x80 | 127);
            for (int i = 0; i < 4; i++) {
                frame[6 + i] = (byte) (length >> (24 - 8 * i));
            }
        }
        System.arraycopy(payload, 0, frame, head + 4, length);
        synchronized (writing) {
            ApiClient.write(channel, frame);
        }
    }

    /** The next message, its first byte being the channel; empty when the server has closed. */
    byte[] receive() throws IOException {
        byte[] message = new byte[0];
        while (true) {
            int first = in.read();
            if (first < 0) {
                throw new EOFException("the agent closed the connection before the command had ended");
            }
            int second = in.readUnsignedByte();
            long length = second & 0x7f;
            if (length == 126) {
                length = in.readUnsignedShort();
            } else if (length == 127) {
                length = in.readLong();
            }
            if ((second & 0x80) != 0 || length < 0 || length + message.length > MAX_MESSAGE) {
                throw new IOException("the agent sent a malformed frame");
            }
            byte[] payload = in.readNBytes((int) length);
            switch (first & 0x0f) {
                case CLOSE -> {
                    return new byte[0];
                }
                case PING -> frame(PONG, payload);
                case PONG -> {
                    // nobody asked
                }
                default -> {
                    byte[] joined = new byte[message.length + payload.length];
                    System.arraycopy(message, 0, joined, 0, message.length);
                    System.arraycopy(payload, 0, joined, message.length, payload.length);
                    message = joined;
                    if ((first & 0x80) != 0 && message.length > 0) {
                        return message;
                    }
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        try {
            frame(CLOSE, new byte[] {3, (byte) 0xe8});
        } catch (IOException e) {
            // the server went first
        }
        channel.close();
    }
}
