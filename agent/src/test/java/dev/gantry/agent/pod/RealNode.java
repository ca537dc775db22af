package dev.gantry.agent.pod;

import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.VersionRequest;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** The engine over a real runtime below a temporary directory, and the few steps that tests of it need. */
final class RealNode {
    static final String IMAGE = TestRuntime.IMAGE;

    private final Path directory;
    private final BlockingQueue<PodChange> changes = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> eventTexts = new LinkedBlockingQueue<>();
    private final ExecutorService pool = Executors.newFixedThreadPool(2);
    private final ExecutorService blocking = Executors.newCachedThreadPool();
    private final ScheduledExecutorService timers = Executors.newSingleThreadScheduledExecutor();
    private final TestRuntime runtime;
    private final CriPodEngine engine;

    RealNode(Path directory, TestRuntime.Factory runtimes, NodePolicy policy, PodDns dns) throws Exception {
        this.directory = directory;
        runtime = runtimes.open(directory);
        engine = CriPodEngine.open(
                new PodEngineSettings(
                        runtime.node(),
                        new PodPaths(directory.resolve("pods"), directory.resolve("logs"), seccomp()),
                        Path.of("/etc/resolv.conf"),
                        dns,
                        policy,
                        "",
                        CrashLoop.KUBELET,
                        Set.of(PodSource.FILE, PodSource.API),
                        EventStore.open(directory.resolve("events"), "node-1", InstantSource.system(), pool, timers),
                        PodProbes.Factory.NONE,
                        new FakeHooks(),
                        InstantSource.system(),
                        pool,
                        blocking,
                        timers),
                runtime.channel(),
                PodCgroups.OF_THE_RUNTIME);
        engine.watch(changes::add);
        engine.watchEvents(event -> eventTexts.add(text(event)));
    }

    Path seccomp() {
        return directory.resolve("seccomp");
    }

    Path pods() {
        return directory.resolve("pods");
    }

    CriPodEngine engine() {
        return engine;
    }

    /** A pod of containers that sleep, of the manifest's further fields; restartPolicy Never. */
    Pod create(String spec) throws Exception {
        return engine.create(EngineFixture.pod("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
                + "  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n" + spec.indent(2)));
    }

    Pod awaitRunning(String container) throws InterruptedException {
        return await(pod -> status(pod, container).getState().getRunning() != null);
    }

    /** The first state of the pod that is as wanted. */
    Pod await(Predicate<Pod> wanted) throws InterruptedException {
        for (Pod pod : engine.pods()) {
            if (wanted.test(pod)) {
                return pod;
            }
        }
        while (true) {
            PodChange change = changes.poll(20, TimeUnit.SECONDS);
            if (change == null) {
                throw new AssertionError("did not come; states: "
                        + engine.pods().stream().map(Pod::getStatus).toList() + ", events: " + events());
            }
            if (wanted.test(change.pod())) {
                return change.pod();
            }
        }
    }

    List<String> events() {
        return engine.events().stream().map(RealNode::text).toList();
    }

    private static String text(Event event) {
        return event.getReason() + ": " + event.getMessage();
    }

    /** Until an event has happened whose reason and message begin so. */
    void awaitEvent(String text) throws InterruptedException {
        for (String seen = ""; !seen.startsWith(text); ) {
            seen = eventTexts.poll(20, TimeUnit.SECONDS);
            if (seen == null) {
                throw new AssertionError("no event '" + text + "' among " + events());
            }
        }
    }

    static ContainerStatus status(Pod pod, String container) {
        return pod.getStatus().getContainerStatuses().stream()
                .filter(status -> status.getName().equals(container))
                .findFirst()
                .orElseGet(() -> {
                    ContainerStatus empty = new ContainerStatus();
                    empty.setState(new io.fabric8.kubernetes.api.model.ContainerState());
                    return empty;
                });
    }

    /** What a script inside the container writes to both outputs. */
    String shell(Pod pod, String container, String script) {
        ExecSyncResponse response = RuntimeServiceGrpc.newBlockingStub(runtime.channel())
                .execSync(ExecSyncRequest.newBuilder()
                        .setContainerId(status(pod, container).getContainerID().replaceFirst(".*://", ""))
                        .addAllCmd(List.of("/bin/sh", "-c", script))
                        .setTimeout(30)
                        .build());
        return response.getStdout().toStringUtf8() + response.getStderr().toStringUtf8();
    }

    /** Minor version of a runtime whose major version is 1. */
    int minorVersion() {
        String version = RuntimeServiceGrpc.newBlockingStub(runtime.channel())
                .version(VersionRequest.getDefaultInstance())
                .getRuntimeVersion();
        return Integer.parseInt(version.split("\\.")[1]);
    }

    /** Whether the runtime says that its default handler can give a pod users of its own. */
    boolean hasUserNamespaces() {
        return RuntimeServiceGrpc.newBlockingStub(runtime.channel())
                .status(StatusRequest.getDefaultInstance())
                .getRuntimeHandlersList()
                .stream()
                .anyMatch(handler ->
                        handler.getName().isEmpty() && handler.getFeatures().getUserNamespaces());
    }

    void delete() throws Exception {
        engine.delete("default", "web", OptionalLong.of(0));
        awaitNone();
    }

    /** Until no pod is left. */
    void awaitNone() throws InterruptedException {
        while (!engine.pods().isEmpty()) {
            if (changes.poll(20, TimeUnit.SECONDS) == null) {
                throw new AssertionError("was not deleted: " + engine.pods());
            }
        }
    }

    void close() throws Exception {
        if (!engine.pods().isEmpty()) {
            delete();
        }
        engine.close();
        runtime.close();
        pool.shutdownNow();
        blocking.shutdownNow();
        timers.shutdownNow();
    }
}
