package dev.gantry.agent.api;

import dev.gantry.agent.node.NodeObjects;
import dev.gantry.agent.node.NodeObservation;
import dev.gantry.agent.pod.NodeFacts;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

/** Pods and events for tests. Now is two minutes and five seconds after their creation. */
public final class TestPods {
    public static final Clock CLOCK = Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC);

    private TestPods() {}

    /** A node that is well. */
    public static Node node() {
        NodeSystemInfo info = new NodeSystemInfo();
        info.setArchitecture("amd64");
        info.setKubeletVersion("v0.1.0");
        info.setOsImage("Debian GNU/Linux 12 (bookworm)");
        info.setKernelVersion("6.1.0");
        info.setContainerRuntimeVersion("gantry://0.1.0");
        return NodeObjects.of(
                new NodeFacts("node-1", List.of("192.0.2.1"), 8L << 30, 4),
                info,
                new NodeObservation(Optional.empty(), 4L << 30, 1L << 40, 30_000, List.of(), List.of()),
                List.of(),
                CLOCK.instant().minusSeconds(7200),
                CLOCK.instant());
    }

    /** A pod of one container {@code app} that runs and is ready. */
    public static Pod running(String name) {
        return waiting(name)
                .editStatus()
                .withPhase("Running")
                .withPodIP("10.88.0.7")
                .addNewPodIP("10.88.0.7")
                .withHostIP("192.0.2.1")
                .withContainerStatuses(new ContainerStatusBuilder()
                        .withName("app")
                        .withReady(true)
                        .withStarted(true)
                        .withRestartCount(0)
                        .withImage("docker.io/library/busybox:latest")
                        .withImageID("sha256:1111")
                        .withContainerID("gantry://id-" + name + "-app")
                        .withState(new ContainerStateBuilder()
                                .withNewRunning()
                                .withStartedAt("2026-01-02T03:02:01Z")
                                .endRunning()
                                .build())
                        .build())
                .endStatus()
                .build();
    }

    /** The same before anything has happened. */
    public static PodBuilder waiting(String name) {
        return new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace("default")
                .withUid("uid-" + name)
                .withCreationTimestamp("2026-01-02T03:02:00Z")
                .addToLabels("app", name)
                .endMetadata()
                .withNewSpec()
                .withNodeName("node-1")
                .withTerminationGracePeriodSeconds(30L)
                .withContainers(new ContainerBuilder()
                        .withName("app")
                        .withImage("busybox")
                        .build())
                .endSpec()
                .withNewStatus()
                .withPhase("Pending")
                .endStatus();
    }

    /** The same, restarted {@code restarts} times after exit code 1, and waiting for the next. */
    public static Pod crashing(String name, int restarts) {
        return waiting(name)
                .editStatus()
                .withPhase("Running")
                .withContainerStatuses(new ContainerStatusBuilder()
                        .withName("app")
                        .withReady(false)
                        .withRestartCount(restarts)
                        .withState(new ContainerStateBuilder()
                                .withNewWaiting("back-off 10s restarting failed container", "CrashLoopBackOff")
                                .build())
                        .withLastState(new ContainerStateBuilder()
                                .withNewTerminated()
                                .withExitCode(1)
                                .withReason("Error")
                                .withStartedAt("2026-01-02T03:03:50Z")
                                .withFinishedAt("2026-01-02T03:03:55Z")
                                .endTerminated()
                                .build())
                        .build())
                .endStatus()
                .build();
    }

    /** The same, ended for good with this exit code. */
    public static Pod failed(String name, int exitCode) {
        return waiting(name)
                .editStatus()
                .withPhase("Failed")
                .withContainerStatuses(new ContainerStatusBuilder()
                        .withName("app")
                        .withReady(false)
                        .withRestartCount(0)
                        .withContainerID("gantry://id-" + name + "-app")
                        .withState(new ContainerStateBuilder()
                                .withNewTerminated()
                                .withExitCode(exitCode)
                                .withReason("Error")
                                .endTerminated()
                                .build())
                        .build())
                .endStatus()
                .build();
    }

    /** An event about a pod. */
    public static Event event(String pod, String reason, String message, String type, int count) {
        return new EventBuilder()
                .withNewMetadata()
                .withName(pod + "." + reason.toLowerCase(java.util.Locale.ROOT))
                .withNamespace("default")
                .withCreationTimestamp("2026-01-02T03:02:01Z")
                .endMetadata()
                .withNewInvolvedObject()
                .withKind("Pod")
                .withNamespace("default")
                .withName(pod)
                .withUid("uid-" + pod)
                .withFieldPath("spec.containers{app}")
                .endInvolvedObject()
                .withReason(reason)
                .withMessage(message)
                .withType(type)
                .withCount(count)
                .withFirstTimestamp("2026-01-02T03:02:01Z")
                .withLastTimestamp("2026-01-02T03:03:05Z")
                .withNewSource("gantry", "node-1")
                .build();
    }
}
