package dev.gantry.agent.pod;

import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import dev.gantry.testing.FakeClock;
import dev.gantry.testing.FakeRuntime;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An engine over a fake runtime, with a clock and an executor that a test drives. */
final class EngineFixture implements AutoCloseable {
    final FakeClock clock = new FakeClock();
    final FakeRuntime runtime = new FakeRuntime(clock);
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Path directory;
    NodeFacts node = new NodeFacts("node-1", List.of("192.0.2.1"), 8L << 30, 4);
    PodCgroups cgroups = PodCgroups.OF_THE_RUNTIME;
    CriPodEngine engine;

    /** The probes that an engine is to have, given where it records its events. */
    interface Probing {
        PodProbes.Factory of(EventStore events, FakeClock clock);
    }

    private final @Nullable Probing probing;

    EngineFixture(Path directory) {
        this(directory, null);
    }

    /** With other probes than those that a test says the findings of. */
    EngineFixture(Path directory, @Nullable Probing probing) {
        this.directory = directory;
        this.probing = probing;
        runtime.addImage("busybox");
        engine = open();
    }

    final FakeProbes probes = new FakeProbes();
    final FakeHooks hooks = new FakeHooks();

    CriPodEngine open() {
        PodPaths paths =
                new PodPaths(directory.resolve("pods"), directory.resolve("logs"), directory.resolve("seccomp"));
        EventStore events = EventStore.open(directory.resolve("events"), "node-1", clock, tasks::add, clock.timers());
        PodEngineSettings settings = new PodEngineSettings(
                node,
                paths,
                directory.resolve("resolv.conf"),
                PodDns.NONE,
                NodePolicy.of("node-1"),
                "",
                CrashLoop.KUBELET,
                Set.of(PodSource.FILE, PodSource.API),
                events,
                probing == null ? probes : probing.of(events, clock),
                hooks,
                clock,
                tasks::add,
                tasks::add,
                clock.timers());
        return CriPodEngine.open(settings, runtime.channel(), cgroups);
    }

    /** As if the agent were killed and started again. */
    void restartAgent() {
        engine.close();
        run();
        engine = open();
        run();
    }

    /** Runs what waits until nothing does. */
    void run() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    void advance(Duration duration) {
        java.time.Instant end = clock.instant().plus(duration);
        while (true) {
            run();
            java.time.Instant next = clock.nextTask();
            if (next == null || next.isAfter(end)) {
                break;
            }
            clock.advance(Duration.between(clock.instant(), next));
        }
        clock.advance(Duration.between(clock.instant(), end));
        run();
    }

    static Pod pod(String text) {
        DecodedManifest manifest = ManifestDecoder.decode("pod.yaml", text.getBytes(StandardCharsets.UTF_8));
        if (!manifest.errors().isEmpty()) {
            throw new IllegalArgumentException(manifest.errors().toString());
        }
        return manifest.pods().get(0).pod();
    }

    /** A pod that exists, as it would come back from an editor. */
    static Pod present(String text) {
        DecodedManifest manifest = ManifestDecoder.decodePresent("pod.yaml", text.getBytes(StandardCharsets.UTF_8));
        if (!manifest.errors().isEmpty()) {
            throw new IllegalArgumentException(manifest.errors().toString());
        }
        return manifest.pods().get(0).pod();
    }

    /** One container {@code main} of the image busybox. */
    static Pod pod(String name, String restartPolicy) {
        return pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  restartPolicy: %s
                  containers:
                  - {name: main, image: busybox, imagePullPolicy: IfNotPresent}
                """.formatted(name, restartPolicy));
    }

    static Pod filePod(String name, String uid, String restartPolicy) {
        Pod pod = pod(name, restartPolicy);
        pod.getMetadata().setUid(uid);
        return pod;
    }

    void create(Pod pod) {
        try {
            engine.create(pod);
        } catch (PodRejectedException e) {
            throw new IllegalArgumentException(e);
        }
        run();
    }

    void apply(Pod... pods) {
        engine.apply(PodSource.FILE, List.of(pods));
        run();
    }

    Pod shown(String name) {
        return engine.pod("default", name).orElseThrow(() -> new IllegalStateException("no pod " + name));
    }

    String phase(String name) {
        return shown(name).getStatus().getPhase();
    }

    ContainerStatus status(String name) {
        return shown(name).getStatus().getContainerStatuses().get(0);
    }

    /** {@code reason xcount}, in the order of last occurrence. */
    List<String> events() {
        return engine.events().stream()
                .map((Event event) -> event.getReason() + " x" + event.getCount())
                .toList();
    }

    @Override
    public void close() {
        engine.close();
        run();
        runtime.close();
    }
}
