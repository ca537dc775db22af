package dev.gantry.runtime.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.FakeClock;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Connections before they are sessions; the time is the channel's own. */
class StreamingHandlerTest {
    private final TokenCache tokens = new TokenCache(new FakeClock());

    private EmbeddedChannel connection() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline().addLast(StreamingHandler.pipeline(tokens, new EchoIo(), Runnable::run));
        return channel;
    }

    private static void pass(EmbeddedChannel channel, int seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    private static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    @Test
    void whoeverDoesNotSayWhatItWantsIsCutOff() {
        EmbeddedChannel silent = connection();
        EmbeddedChannel slow = connection();
        slow.writeInbound(text("GET /exec/"));

        pass(silent, StreamingHandler.REQUEST_SECONDS - 1);
        pass(slow, StreamingHandler.REQUEST_SECONDS - 1);
        slow.writeInbound(text("abc HT"));
        assertThat(List.of(silent.isOpen(), slow.isOpen())).containsExactly(true, true);

        pass(silent, 1);
        pass(slow, 1);
        assertThat(List.of(silent.isOpen(), slow.isOpen())).containsExactly(false, false);
    }

    @Test
    void aSessionMayTakeItsTime() {
        String token =
                tokens.insert(new StreamingRequest.PortForward("p1", List.of())).orElseThrow();
        EmbeddedChannel channel = connection();
        channel.writeInbound(text("GET /portforward/" + token
                + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));

        pass(channel, 10 * StreamingHandler.REQUEST_SECONDS);

        ByteBuf answer = channel.readOutbound();
        assertThat(answer.toString(StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 101 ");
        assertThat(channel.isOpen()).isTrue();
        channel.close();
    }
}
