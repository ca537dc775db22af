package dev.gantry.runtime.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenCacheTest {
    private static final StreamingRequest REQUEST = new StreamingRequest.PortForward("p1", List.of());

    private Instant now = Instant.EPOCH;
    private final TokenCache tokens = new TokenCache(new Clock() {
        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    });

    @Test
    void aTokenWorksOnce() {
        String token = tokens.insert(REQUEST).orElseThrow();

        assertThat(tokens.consume(token)).contains(REQUEST);
        assertThat(tokens.consume(token)).isEmpty();
    }

    @Test
    void aTokenExpiresAfterAMinute() {
        String token = tokens.insert(REQUEST).orElseThrow();

        now = now.plus(Duration.ofMinutes(1));

        assertThat(tokens.consume(token)).isEmpty();
    }

    @Test
    void noMoreThanAThousandAreOutstanding() {
        for (int i = 0; i < TokenCache.MAX_OUTSTANDING; i++) {
            assertThat(tokens.insert(REQUEST)).isPresent();
        }
        assertThat(tokens.insert(REQUEST)).isEmpty();

        now = now.plus(TokenCache.LIFETIME);

        assertThat(tokens.insert(REQUEST)).isPresent();
    }
}
