package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.hook.LifecycleHooks;
import dev.gantry.agent.probe.CriExecRunner;
import dev.gantry.agent.probe.ProbeLoop;
import dev.gantry.agent.probe.ProbeManager;
import dev.gantry.agent.probe.ProbeRecords;
import dev.gantry.probes.ExecRunner;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine over a real runtime: what the fake promises, the kernel keeps. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class PodLifecycleIT {
    /** Between two looks at what no change tells of. */
    private static final long PAUSE_NANOS = 2_000_000;

    @TempDir
    Path directory;

    private final BlockingQueue<PodChange> changes = new LinkedBlockingQueue<>();
    private ExecutorService pool;
    private ScheduledExecutorService timers;
    private TestRuntime runtime;
    private ProbeLoop loop;
    private CriPodEngine engine;

    TestRuntime.Factory runtimes() {
        return TestRuntime::gantry;
    }

    @BeforeEach
    void open() throws Exception {
        pool = Executors.newFixedThreadPool(2);
        timers = Executors.newSingleThreadScheduledExecutor();
        runtime = runtimes().open(directory);
        start();
    }

    private void start() throws Exception {
        EventStore events =
                EventStore.open(directory.resolve("events"), "node-1", InstantSource.system(), pool, timers);
        ExecRunner exec = new CriExecRunner(new CriRuntime(runtime.channel()));
        loop = new ProbeLoop(exec);
        PodPaths paths =
                new PodPaths(directory.resolve("pods"), directory.resolve("logs"), directory.resolve("seccomp"));
        engine = CriPodEngine.open(
                new PodEngineSettings(
                        runtime.node(),
                        paths,
                        Path.of("/etc/resolv.conf"),
                        PodDns.NONE,
                        NodePolicy.of("node-1"),
                        "",
                        CrashLoop.KUBELET,
                        Set.of(PodSource.FILE, PodSource.API),
                        events,
                        new ProbeManager(
                                loop,
                                "192.0.2.1",
                                new ProbeRecords(paths.pods()::resolve),
                                events,
                                InstantSource.system(),
                                pool,
                                new SplittableRandom(1)),
                        new LifecycleHooks(exec, loop, timers, events),
                        InstantSource.system(),
                        pool,
                        pool,
                        timers),
                runtime.channel(),
                PodCgroups.OF_THE_RUNTIME);
        engine.watch(changes::add);
    }

    @AfterEach
    void close() throws Exception {
        for (Pod pod : engine.pods()) {
            engine.delete(pod.getMetadata().getNamespace(), pod.getMetadata().getName(), OptionalLong.of(0));
        }
        engine.apply(PodSource.FILE, List.of());
        await(change -> engine.pods().isEmpty());
        engine.close();
        loop.close();
        runtime.close();
        pool.shutdownNow();
        timers.shutdownNow();
    }

    @Test
    void aPodRunsIsRestartedAdoptedAndDeleted() throws Exception {
        engine.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  terminationGracePeriodSeconds: 3
                  containers:
                  - name: main
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command: [sh, -c, 'echo started as $(NAME); trap "exit 0" TERM; while true; do sleep 0.1; done']
                    env: [{name: NAME, value: web}]
                    resources: {requests: {cpu: 10m}, limits: {memory: 64Mi}}
                  - name: once
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command: [sh, -c, 'echo farewell > /dev/termination-log; sleep 0.2; exit 7']
                  - name: loud
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    terminationMessagePolicy: FallbackToLogsOnError
                    command: [sh, -c, 'echo last words; exit 3']
                """));

        Pod running = await(change -> isRunning(change.pod(), "main"));
        assertThat(running.getStatus().getPodIP()).startsWith("10.");
        Pod restarted = await(change -> status(change.pod(), "once").getRestartCount() == 1
                && isWaiting(change.pod(), "once", "CrashLoopBackOff"));
        assertThat(status(restarted, "once").getLastState().getTerminated().getExitCode())
                .isEqualTo(7);
        assertThat(status(restarted, "once").getLastState().getTerminated().getMessage())
                .isEqualTo("farewell\n");
        Pod spoken = await(change -> isWaiting(change.pod(), "loud", "CrashLoopBackOff"));
        assertThat(status(spoken, "loud").getLastState().getTerminated().getMessage())
                .isEqualTo("last words\n");
        ContainerRef main = engine.container("default", "web", "main", false);
        assertThat(Files.readString(main.logPath())).endsWith(" stdout F started as web\n");

        stop();
        changes.clear();
        runtime.startAgain();
        start();

        await(change -> isRunning(change.pod(), "main"));
        ContainerRef adopted = engine.container("default", "web", "main", false);
        assertThat(adopted.id()).isEqualTo(main.id());

        engine.delete("default", "web", OptionalLong.empty());
        await(change -> change.type() == PodChange.Type.DELETED);
        assertThat(engine.pods()).isEmpty();
        assertThat(directory.resolve("logs")).isEmptyDirectory();
    }

    /** The agent ends, and with it, or beside it, the runtime. */
    private void stop() throws Exception {
        engine.close();
        loop.close();
        runtime.die();
    }

    @Test
    void probesAndHooksOfARealPod() throws Exception {
        engine.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata:
                  name: web
                  annotations:
                    gantry.dev/probe-timings: >
                      {"main": {"liveness": {"periodMilliseconds": 50}, "readiness": {"periodMilliseconds": 50},
                      "startup": {"periodMilliseconds": 50}}}
                spec:
                  terminationGracePeriodSeconds: 5
                  volumes: [{name: seen, hostPath: {path: %s, type: DirectoryOrCreate}}]
                  containers:
                  - name: main
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command: [sh, -c, 'trap "exit 0" TERM; while :; do sleep 0.05; done']
                    ports: [{name: web, containerPort: 8080}]
                    volumeMounts: [{name: seen, mountPath: /seen}]
                    lifecycle:
                      postStart: {exec: {command: [sh, -c, 'echo started >> /seen/hooks; touch /seen/alive']}}
                      preStop: {exec: {command: [sh, -c, 'echo stopping >> /seen/hooks']}}
                    startupProbe: {exec: {command: [cat, /seen/alive]}}
                    livenessProbe: {exec: {command: [cat, /seen/alive]}, failureThreshold: 2}
                    readinessProbe: {httpGet: {port: web, path: /index.html}}
                """.formatted(directory.resolve("seen"))));

        Pod started =
                await(change -> Boolean.TRUE.equals(status(change.pod(), "main").getStarted()));
        assertThat(status(started, "main").getReady()).isFalse();
        ContainerRef main = engine.container("default", "web", "main", false);
        exec(main.id(), "mkdir -p /www && echo hello > /www/index.html && httpd -p 8080 -h /www");
        await(change -> Boolean.TRUE.equals(status(change.pod(), "main").getReady()));

        stop();
        changes.clear();
        runtime.startAgain();
        start();
        Pod adopted = await(change -> isRunning(change.pod(), "main"));
        assertThat(status(adopted, "main").getReady()).as("stays ready").isTrue();

        Files.delete(directory.resolve("seen/alive"));
        Pod restarted = await(change -> status(change.pod(), "main").getRestartCount() == 1
                && Boolean.TRUE.equals(status(change.pod(), "main").getStarted()));
        assertThat(status(restarted, "main").getReady()).isFalse();
        assertThat(engine.events())
                .extracting(Event::getMessage)
                .contains(
                        "Container main failed liveness probe, will be restarted",
                        "Liveness probe failed: cat: can't open '/seen/alive': No such file or directory");
        engine.delete("default", "web", OptionalLong.empty());
        await(change -> change.type() == PodChange.Type.DELETED);
        assertThat(directory.resolve("seen/hooks")).hasContent("started\nstopping\nstarted\nstopping");
    }

    @Test
    void initContainersAndSidecarsOfARealPod() throws Exception {
        engine.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  terminationGracePeriodSeconds: 5
                  volumes: [{name: seen, hostPath: {path: %s, type: DirectoryOrCreate}}]
                  initContainers:
                  - name: first
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command: [sh, -c, 'echo first >> /seen/order']
                    volumeMounts: [{name: seen, mountPath: /seen}]
                  - name: proxy
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    restartPolicy: Always
                    command: [sh, -c, 'echo proxy >> /seen/order; trap "echo proxy ends >> /seen/order; exit 0" TERM; while :; do sleep 0.05; done']
                    lifecycle: {preStop: {exec: {command: [sh, -c, 'echo proxy hook >> /seen/order']}}}
                    volumeMounts: [{name: seen, mountPath: /seen}]
                  containers:
                  - name: main
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command: [sh, -c, 'echo main >> /seen/order; trap "until grep -q hook /seen/order; do sleep 0.05; done; echo main ends >> /seen/order; exit 0" TERM; while :; do sleep 0.05; done']
                    volumeMounts: [{name: seen, mountPath: /seen}]
                """.formatted(directory.resolve("seen"))));
        await(change -> isRunning(change.pod(), "main"));

        stop();
        changes.clear();
        runtime.startAgain();
        start();
        await(change -> isRunning(change.pod(), "main"));
        Path order = directory.resolve("seen/order");
        awaitLines(order, 3);
        engine.delete("default", "web", OptionalLong.empty());
        await(change -> change.type() == PodChange.Type.DELETED);

        assertThat(order).hasContent("first\nproxy\nmain\nproxy hook\nmain ends\nproxy ends");
    }

    @Test
    void serversThatMisbehaveAreNotReadyAndEventsSayWhy() throws Exception {
        StringBuilder clients = new StringBuilder();
        List.of(
                        "fails: {httpGet: {port: 8081}}",
                        "circles: {httpGet: {port: 8082}}",
                        "elsewhere: {httpGet: {port: 8083}}",
                        "hangs: {httpGet: {port: 8084}}",
                        "cut: {httpGet: {port: 8085}}",
                        "closed: {tcpSocket: {port: 8090}}",
                        "routeless: {tcpSocket: {port: 80, host: 255.255.255.255}}",
                        "open: {tcpSocket: {port: 8081}}",
                        "foreign: {grpc: {port: 8081}}")
                .forEach(line -> clients.append(
                        """
                          - name: %s
                            image: example.test/demo:1
                            imagePullPolicy: IfNotPresent
                            command: [sleep, "1000"]
                            readinessProbe: {periodSeconds: 1, timeoutSeconds: 1, initialDelaySeconds: 1, %s
                        """.formatted(line.substring(0, line.indexOf(':')), line.substring(line.indexOf('{') + 1))));
        engine.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: servers
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    command:
                    - sh
                    - -c
                    - |
                      mkdir -p /srv && cd /srv
                      server() {
                        printf '#!/bin/sh\\nread -r line\\n%s\\n' "$2" >$1
                        chmod +x $1
                        nc -ll -p $1 -e /srv/$1 &
                      }
                      server 8081 'printf "HTTP/1.1 500 no\\r\\nContent-Length: 0\\r\\n\\r\\n"'
                      server 8082 'printf "HTTP/1.1 301 no\\r\\nLocation: /\\r\\nContent-Length: 0\\r\\n\\r\\n"'
                      server 8083 'printf "HTTP/1.1 302 no\\r\\nLocation: http://other.test/\\r\\nContent-Length: 0\\r\\n\\r\\n"'
                      server 8084 'sleep 1000'
                      server 8085 'printf "HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nhalf"'
                      wait
                """ + clients));

        Map<String, String> reasons = Map.of(
                "fails", "Readiness probe failed: HTTP probe failed with statuscode: 500",
                "circles", "stopped after 10 redirects",
                "elsewhere", "Readiness probe warning: ",
                "hangs", "no answer within 1s",
                "cut", ":8085/\": connection reset by peer",
                "closed", ":8090: connection refused",
                "routeless", "dial tcp 255.255.255.255:80: no route to host",
                "foreign", "Readiness probe failed: ");
        awaitTrue(
                "events",
                () -> reasons.entrySet().stream().allMatch(reason -> said(reason.getKey(), reason.getValue())));
        Pod pod = await(change -> ready(change.pod(), "elsewhere") && ready(change.pod(), "open"));
        assertThat(pod.getStatus().getContainerStatuses().stream()
                        .filter(status -> Boolean.TRUE.equals(status.getReady()))
                        .map(ContainerStatus::getName))
                .containsExactlyInAnyOrder("servers", "elsewhere", "open");
    }

    /** Whether there is an event about a container with such a text. */
    private boolean said(String container, String text) {
        return engine.events().stream()
                .anyMatch(event -> event.getMessage().contains(text)
                        && event.getInvolvedObject().getFieldPath() != null
                        && event.getInvolvedObject().getFieldPath().endsWith("{" + container + "}"));
    }

    private static boolean ready(Pod pod, String container) {
        return Boolean.TRUE.equals(status(pod, container).getReady());
    }

    @Test
    void howContainersAreConfigured() throws Exception {
        engine.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  restartPolicy: Never
                  enableServiceLinks: true
                  containers:
                  - name: main
                    image: example.test/demo:1
                    imagePullPolicy: IfNotPresent
                    workingDir: /made/for/it
                    terminationMessagePath: /var/last-words
                    command: [sh, -c, 'pwd; env | sort; echo farewell >/var/last-words; sleep 2; exit 4']
                    env: [{name: A, value: a}, {name: B, value: "$(A)-$$(A)-$(C)"}]
                    lifecycle: {postStart: {sleep: {seconds: 1}}}
                """));
        await(change -> isRunning(change.pod(), "main"));
        ContainerRef main = engine.container("default", "web", "main", false);
        awaitLines(main.logPath(), 3);
        assertThat(Files.readString(main.logPath()))
                .contains(" stdout F /made/for/it\n", " stdout F A=a\n", " stdout F B=a-$(A)-$(C)\n")
                .doesNotContain("SERVICE");

        Pod ended = await(change -> status(change.pod(), "main").getState().getTerminated() != null);
        assertThat(status(ended, "main").getState().getTerminated().getExitCode())
                .isEqualTo(4);
        assertThat(status(ended, "main").getState().getTerminated().getMessage())
                .isEqualTo("farewell\n");
        engine.delete("default", "web", OptionalLong.of(0));
        await(change -> change.type() == PodChange.Type.DELETED);
    }

    private static void awaitLines(Path file, int count) throws Exception {
        awaitTrue(
                file.toString(),
                () -> Files.exists(file) && Files.readAllLines(file).size() >= count);
    }

    private static void awaitTrue(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("time for " + what).isLessThan(deadline);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void exec(String container, String script) throws Exception {
        var response = new CriRuntime(runtime.channel())
                .execSync(container, List.of("sh", "-c", script), Duration.ofSeconds(5))
                .get(10, TimeUnit.SECONDS);
        assertThat(response.getExitCode())
                .as(response.getStderr().toStringUtf8())
                .isZero();
    }

    private static boolean isRunning(Pod pod, String container) {
        ContainerStatus status = status(pod, container);
        return status.getState().getRunning() != null;
    }

    private static boolean isWaiting(Pod pod, String container, String reason) {
        ContainerStatus status = status(pod, container);
        return status.getState().getWaiting() != null
                && reason.equals(status.getState().getWaiting().getReason());
    }

    /** An empty status if the pod does not show the container yet. */
    private static ContainerStatus status(Pod pod, String container) {
        List<ContainerStatus> statuses =
                pod.getStatus() == null ? null : pod.getStatus().getContainerStatuses();
        return (statuses == null ? List.<ContainerStatus>of() : statuses)
                .stream()
                        .filter(status -> status.getName().equals(container))
                        .findFirst()
                        .orElseGet(() -> {
                            ContainerStatus empty = new ContainerStatus();
                            empty.setRestartCount(0);
                            empty.setState(new ContainerState());
                            return empty;
                        });
    }

    /** The first pod for which the change is as wanted. */
    private Pod await(Predicate<PodChange> wanted) throws InterruptedException {
        PodChange last = null;
        for (Pod pod : engine.pods()) {
            if (wanted.test(new PodChange(PodChange.Type.MODIFIED, pod))) {
                return pod;
            }
        }
        if (engine.pods().isEmpty()) {
            PodChange nothing = new PodChange(PodChange.Type.DELETED, new Pod());
            if (wanted.test(nothing)) {
                return nothing.pod();
            }
        }
        while (true) {
            PodChange change = changes.poll(20, TimeUnit.SECONDS);
            if (change == null) {
                throw new AssertionError(
                        "did not come; last: " + (last == null ? "" : last.pod().getStatus()) + ", events: "
                                + engine.events().stream()
                                        .map(event -> event.getReason() + ": " + event.getMessage())
                                        .toList());
            }
            last = change;
            if (wanted.test(change)) {
                return change.pod();
            }
        }
    }
}
