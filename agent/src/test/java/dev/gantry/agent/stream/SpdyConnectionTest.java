package dev.gantry.agent.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.transport.CriEventLoops;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SpdyConnectionTest {
    private static final int CHUNK = 32 << 10;
    private static final int CHUNKS = 512;
    private static final int LAST = 1;
    private static final int SYN_STREAM = 1;
    private static final int LENGTH = 0xffffff;

    /** As containerd does when a command has ended: what is on its way must arrive, though our answers to it fail. */
    @Test
    void whatWasSentBeforeTheServerHungUpIsReadToItsEnd() throws Exception {
        try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                CriEventLoops loops = CriEventLoops.open(1)) {
            CompletableFuture<Void> server = CompletableFuture.runAsync(() -> sendAndHangUp(listening));
            URI url = URI.create("http://127.0.0.1:" + listening.getLocalPort() + "/exec/token");
            try (SpdyConnection connection = SpdyConnection.connect(loops.group(), url, List.of("v4.channel.k8s.io"))) {
                InputStream input =
                        connection.open(Map.of("streamtype", "stdout")).input();
                byte[] first = input.readNBytes(CHUNK);
                // Little is read until the server is gone: the rest waits in the kernel.
                server.join();

                assertThat(first.length + input.readAllBytes().length).isEqualTo(CHUNKS * CHUNK);
            }
        }
    }

    private static void sendAndHangUp(ServerSocket listening) {
        try (Socket client = listening.accept()) {
            InputStream in = client.getInputStream();
            for (String head = ""; !head.endsWith("\r\n\r\n"); ) {
                head += (char) in.read();
            }
            DataOutputStream out = new DataOutputStream(client.getOutputStream());
            out.write("""
                    HTTP/1.1 101 Switching Protocols
                    Connection: Upgrade
                    Upgrade: SPDY/3.1
                    X-Stream-Protocol-Version: v4.channel.k8s.io

                    """.replace("\n", "\r\n").getBytes(StandardCharsets.US_ASCII));
            awaitStream(in);
            for (int i = 1; i <= CHUNKS; i++) {
                out.writeInt(1);
                out.writeInt(((i == CHUNKS ? LAST : 0) << 24) | CHUNK);
                out.write(new byte[CHUNK]);
            }
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes what comes up to a SYN_STREAM: heads of eight bytes with a type, and a length in the last three. */
    private static void awaitStream(InputStream in) throws IOException {
        for (int type = 0; type != SYN_STREAM; ) {
            byte[] head = in.readNBytes(8);
            type = head[3];
            in.readNBytes(ByteBuffer.wrap(head, 4, 4).getInt() & LENGTH);
        }
    }
}
