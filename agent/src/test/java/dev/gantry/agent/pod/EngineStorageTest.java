package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.storage.StorageWatch;
import dev.gantry.agent.volume.VolumeManager;
import dev.gantry.linux.Linux;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of pods that take more of the disk than they may. */
class EngineStorageTest extends EngineTest {
    private static final String MESSAGE =
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ";
    private static final long MUCH = 3 << 20;

    private StorageWatch watch;

    @BeforeEach
    void watch() {
        fixture.apply();
        watch = new StorageWatch(
                        () -> fixture.engine.limitedPods(),
                        id -> fixture.engine.writableBytes(id),
                        (uid, message) -> fixture.engine.evict(uid, message),
                        Linux.system().files(),
                        Runnable::run)
                .start(fixture.clock.timers());
    }

    @AfterEach
    void close() {
        watch.close();
    }

    private static Pod pod(String name, String more) {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  terminationGracePeriodSeconds: 600
                  volumes: [{name: work, emptyDir: {}}]
                  %s
                  containers:
                  - name: %s
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    resources: {limits: {ephemeral-storage: 1Mi}}
                """.formatted(name, more, name));
        pod.getMetadata().setUid("uid-" + name);
        return pod;
    }

    private List<String> evictions() {
        return fixture.engine.events().stream()
                .filter(event -> event.getReason().equals("Evicted"))
                .map((Event event) -> event.getType() + " "
                        + event.getInvolvedObject().getName() + " x" + event.getCount() + ": " + event.getMessage())
                .toList();
    }

    private void look() {
        fixture.advance(StorageWatch.PERIOD);
    }

    @Test
    void aPodThatTakesTooMuchFailsOnceAndForGoodAndOthersGoOn() {
        fixture.create(pod("greedy", ""));
        fixture.create(pod("modest", ""));
        fixture.runtime.usesDisk("modest", 1 << 19);
        look();
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("greedy", "modest");

        fixture.runtime.stopTakes(Duration.ofSeconds(20));
        fixture.runtime.usesDisk("greedy", MUCH);
        look();
        look();
        look();

        assertThat(evictions()).containsExactly("Warning greedy x1: " + MESSAGE);
        assertThat(fixture.phase("greedy")).isEqualTo("Failed");
        assertThat(fixture.shown("greedy").getStatus().getReason()).isEqualTo("Evicted");
        assertThat(fixture.shown("greedy").getStatus().getMessage()).isEqualTo(MESSAGE);
        assertThat(fixture.runtime.runningNames()).containsExactly("modest");
        fixture.restartAgent();
        fixture.apply();
        look();
        assertThat(fixture.phase("greedy")).isEqualTo("Failed");
        assertThat(fixture.shown("greedy").getStatus().getReason()).isEqualTo("Evicted");
        assertThat(fixture.shown("greedy").getStatus().getMessage()).isEqualTo(MESSAGE);
        assertThat(evictions()).hasSize(1);
        assertThat(fixture.runtime.runningNames()).containsExactly("modest");
    }

    @Test
    void itEndsWithinASecondWhateverItsOwnGrace() {
        fixture.create(pod("greedy", ""));
        fixture.runtime.stopTakes(Duration.ofSeconds(60));
        fixture.runtime.usesDisk("greedy", MUCH);
        look();
        fixture.advance(Duration.ofSeconds(2));

        assertThat(fixture.phase("greedy")).isEqualTo("Failed");
    }

    @Test
    void volumesCountButNotWhatLinksInThemLeadTo() throws Exception {
        fixture.create(pod("app", ""));
        Path work = fixture.engine.limitedPods().get(0).emptyDirs().get(0);
        Path elsewhere = Files.createDirectories(directory.resolve("elsewhere"));
        Files.write(elsewhere.resolve("file"), new byte[(int) MUCH]);
        Files.createDirectories(work);
        Files.createSymbolicLink(work.resolve("directory"), elsewhere);
        Files.createSymbolicLink(work.resolve("file"), elsewhere.resolve("file"));
        look();
        assertThat(evictions()).isEmpty();

        Files.write(Files.createDirectories(work.resolve("deep/er")).resolve("file"), new byte[(int) MUCH]);
        look();

        assertThat(evictions()).containsExactly("Warning app x1: " + MESSAGE);
    }

    @Test
    void ofAPodsVolumesThoseAreCountedThatAreItsOwnAndOnDisk() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: app, uid: u-1}
                spec:
                  volumes:
                  - {name: work, emptyDir: {}}
                  - {name: limited, emptyDir: {sizeLimit: 1Mi}}
                  - {name: quick, emptyDir: {medium: Memory}}
                  - {name: host, hostPath: {path: /srv}}
                  containers: [{name: app, image: busybox}]
                """);

        assertThat(VolumeManager.emptyDirsOnDisk(Path.of("/pods"), pod))
                .containsExactly(
                        Path.of("/pods/u-1/volumes/kubernetes.io~empty-dir/work"),
                        Path.of("/pods/u-1/volumes/kubernetes.io~empty-dir/limited"));
    }

    @Test
    void logsCountWithThoseBeforeThem() throws Exception {
        fixture.create(pod("app", ""));
        Path logs = Path.of(fixture.engine.runningContainers().get(0).logPath(), "..")
                .normalize();
        Files.createDirectories(logs);
        Files.write(logs.resolve("0.log.20260101-000000"), new byte[(int) MUCH]);
        look();

        assertThat(evictions()).containsExactly("Warning app x1: " + MESSAGE);
    }

    @Test
    void staticAndCriticalPodsStayAndOneThatIsBeingDeletedIsNotToldAgain() throws Exception {
        fixture.apply(pod("static", ""));
        fixture.create(pod("critical", "priorityClassName: system-node-critical"));
        fixture.create(pod("leaving", ""));
        fixture.runtime.usesDisk("static", MUCH);
        fixture.runtime.usesDisk("critical", MUCH);
        fixture.runtime.usesDisk("leaving", MUCH);
        fixture.runtime.stopTakes(Duration.ofSeconds(60));
        fixture.engine.delete("default", "leaving", OptionalLong.of(100));
        look();
        fixture.engine.evict("uid-static", MESSAGE);
        fixture.run();

        assertThat(evictions()).isEmpty();
        assertThat(fixture.phase("static")).isEqualTo("Running");
        assertThat(fixture.phase("critical")).isEqualTo("Running");
    }
}
