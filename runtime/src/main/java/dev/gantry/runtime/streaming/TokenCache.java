package dev.gantry.runtime.streaming;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Requests behind tokens that work once and not for long; the only authentication of the streaming server, as in containerd and
 * CRI-O. Safe for several threads.
 */
final class TokenCache {
    /** The kubelet's streaming library: {@code cacheTTL} and {@code maxInFlight}. */
    static final Duration LIFETIME = Duration.ofMinutes(1);

    static final int MAX_OUTSTANDING = 1000;
    private static final int TOKEN_BYTES = 12;

    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    /** By age: insertion order is order of expiry. */
    private final Map<String, Pending> pending = new LinkedHashMap<>();

    private record Pending(StreamingRequest request, Instant expiry) {}

    TokenCache(Clock clock) {
        this.clock = clock;
    }

    /** The token for {@code request}; empty if too many are outstanding. */
    synchronized Optional<String> insert(StreamingRequest request) {
        removeExpired();
        if (pending.size() >= MAX_OUTSTANDING) {
            return Optional.empty();
        }
        byte[] bytes = new byte[TOKEN_BYTES];
        random.nextBytes(bytes);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        pending.put(token, new Pending(request, clock.instant().plus(LIFETIME)));
        return Optional.of(token);
    }

    /** The request of {@code token}, once. */
    synchronized Optional<StreamingRequest> consume(String token) {
        removeExpired();
        return Optional.ofNullable(pending.remove(token)).map(Pending::request);
    }

    private void removeExpired() {
        Instant now = clock.instant();
        Iterator<Pending> oldestFirst = pending.values().iterator();
        while (oldestFirst.hasNext() && !oldestFirst.next().expiry().isAfter(now)) {
            oldestFirst.remove();
        }
    }
}
