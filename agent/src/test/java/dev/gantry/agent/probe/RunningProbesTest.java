package dev.gantry.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.event.PodReference;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.Prober;
import dev.gantry.staticpods.ManifestDecoder;
import dev.gantry.testing.FakeClock;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.TCPSocketAction;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which probes of a pod run when, on a clock that the test turns. */
class RunningProbesTest {
    private static final PodReference POD = new PodReference("default", "web", "uid-1");
    private static final String ADDRESS = "10.88.0.2";

    @TempDir
    Path directory;

    private final EmbeddedChannel loop = new EmbeddedChannel();
    private final FakeClock clock = new FakeClock();
    /** First words of the commands that were run, and of those that fail. */
    private final List<String> asked = new ArrayList<>();

    private final List<String> events = new ArrayList<>();

    private final Set<String> failing = new HashSet<>();
    private Pod pod = new Pod();
    private PodProbes probes = PodProbes.Factory.NONE.open(POD, () -> {});

    @BeforeEach
    void start() throws IOException {
        Files.createDirectories(directory.resolve(POD.uid()));
        loop.freezeTime();
        probes = open();
        pod = ManifestDecoder.decode("pod.yaml", """
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  containers:
                  - name: main
                    image: busybox
                    startupProbe: {exec: {command: [startup]}, periodSeconds: 1, failureThreshold: 30}
                    livenessProbe: {exec: {command: [liveness]}, periodSeconds: 1, failureThreshold: 1, terminationGracePeriodSeconds: 7}
                    readinessProbe: {exec: {command: [readiness]}, periodSeconds: 1, failureThreshold: 1}
                """.getBytes(StandardCharsets.UTF_8))
                .pods()
                .get(0)
                .pod();
    }

    @AfterEach
    void close() {
        probes.close();
        loop.finishAndReleaseAll();
    }

    private PodProbes open() {
        ProbeManager manager = new ProbeManager(
                () -> new Prober(loop.eventLoop(), EpollSocketChannel.class, Runnable::run, (id, command, timeout) -> {
                    asked.add(command.get(0));
                    return CompletableFuture.completedFuture(
                            failing.contains(command.get(0))
                                    ? new ProbeResult.Failed("no")
                                    : new ProbeResult.Passed(""));
                }),
                "192.0.2.1",
                new ProbeRecords(directory::resolve),
                (pod, container, warning, reason, message) -> events.add(reason + ": " + message),
                clock,
                Runnable::run,
                new SplittableRandom(1));
        return manager.open(POD, () -> {});
    }

    private ObservedPod running(String... addresses) {
        ObservedContainer run = new ObservedContainer(
                "id-1",
                "sandbox-1",
                "main",
                0,
                clock.instant(),
                new ContainerRun.Running(clock.instant()),
                "busybox",
                "sha256:1",
                "",
                "SIGTERM",
                Optional.empty(),
                Map.of());
        return new ObservedPod(
                List.of(new ObservedSandbox("sandbox-1", 0, true, Instant.EPOCH, Instant.EPOCH, List.of(addresses))),
                List.of(run));
    }

    private ContainerHealth health() {
        return probes.health().getOrDefault("id-1", new ContainerHealth(true, true, Optional.empty()));
    }

    private void seconds(int count) {
        for (int second = 0; second < count; second++) {
            clock.advance(Duration.ofSeconds(1));
            loop.advanceTimeBy(1, TimeUnit.SECONDS);
            loop.runScheduledPendingTasks();
            loop.runPendingTasks();
        }
    }

    @Test
    void aNewRunIsProbedAtOnceAndOneOfAnEarlierAgentSometimeInItsPeriod() {
        probes.reconcile(pod, ObservedPod.NOTHING, false);
        probes.reconcile(pod, running(ADDRESS), false);
        loop.runScheduledPendingTasks();
        assertThat(asked).containsExactly("startup");
        probes.close();
        asked.clear();

        probes = open();
        probes.reconcile(pod, running(ADDRESS), false);
        loop.runScheduledPendingTasks();
        assertThat(asked).as("not all pods of the node at once").isEmpty();
        seconds(1);
        assertThat(asked).isNotEmpty();
    }

