package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.hook.HookResult;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What an earlier agent left: pods go on where they stand, and what nobody wants goes. */
class PodAdoptionTest extends EngineTest {
    @Test
    void aRunningPodIsAdoptedUntouched() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.create(EngineFixture.pod("api", "Always"));
        List<String> ids = fixture.runtime.runningIds();
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.advance(Duration.ofMinutes(5));

        assertThat(fixture.runtime.runningIds()).isEqualTo(ids);
        assertThat(fixture.runtime.calls()).isEmpty();
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.phase("api")).isEqualTo("Running");
    }

    @Test
    void adoptionIsOverWhenEveryPodIsShownAsItStands() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.create(EngineFixture.pod("api", "Always"));
        fixture.engine.close();
        fixture.run();
        fixture.engine = fixture.open();
        List<String> phases = new ArrayList<>();

        fixture.engine.apply(
                PodSource.FILE,
                List.of(
                        EngineFixture.filePod("web", "uid-1", "Always"),
                        EngineFixture.filePod("new", "uid-2", "Always")));
        phases.add(fixture.phase("web"));
        fixture.engine.adopted().thenRun(() -> phases.addAll(List.of(fixture.phase("web"), fixture.phase("api"))));
        fixture.run();

        assertThat(phases).containsExactly("Pending", "Running", "Running");
    }

    @Test
    void withNothingToAdoptAdoptionIsOverWhenTheRuntimeHasAnswered() {
        fixture.engine.close();
        fixture.run();
        fixture.engine = fixture.open();

        CompletableFuture<Void> adopted = fixture.engine.adopted();
        fixture.run();

        assertThat(adopted).isCompleted();
    }

    @Test
    void backOffAndRestartCountOutliveTheAgent() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.exit("main", 1);
        fixture.run();
        fixture.runtime.exit("main", 2);
        fixture.run();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("CrashLoopBackOff");
        assertThat(fixture.status("web").getLastState().getTerminated().getExitCode())
                .isEqualTo(2);
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(2);
        fixture.runtime.exit("main", 3);
        fixture.run();
        assertThat(fixture.status("web").getState().getWaiting().getMessage()).startsWith("back-off 20s");
    }

    @Test
    void theAgeOfAFilesPodOutlivesTheAgent() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        String created = fixture.shown("web").getMetadata().getCreationTimestamp();
        fixture.advance(Duration.ofHours(2));

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        assertThat(fixture.shown("web").getMetadata().getCreationTimestamp()).isEqualTo(created);
        assertThat(fixture.shown("web").getStatus().getStartTime()).isEqualTo(created);
    }

    @Test
    void eventsOutliveTheAgent() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.advance(Duration.ofSeconds(2));
        List<String> before = fixture.events();

        fixture.restartAgent();

        assertThat(before).contains("Started x1");
        assertThat(fixture.events()).isEqualTo(before);
        assertThat(Files.readAllLines(directory.resolve("events"))).hasSize(before.size());
    }

    @Test
    void deletionGoesOnAfterARestartOfTheAgent() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofHours(1));
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.advance(Duration.ofSeconds(10));
        fixture.runtime.clearCalls();

        fixture.restartAgent();

        assertThat(fixture.runtime.calls()).contains("StopContainer main 20");
        fixture.advance(Duration.ofSeconds(20));
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void aTransientPodEndsWithItsAgent() {
        Pod pod = EngineFixture.pod("web", "Always");
        pod.getMetadata().setAnnotations(java.util.Map.of(PodEngine.TRANSIENT_ANNOTATION, "true"));
        fixture.create(pod);

        fixture.restartAgent();
        fixture.apply();

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void aManifestEditedWhileTheAgentWasAwayReplacesItsPod() {
        fixture.runtime.stopTakes(Duration.ofSeconds(1));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-2", "Always"));
        assertThat(fixture.phase("web")).isEqualTo("Pending");
        fixture.advance(Duration.ofSeconds(2));

        assertThat(fixture.runtime.calls())
                .containsExactly(
                        "StopContainer main 30",
                        "StopPodSandbox web",
                        "RemovePodSandbox web",
                        "RunPodSandbox web 0",
                        "CreateContainer main 0",
                        "StartContainer main");
    }

    @Test
    void whatNobodyWantsIsRemovedOnceEverySourceWasSeen() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"), EngineFixture.filePod("api", "uid-2", "Always"));
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.advance(Duration.ofMinutes(10));
        assertThat(fixture.runtime.runningNames()).hasSize(2);

        fixture.apply(EngineFixture.filePod("api", "uid-2", "Always"));
        assertThat(fixture.runtime.calls())
                .containsExactly("StopContainer main 30", "StopPodSandbox web", "RemovePodSandbox web");
        assertThat(fixture.runtime.runningNames()).hasSize(1);
    }

    @Test
    void aPodWhoseManifestWentMeanwhileEndsAsItWouldHave() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  terminationGracePeriodSeconds: 20
                  initContainers:
                  - {name: proxy, image: busybox, imagePullPolicy: IfNotPresent, restartPolicy: Always}
                  containers:
                  - name: main
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    lifecycle: {preStop: {exec: {command: [drain]}}}
                """);
        pod.getMetadata().setUid("uid-1");
        fixture.apply(pod);
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.apply();
        assertThat(fixture.runtime.calls()).as("the hook runs").isEmpty();
        assertThat(fixture.hooks.last().timeout()).isEqualTo(Duration.ofSeconds(20));
        fixture.advance(Duration.ofSeconds(5));
        fixture.hooks.last().result().complete(HookResult.SUCCEEDED);
        fixture.run();

        assertThat(fixture.runtime.calls())
                .containsExactly(
                        "StopContainer main 15",
                        "StopContainer proxy 15",
                        "StopPodSandbox web",
                        "RemovePodSandbox web");
        assertThat(directory.resolve("pods")).isEmptyDirectory();
    }

    @Test
    void whatPodsLeftThatEndedWithoutAnAgentIsRemovedOnceAllSourcesAreKnown() throws Exception {
        fixture.create(EngineFixture.pod("kept", "Always"));
        String uid = fixture.shown("kept").getMetadata().getUid();
        Path kept =
                Files.createDirectories(directory.resolve("pods").resolve(uid).resolve("volumes"));
        Path left = Files.createDirectories(directory.resolve("pods/gone/volumes/kubernetes.io~empty-dir/a"));
        Path log = Files.createDirectories(directory.resolve("logs/default_old_gone/main"));
        Path unreadable = Files.createDirectories(directory.resolve("pods/unreadable"));
        Files.writeString(unreadable.resolve("pod.json"), "{");

        fixture.restartAgent();
        assertThat(left).exists();
        fixture.apply();

        assertThat(directory.resolve("pods/gone")).doesNotExist();
        assertThat(log).doesNotExist();
        assertThat(kept).exists();
        assertThat(unreadable).exists();
    }
}
