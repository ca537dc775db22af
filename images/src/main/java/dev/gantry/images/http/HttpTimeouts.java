package dev.gantry.images.http;

import java.time.Duration;

/**
 * How long to wait for a host.
 *
 * @param connect for one address to accept, and for the TLS handshake
 * @param answer from the request to the end of the answer's headers
 * @param progress between two pieces of a body
 */
public record HttpTimeouts(Duration connect, Duration answer, Duration progress) {
    public static final HttpTimeouts DEFAULTS =
            new HttpTimeouts(Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(60));

    public HttpTimeouts {
        for (Duration each : new Duration[] {connect, answer, progress}) {
            if (each.toMillis() < 1 || each.toMillis() > Integer.MAX_VALUE) {
                throw new IllegalArgumentException("timeout " + each);
            }
        }
    }

    /** With another patience for a host to accept. */
    public HttpTimeouts withConnect(Duration other) {
        return new HttpTimeouts(other, answer, progress);
    }
}
