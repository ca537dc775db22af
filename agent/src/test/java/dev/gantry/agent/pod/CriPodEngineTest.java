package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.HostIP;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodIP;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the engine shows of its pods, and how it hears of them. */
class CriPodEngineTest extends EngineTest {
    @Test
    void aPodStartsAndIsShownRunning() {
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThat(fixture.runtime.calls())
                .containsExactly("RunPodSandbox web 0", "CreateContainer main 0", "StartContainer main");
        Pod pod = fixture.shown("web");
        assertThat(pod.getStatus().getPhase()).isEqualTo("Running");
        assertThat(pod.getStatus().getPodIP()).startsWith("10.88.0.");
        assertThat(pod.getStatus().getHostIP()).isEqualTo("192.0.2.1");
        assertThat(pod.getStatus().getHostIPs()).extracting(HostIP::getIp).containsExactly("192.0.2.1");
        assertThat(pod.getStatus().getPodIPs())
                .extracting(PodIP::getIp)
                .containsExactly(pod.getStatus().getPodIP());
        assertThat(pod.getStatus().getObservedGeneration()).isEqualTo(1);
        assertThat(pod.getStatus().getConditions()).allMatch(condition -> condition.getObservedGeneration() == 1);
        assertThat(fixture.status("web").getStopSignal()).isEqualTo("SIGTERM");
        assertThat(pod.getStatus().getQosClass()).isEqualTo("BestEffort");
        assertThat(pod.getStatus().getContainerStatuses().get(0).getContainerID())
                .startsWith("fake://container-");
        assertThat(pod.getStatus().getConditions())
                .extracting(PodCondition::getType, PodCondition::getStatus)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("PodReadyToStartContainers", "True"),
                        org.assertj.core.groups.Tuple.tuple("Initialized", "True"),
                        org.assertj.core.groups.Tuple.tuple("Ready", "True"),
                        org.assertj.core.groups.Tuple.tuple("ContainersReady", "True"),
                        org.assertj.core.groups.Tuple.tuple("PodScheduled", "True"));
        assertThat(fixture.events()).containsExactly("Pulled x1", "Created x1", "Started x1");
    }

    @Test
    void lostEventsAreMadeUpFor() {
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.runtime.dropSubscribers();
        fixture.run();
        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).isEmpty();

        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
    }

    @Test
    void aWatchBeginsWithWhatThereIs() {
        fixture.create(EngineFixture.pod("web", "Always"));
        List<String> seen = new ArrayList<>();

        PodEngine.Watch watch = fixture.engine.watch(change ->
                seen.add(change.type() + " " + change.pod().getMetadata().getName()));
        fixture.run();
        fixture.create(EngineFixture.pod("api", "Always"));
        watch.close();
        fixture.create(EngineFixture.pod("late", "Always"));

        assertThat(seen).startsWith("ADDED web", "ADDED api").doesNotContain("ADDED late");
    }

    @Test
    void runsOfAContainerAreFoundForLogs() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.runtime.exit("main", 1);
        fixture.run();

        ContainerRef current = fixture.engine.container("default", "web", null, false);
        ContainerRef previous = fixture.engine.container("default", "web", "main", true);

        assertThat(current.restartCount()).isEqualTo(1);
        assertThat(current.running()).isTrue();
        assertThat(previous.restartCount()).isZero();
        assertThat(previous.logPath().toString()).endsWith("/main/0.log");
        assertThatExceptionOfType(ContainerUnavailableException.class)
                .isThrownBy(() -> fixture.engine.container("default", "gone", null, false))
                .withMessage("pods \"gone\" not found");
        assertThatExceptionOfType(ContainerUnavailableException.class)
                .isThrownBy(() -> fixture.engine.container("default", "web", "x", false))
                .withMessage("container x is not valid for pod web");
    }
}
