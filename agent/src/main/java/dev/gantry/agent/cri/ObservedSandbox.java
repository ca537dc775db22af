package dev.gantry.agent.cri;

import java.time.Instant;
import java.util.List;

/**
 * A pod's sandbox, as the runtime tells it.
 *
 * @param attempt 0 for the pod's first sandbox
 * @param ready whether containers can run in it
 * @param podStartedAt when the pod began on this node, perhaps with an earlier sandbox
 * @param ips the primary one first; empty on the host's network
 */
public record ObservedSandbox(
        String id, int attempt, boolean ready, Instant createdAt, Instant podStartedAt, List<String> ips) {
    public ObservedSandbox {
        ips = List.copyOf(ips);
    }
}