    @Test
    void theOthersWaitForTheStartupProbe() {
        failing.add("startup");
        probes.reconcile(pod, running(ADDRESS), false);
        seconds(5);
        assertThat(asked).hasSizeGreaterThan(3).containsOnly("startup");
        assertThat(health()).isEqualTo(ContainerHealth.STARTING);

        failing.clear();
        seconds(3);

        assertThat(asked).contains("liveness", "readiness");
        assertThat(health()).isEqualTo(new ContainerHealth(true, true, Optional.empty()));
        asked.clear();
        seconds(3);
        assertThat(asked).doesNotContain("startup");
    }

    @Test
    void whileThePodEndsOnlyItsReadinessIsAsked() {
        probes.reconcile(pod, running(ADDRESS), false);
        seconds(3);
        assertThat(health().ready()).isTrue();

        probes.reconcile(pod, running(ADDRESS), true);
        asked.clear();
        failing.addAll(List.of("liveness", "readiness"));
        seconds(3);

        assertThat(asked).isNotEmpty().containsOnly("readiness");
        assertThat(health()).isEqualTo(new ContainerHealth(true, false, Optional.empty()));
    }

    @Test
    void aLivenessProbeGivesUpWithItsOwnGrace() {
        probes.reconcile(pod, running(ADDRESS), false);
        seconds(2);

        failing.add("liveness");
        seconds(2);

        assertThat(health().unhealthy()).hasValueSatisfying(unhealthy -> {
            assertThat(unhealthy.probe()).isEqualTo("liveness");
            assertThat(unhealthy.gracePeriodSeconds()).hasValue(7);
        });
    }

    @Test
    void aPodWhoseSandboxIsNotReadyIsNotProbedAndNotReady() {
        probes.reconcile(pod, new ObservedPod(List.of(), running(ADDRESS).containers()), false);
        seconds(3);
        assertThat(asked).isEmpty();
        assertThat(health()).isEqualTo(ContainerHealth.STARTING);

        probes.reconcile(pod, running(ADDRESS), false);
        seconds(3);

        assertThat(health().ready()).isTrue();
    }

    @Test
    void commandsNeedNoAddress() {
        probes.reconcile(pod, running(), false);
        seconds(3);

        assertThat(health()).isEqualTo(new ContainerHealth(true, true, Optional.empty()));
        assertThat(events).isEmpty();
    }

    @Test
    void aProbeOfTheNetworkOfAPodWithoutAddressIsAnEventAndWaits() {
        Probe tcp = new Probe();
        tcp.setTcpSocket(new TCPSocketAction(null, new IntOrString(1)));
        pod.getSpec().getContainers().get(0).setReadinessProbe(tcp);
        probes.reconcile(pod, running(), false);
        seconds(3);
        probes.reconcile(pod, running(), false);

        assertThat(health()).isEqualTo(new ContainerHealth(true, false, Optional.empty()));
        assertThat(asked).contains("startup", "liveness");
        assertThat(events)
                .containsExactly(
                        "Unhealthy: Readiness probe errored and resulted in unknown state: the pod has no address to"
                                + " connect to; use exec, or connect pods by another --network than none");
    }

    @Test
    void theNextAgentBelievesWhatThisOneFound() {
        probes.reconcile(pod, running(ADDRESS), false);
        seconds(3);
        probes.close();
        asked.clear();

        probes = open();
        probes.reconcile(pod, running(ADDRESS), false);

        assertThat(health()).isEqualTo(new ContainerHealth(true, true, Optional.empty()));
        seconds(3);
        assertThat(asked).contains("liveness", "readiness").doesNotContain("startup");
    }
}
