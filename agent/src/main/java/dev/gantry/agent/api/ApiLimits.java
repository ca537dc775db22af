package dev.gantry.agent.api;

import java.time.Duration;

/**
 * What one client may cost the agent.
 *
 * @param connections open at the same time; more are closed at once
 * @param requests worked on at the same time, streams included; more are answered 429
 * @param headerBytes of all headers together
 * @param lineBytes of the request line, which carries an exec's command
 * @param bodyBytes of a body that is read as a whole, such as a manifest
 * @param uploadBytes of an image archive
 * @param requestTimeout for a request to arrive: between two of its pieces
 * @param idleTimeout for a connection without a request
 * @param stallTimeout for a client that takes nothing of what it asked for
 * @param watchBytes waiting for a client of a watch before it is cut off; it can list and watch again
 */
public record ApiLimits(
        int connections,
        int requests,
        int headerBytes,
        int lineBytes,
        int bodyBytes,
        long uploadBytes,
        Duration requestTimeout,
        Duration idleTimeout,
        Duration stallTimeout,
        int watchBytes) {

    /** For a node. The body limit is the kubelet's for manifests. */
    public static final ApiLimits STANDARD = new ApiLimits(
            256,
            128,
            16 * 1024,
            64 * 1024,
            10 * 1024 * 1024,
            64L * 1024 * 1024 * 1024,
            Duration.ofSeconds(30),
            Duration.ofMinutes(2),
            Duration.ofMinutes(10),
            4 * 1024 * 1024);
}
