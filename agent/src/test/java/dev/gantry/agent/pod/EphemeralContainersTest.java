package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ephemeral containers: added to a pod that runs, run once, keep nothing alive. */
class EphemeralContainersTest extends EngineTest {
    @BeforeEach
    void open() {
        fixture.apply();
    }

    private static EphemeralContainer debugger(String name, @Nullable String target) {
        return new EphemeralContainerBuilder()
                .withName(name)
                .withImage("busybox")
                .withImagePullPolicy("IfNotPresent")
                .withTargetContainerName(target)
                .withStdin(true)
                .withTty(true)
                .build();
    }

    private void debug(EphemeralContainer... added) throws PodRejectedException {
        List<EphemeralContainer> all =
                new ArrayList<>(fixture.shown("web").getSpec().getEphemeralContainers());
        all.addAll(List.of(added));
        fixture.engine.debug("default", "web", all);
        fixture.run();
    }

    private ContainerStatus status() {
        return fixture.shown("web").getStatus().getEphemeralContainerStatuses().get(0);
    }

    @Test
    void itSeesTheProcessesOfItsTarget() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));

        debug(debugger("look", "main"));

        NamespaceOption namespaces =
                fixture.runtime.config("look").getLinux().getSecurityContext().getNamespaceOptions();
        assertThat(namespaces.getPid()).isEqualTo(NamespaceMode.TARGET);
        assertThat(namespaces.getTargetId())
                .isEqualTo(fixture.engine
                        .container("default", "web", "main", false)
                        .id());
        assertThat(status().getState().getRunning()).isNotNull();
        assertThat(status().getReady()).isFalse();
        assertThat(fixture.engine.container("default", "web", "look", false).stdin())
                .isTrue();
        assertThat(fixture.status("web").getReady()).isTrue();
    }

    @Test
    void itRunsOnce() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        debug(debugger("look", null));
        fixture.runtime.exit("look", 1);
        fixture.advance(Duration.ofMinutes(10));

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(status().getState().getTerminated().getExitCode()).isEqualTo(1);
        assertThat(status().getRestartCount()).isZero();

        fixture.restartAgent();
        fixture.apply();
        fixture.runtime.kill(fixture.runtime.readySandboxes().get(0));
        fixture.advance(Duration.ofMinutes(10));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
    }

    @Test
    void itIsThereWhileThePodIsNotInitialized() throws Exception {
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  initContainers: [{name: setup, image: busybox, imagePullPolicy: IfNotPresent}]
                  containers: [{name: main, image: busybox, imagePullPolicy: IfNotPresent}]
                """));
        fixture.runtime.exit("setup", 1);
        fixture.run();
        fixture.runtime.exit("setup", 1);
        fixture.run();

        debug(debugger("look", null));

        assertThat(fixture.runtime.runningNames()).containsExactly("look");
    }

    @Test
    void itKeepsNoPodAliveAndCountsForNoPhase() throws Exception {
        fixture.runtime.stopTakes(Duration.ofSeconds(2));
        fixture.create(EngineFixture.pod("web", "Never"));
        debug(debugger("look", null));
        fixture.runtime.exit("main", 0);
        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.phase("web")).isEqualTo("Running");

        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.phase("web")).isEqualTo("Succeeded");
        assertThat(fixture.runtime.runningNames()).isEmpty();
        assertThat(status().getState().getTerminated().getExitCode()).isEqualTo(143);
    }

    @Test
    void itGoesWithItsPod() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        debug(debugger("look", "main"));

        fixture.engine.delete("default", "web", OptionalLong.of(5));
        fixture.advance(Duration.ofSeconds(10));

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void aTargetThatDoesNotRunIsSaid() throws Exception {
        fixture.create(EngineFixture.pod("web", "OnFailure"));
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: two}
                spec:
                  restartPolicy: OnFailure
                  containers:
                  - {name: one, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: main, image: busybox, imagePullPolicy: IfNotPresent}
                """));
        fixture.runtime.exit("one", 0);
        fixture.run();

        fixture.engine.debug("default", "two", List.of(debugger("look", "one")));
        fixture.run();

        assertThat(fixture.shown("two")
                        .getStatus()
                        .getEphemeralContainerStatuses()
                        .get(0)
                        .getState()
                        .getWaiting())
                .satisfies(waiting -> {
                    assertThat(waiting.getReason()).isEqualTo("CreateContainerConfigError");
                    assertThat(waiting.getMessage())
                            .isEqualTo("unable to find target container \"one\": it does not run");
                });
        assertThat(fixture.phase("two")).isEqualTo("Running");
    }

    @Test
    void anImageThatIsBeingPulledForItHoldsNobodyUp() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.runtime.hold("PullImage");
        EphemeralContainer slow = debugger("look", null);
        slow.setImage("slow");
        debug(slow);
        fixture.advance(Duration.ofSeconds(5));
        fixture.runtime.exit("main", 1);
        fixture.advance(Duration.ofSeconds(5));

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"api", "file"})
    void theNextAgentKnowsItAndAnEditOfTheManifestKeepsIt(String source) throws Exception {
        Pod pod = EngineFixture.filePod("web", "uid-1", "Always");
        if (source.equals("api")) {
            fixture.create(EngineFixture.pod("web", "Always"));
        } else {
            fixture.apply(pod);
        }
        debug(debugger("look", "main"));
        String id = status().getContainerID();

        fixture.restartAgent();
        if (source.equals("api")) {
            fixture.apply();
        } else {
            Pod edited = EngineFixture.filePod("web", "uid-2", "Always");
            edited.getMetadata().setLabels(java.util.Map.of("a", "b"));
            fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
            fixture.apply(edited);
        }
        fixture.advance(Duration.ofMinutes(1));

        assertThat(status().getContainerID()).isEqualTo(id);
        assertThat(status().getState().getRunning()).isNotNull();
        assertThat(fixture.status("web").getRestartCount()).isZero();
    }

    @Test
    void whatIsWrongIsRefused() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        assertThat(refusal(debugger("main", null)))
                .contains("spec.ephemeralContainers[0].name: Duplicate value: \"main\"");
        assertThat(refusal(debugger("look", "none")))
                .contains("spec.ephemeralContainers[0].targetContainerName: Not found: \"none\"");
        assertThat(refusal(new EphemeralContainerBuilder(debugger("look", null))
                        .withImage("")
                        .withNewLifecycle()
                        .endLifecycle()
                        .build()))
                .contains("spec.ephemeralContainers[0].image: Required value")
                .contains("spec.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container");

        debug(debugger("look", null));
        assertThat(refusal()).contains("existing ephemeral containers \"look\" may not be removed");
        assertThat(refusal(debugger("look", "main")))
                .contains("existing ephemeral containers \"look\" may not be changed");
        assertThat(fixture.engine.debug("default", "none", List.of())).isEqualTo(Optional.empty());
    }

    private String refusal(EphemeralContainer... wanted) {
        return String.valueOf(assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.debug("default", "web", List.of(wanted)))
                .actual()
                .getMessage());
    }
}
