package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cli.Description;
import dev.gantry.agent.probe.ProbeManager;
import dev.gantry.agent.probe.ProbeRecords;
import dev.gantry.probes.ExecRunner;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.Prober;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The life of a pod whose container loses its health file a minute after it started, second by second as a user sees it: what
 * changes in its status, which events come and how often, and how it is described at the end. Probes are the real ones, on a
 * clock that the test turns.
 */
class LivenessTimelineTest {
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: liveness-exec, labels: {test: liveness}}
            spec:
              containers:
              - name: liveness
                image: busybox
                imagePullPolicy: IfNotPresent
                args: [sh, -c, 'touch /tmp/healthy; sleep 60; rm -f /tmp/healthy; sleep 600']
                livenessProbe:
                  exec: {command: [cat, /tmp/healthy]}
                  initialDelaySeconds: 5
                  periodSeconds: 5
            """;
    private static final Duration HEALTHY_FOR = Duration.ofSeconds(60);
    private static final int SECONDS = 330;

    @TempDir
    Path directory;

    private final EmbeddedChannel loop = new EmbeddedChannel();
    private final Map<String, Instant> startedAt = new HashMap<>();
    private final Map<String, Integer> told = new LinkedHashMap<>();
    private final List<String> timeline = new ArrayList<>();
    private String last = "";

    @Test
    void theTimelineOfAPodThatLosesItsHealthFile() throws Exception {
        loop.freezeTime();
        try (EngineFixture fixture = new EngineFixture(
                directory,
                (events, clock) -> new ProbeManager(
                        () -> new Prober(loop.eventLoop(), EpollSocketChannel.class, Runnable::run, health(clock)),
                        "192.0.2.1",
                        new ProbeRecords(directory.resolve("pods")::resolve),
                        events,
                        clock,
                        Runnable::run,
                        new SplittableRandom(1)))) {
            // A shell as the first process does not hear SIGTERM.
            fixture.runtime.stopTakes(Duration.ofHours(1));
            fixture.apply();
            Pod pod = EngineFixture.pod(POD);
            pod.getMetadata().setUid("3f6c2a9e");
            fixture.apply(pod);
            for (int second = 0; second <= SECONDS; second++) {
                note(second, fixture);
                loop.advanceTimeBy(1, TimeUnit.SECONDS);
                fixture.advance(Duration.ofSeconds(1));
                loop.runScheduledPendingTasks();
                loop.runPendingTasks();
                fixture.run();
            }
            timeline.add("");
            timeline.addAll(Description.of(fixture.shown("liveness-exec"), fixture.engine.events(), fixture.clock)
                    .lines()
                    .toList());
        } finally {
            loop.finishAndReleaseAll();
        }
        try (InputStream golden =
                Objects.requireNonNull(LivenessTimelineTest.class.getResourceAsStream("liveness-timeline.txt"))) {
            assertThat(String.join("\n", timeline) + "\n")
                    .isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    /** What {@code cat /tmp/healthy} says, by the age of the run. */
    private ExecRunner health(java.time.Clock clock) {
        return (containerId, command, timeout) -> {
            Instant began = startedAt.computeIfAbsent(containerId, id -> clock.instant());
            // The first attempt is made five seconds after the start.
            boolean healthy =
                    Duration.between(began, clock.instant()).plusSeconds(5).compareTo(HEALTHY_FOR) < 0;
            return CompletableFuture.completedFuture(
                    healthy
                            ? new ProbeResult.Passed("")
                            : new ProbeResult.Failed("cat: can't open '/tmp/healthy': No such file or directory"));
        };
    }

    private void note(int second, EngineFixture fixture) {
        for (Event event : fixture.engine.events()) {
            String key = event.getMetadata().getName();
            if (!Objects.equals(told.put(key, event.getCount()), event.getCount())) {
                timeline.add(String.format(
                        "%4ds  %-7s %-9s x%d  %s",
                        second, event.getType(), event.getReason(), event.getCount(), event.getMessage()));
            }
        }
        String now = status(fixture.shown("liveness-exec"));
        if (!now.equals(last)) {
            timeline.add(String.format("%4ds  %s", second, now));
            last = now;
        }
    }

    private static String status(Pod pod) {
        ContainerStatus status = pod.getStatus().getContainerStatuses().get(0);
        ContainerState state = status.getState();
        String text = state.getRunning() != null
                ? "running"
                : state.getWaiting() != null
                        ? "waiting: " + state.getWaiting().getReason()
                        : "terminated: " + state.getTerminated().getReason() + " "
                                + state.getTerminated().getExitCode();
        return pod.getStatus().getPhase() + ", " + text + ", ready " + status.getReady() + ", restarts "
                + status.getRestartCount();
    }
}
