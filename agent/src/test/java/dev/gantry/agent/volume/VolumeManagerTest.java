package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Mount;
import dev.gantry.linux.Linux;
import dev.gantry.testing.FakeClock;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeManagerTest {
    @TempDir
    Path directory;

    private final FakeClock clock = new FakeClock();
    private final FakeHostMounts mounts = new FakeHostMounts();
    private final ManifestObjects objects = new ManifestObjects();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final List<String> events = new ArrayList<>();
    private boolean full;
    private VolumeManager manager;

    @BeforeEach
    void open() {
        VolumeSetUp setUp = new VolumeSetUp(
                new EmptyDirs(mounts, new DiskImages(mounts, List.of()), Map.of()),
                new ContentVolumes(mounts, objects, Map.of(), clock),
                new ClaimedVolumes(objects, new ClaimBindings(directory.resolve("claims")), selector -> true),
                Linux.system().files(),
                (pod, container, warning, reason, message) -> events.add(reason + ": " + message),
                clock);
        manager = new VolumeManager(
                directory,
                mounts,
                setUp,
                Linux.system().files(),
                (pod, container, warning, reason, message) -> events.add(reason + ": " + message),
                task -> {
                    if (full) {
                        throw new RejectedExecutionException("full");
                    }
                    tasks.add(task);
                },
                clock.timers());
        objects.replace(List.of(config("one")));
    }

    private static io.fabric8.kubernetes.api.model.ConfigMap config(String value) {
        return new ConfigMapBuilder()
                .withKind("ConfigMap")
                .withNewMetadata()
                .withNamespace("default")
                .withName("app")
                .endMetadata()
                .addToData("a", value)
                .build();
    }

    @Test
    void mountsComeInTheOrderOfTheContainer() throws Exception {
        CompletableFuture<List<Mount>> result = mounts(pod());

        runAll();

        Path volumes = directory.resolve("uid-1/volumes");
        assertThat(result.get())
                .extracting(Mount::getContainerPath, Mount::getHostPath, Mount::getReadonly)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                "/data",
                                volumes.resolve("kubernetes.io~empty-dir/data").toString(),
                                false),
                        org.assertj.core.groups.Tuple.tuple(
                                "/config",
                                volumes.resolve("kubernetes.io~configmap/config")
                                        .toString(),
                                true),
                        org.assertj.core.groups.Tuple.tuple(
                                "/sub",
                                directory
                                        .resolve("uid-1/volume-subpaths/data/main/2")
                                        .toString(),
                                false));
        assertThat(mounts.calls).containsExactly("bind data sub");
        assertThat(clock.nextTask()).as("the deadline").isNull();
    }

    @Test
    void whatDoesNotAnswerIsGivenUpWithTheNamesOfItsVolumes() {
        CompletableFuture<List<Mount>> result = mounts(pod());

        clock.advance(VolumeManager.PATIENCE.minus(Duration.ofMillis(1)));
        assertThat(result).isNotDone();
        clock.advance(Duration.ofMillis(1));

        String message = "Unable to attach or mount volumes: unmounted volumes=[config data], unattached volumes=[],"
                + " failed to process volumes=[]: timed out waiting for the condition";
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(result::get)
                .withCauseInstanceOf(MountFailedException.class)
                .withMessageContaining(message);
        assertThat(events).containsExactly("FailedMount: " + message);
    }

    @Test
    void workThatWasGivenUpIsNotBegun() {
        CompletableFuture<List<Mount>> result = mounts(pod());

        result.cancel(false);
        runAll();

        assertThat(directory).isEmptyDirectory();
        assertThat(clock.nextTask()).isNull();
    }

    @Test
    void aMissingObjectFailsItsVolumeWithAnEventAndTheNextTryFindsIt() throws Exception {
        objects.replace(List.of());
        CompletableFuture<List<Mount>> failed = mounts(pod());
        runAll();

        String message = "MountVolume.SetUp failed for volume \"config\" : configmap \"app\" not found in namespace"
                + " \"default\"; put a document of it beside the manifests, or mark it optional";
        assertThat(events).containsExactly("FailedMount: " + message);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(failed::get)
                .withCauseInstanceOf(MountFailedException.class)
                .withMessageContaining(message);

        objects.replace(List.of(config("one")));
        CompletableFuture<List<Mount>> again = mounts(pod());
        runAll();
        assertThat(again.get()).hasSize(3);
    }

    @Test
    void withoutAFreeThreadItIsSaidAtOnce() {
        full = true;

        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> mounts(pod()).get())
                .withMessageContaining("no thread is free to set it up: too many volumes wait for file systems");
        assertThat(clock.nextTask()).isNull();
    }

    @Test
    void onlyWhatIsSetUpIsShownAnew() {
        Path file = directory.resolve("uid-1/volumes/kubernetes.io~configmap/config/a");
        manager.refresh(pod());
        runAll();
        assertThat(file).doesNotExist();

        mounts(pod());
        runAll();
        assertThat(file).hasContent("one");

        objects.replace(List.of(config("two")));
        manager.refresh(pod());
        runAll();
        assertThat(file).hasContent("two");
    }

    @Test
    void whatIsMountedAfterThePodHasGoneGoesToo() throws Exception {
        Files.createDirectories(directory.resolve("uid-1"));
        mounts(pod());
        tasks.remove().run();
        manager.remove("uid-1");

        mounts.mounted.add(directory.resolve("uid-1/late"));
        runAll();

        assertThat(mounts.mounted).isEmpty();
    }

    private CompletableFuture<List<Mount>> mounts(Pod pod) {
        return manager.mounts(
                new MountRequest(pod, pod.getSpec().getContainers().get(0), Map.of(), Map.of(), false));
    }

    private void runAll() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private static Pod pod() {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName("web")
                .withUid("uid-1")
                .endMetadata()
                .withNewSpec()
                .addToVolumes(new VolumeBuilder()
                        .withName("data")
                        .withNewEmptyDir()
                        .endEmptyDir()
                        .build())
                .addToVolumes(new VolumeBuilder()
                        .withName("config")
                        .withNewConfigMap()
                        .withName("app")
                        .endConfigMap()
                        .build())
                .addNewContainer()
                .withName("main")
                .addToVolumeMounts(new VolumeMountBuilder()
                        .withName("data")
                        .withMountPath("/data")
                        .build())
                .addToVolumeMounts(new VolumeMountBuilder()
                        .withName("config")
                        .withMountPath("/config")
                        .build())
                .addToVolumeMounts(new VolumeMountBuilder()
                        .withName("data")
                        .withMountPath("/sub")
                        .withSubPath("sub")
                        .build())
                .endContainer()
                .endSpec()
                .build();
    }
}
