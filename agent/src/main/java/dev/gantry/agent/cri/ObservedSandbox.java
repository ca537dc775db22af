package dev.gantry.agent.cri;

import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxNetworkStatus;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatus;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

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

    /** One that was listed and cannot run containers any more. */
    static ObservedSandbox dead(PodSandbox listed) {
        return new ObservedSandbox(
                listed.getId(),
                listed.getMetadata().getAttempt(),
                false,
                Instant.ofEpochSecond(0, listed.getCreatedAt()),
                podStartedAt(listed),
                List.of());
    }

    static ObservedSandbox of(PodSandbox listed, PodSandboxStatus status) {
        return new ObservedSandbox(
                listed.getId(),
                listed.getMetadata().getAttempt(),
                status.getState() == PodSandboxState.SANDBOX_READY,
                Instant.ofEpochSecond(0, listed.getCreatedAt()),
                podStartedAt(listed),
                addresses(status.getNetwork()));
    }

    /** When the pod of a sandbox began on this node. */
    public static Instant podStartedAt(PodSandbox sandbox) {
        Instant created = Instant.ofEpochSecond(0, sandbox.getCreatedAt());
        try {
            Instant began = Instant.ofEpochMilli(
                    Long.parseLong(sandbox.getAnnotationsOrDefault(Labels.POD_STARTED_AT_MILLIS, "")));
            return began.isBefore(created) ? began : created;
        } catch (NumberFormatException e) {
            // Made by someone else: the pod is as old as its sandbox.
            return created;
        }
    }

    /** The address first that the runtime puts first. */
    private static List<String> addresses(PodSandboxNetworkStatus network) {
        return Stream.concat(
                        Stream.of(network.getIp()),
                        network.getAdditionalIpsList().stream().map(ip -> ip.getIp()))
                .filter(ip -> !ip.isEmpty())
                .toList();
    }
}
