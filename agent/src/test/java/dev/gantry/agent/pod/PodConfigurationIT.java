package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.ManifestSnapshot;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How containers are configured, read back from inside them: arguments, variables, terminals, namespaces, names, ports. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class PodConfigurationIT {
    @TempDir
    Path directory;

    private RealNode node;

    @BeforeEach
    void open() throws Exception {
        node = new RealNode(directory, TestRuntime::gantry, NodePolicy.of("node-1"), PodDns.NONE);
    }

    @AfterEach
    void close() throws Exception {
        node.close();
    }

    @Test
    void argumentsAndVariablesComeFromEverySource() throws Exception {
        node.engine().applyManifests(new ManifestSnapshot(List.of(), ContainerEnvironmentTest.objects("""
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: app}
                        data: {mode: fast, app.conf: "a=1", A: from-the-map}
                        ---
                        apiVersion: v1
                        kind: Secret
                        metadata: {name: key}
                        data: {token: czNjcmV0, RAW: /w==}
                        """), List.of()));
        Pod pod = start("""
                containers:
                - name: main
                  image: %s
                  command: [sh, -c, 'sleep 1000; true', "$(A)", "$$(A)"]
                  args: ["$(MODE)-$(NONE)", "$(TOKEN)"]
                  resources: {requests: {memory: 64Mi}, limits: {memory: 128Mi}}
                  envFrom:
                  - {configMapRef: {name: app}}
                  - {prefix: KEY_, secretRef: {name: key}}
                  - {configMapRef: {name: none, optional: true}}
                  - {secretRef: {name: none, optional: true}}
                  env:
                  - {name: A, value: own}
                  - {name: MODE, valueFrom: {configMapKeyRef: {name: app, key: mode}}}
                  - {name: TOKEN, valueFrom: {secretKeyRef: {name: key, key: token}}}
                  - {name: NO_MAP, valueFrom: {configMapKeyRef: {name: none, key: a, optional: true}}}
                  - {name: NO_KEY, valueFrom: {secretKeyRef: {name: key, key: none, optional: true}}}
                  - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                  - {name: UID_, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
                  - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
                  - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: requests.memory, divisor: 1Mi}}}
                  - {name: TOGETHER, value: "$(MODE)/$(A)/$$(A)"}
                """);

        assertThat(shell(pod, "tr '\\0' '\\n' < /proc/1/cmdline"))
                .isEqualTo("sh\n-c\nsleep 1000; true\nown\n$(A)\nfast-$(NONE)\ns3cret\n");
        assertThat(shell(pod, "tr '\\0' '\\n' < /proc/1/environ | grep -v '^KEY_RAW'")
                        .lines())
                .contains(
                        "A=own",
                        "mode=fast",
                        "app.conf=a=1",
                        "KEY_token=s3cret",
                        "MODE=fast",
                        "TOKEN=s3cret",
                        "IP=" + pod.getStatus().getPodIP(),
                        "UID_=" + pod.getMetadata().getUid(),
                        "NODE=node-1",
                        "MEMORY=64",
                        "TOGETHER=fast/own/$(A)")
                .noneMatch(line -> line.startsWith("NO_"));
        assertThat(shell(pod, "tr '\\0' '\\n' < /proc/1/environ | grep -a '^KEY_RAW=' | od -An -tx1 | tr -d ' \\n'"))
                .as("a value that is no UTF-8 arrives as it is")
                .endsWith("3dff0a");
    }

    @Test
    void aTerminalAndAnInputAreThereIfAskedFor() throws Exception {
        Pod pod = start("""
                containers:
                - {name: main, image: %1$s, command: [sleep, "1000"]}
                - {name: input, image: %1$s, command: [cat], stdin: true}
                - {name: once, image: %1$s, command: [cat], stdin: true, stdinOnce: true}
                - {name: terminal, image: %1$s, command: [sh], stdin: true, tty: true}
                - {name: none, image: %1$s, command: [cat]}
                """);
        Pod running = node.awaitRunning("terminal");
        node.awaitRunning("input");
        node.awaitRunning("once");

        assertThat(shell(pod, "readlink /proc/1/fd/0")).isEqualTo("/dev/null\n");
        for (String container : List.of("input", "once")) {
            assertThat(node.shell(node.awaitRunning(container), container, "readlink /proc/1/fd/0"))
                    .startsWith("pipe:");
        }
        assertThat(node.shell(running, "terminal", "readlink /proc/1/fd/0; ps -o tty,comm | grep -c '136,0 *sh'"))
                .isEqualTo("/dev/pts/0\n1\n");
        Pod ended = node.await(one -> RealNode.status(one, "none").getState().getTerminated() != null);
        assertThat(RealNode.status(ended, "none").getState().getTerminated().getExitCode())
                .as("cat without an input")
                .isZero();
    }

    @Test
    void processesAreSeenByThoseWhoShareThem() throws Exception {
        String containers = """
                containers:
                - {name: main, image: %1$s, command: [sleep, "1001"]}
                - {name: other, image: %1$s, command: [sleep, "1002"]}
                """;
        String seen = "ps -o args | grep -c '^sleep 100[12]$'; readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc";
        start(containers);
        Pod alone = node.awaitRunning("other");
        assertThat(shell(alone, seen)).startsWith("1\n").doesNotContain(own("pid"), own("ipc"));
        node.delete();

        start("shareProcessNamespace: true\n" + containers);
        Pod shared = node.awaitRunning("other");
        assertThat(shell(shared, seen)).startsWith("2\n").doesNotContain(own("pid"), own("ipc"));
        assertThat(shell(shared, "tr '\\0' ' ' < /proc/1/cmdline"))
                .as("the first process is the pod's own")
                .doesNotContain("sleep");
        node.delete();

        start("""
                hostPID: true
                hostIPC: true
                """ + containers);
        Pod hosts = node.awaitRunning("other");
        assertThat(shell(hosts, seen)).startsWith("2\n").contains(own("pid"), own("ipc"));
    }

    private static String own(String namespace) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/self/ns/" + namespace)).toString();
    }

    @Test
    void namesAreAsThePodSays() throws Exception {
        Pod overridden = start("""
                hostnameOverride: db.internal.example
                containers: [{name: main, image: %s, command: [sleep, "1000"]}]
                """);
        assertThat(shell(overridden, "hostname; grep -c db.internal.example /etc/hosts"))
                .isEqualTo("db.internal.example\n1\n");
        node.delete();

        Path hosts = Files.writeString(directory.resolve("hosts"), "192.0.2.7 mine\n");
        start("""
                hostNetwork: true
                hostAliases: [{ip: 192.0.2.9, hostnames: [alias]}]
                volumes: [{name: hosts, hostPath: {path: %s}}]
                containers:
                - {name: main, image: %%1$s, command: [sleep, "1000"]}
                - {name: mounts, image: %%1$s, command: [sleep, "1000"], volumeMounts: [{name: hosts, mountPath: /etc/hosts}]}
                """.formatted(hosts));
        Pod mine = node.awaitRunning("mounts");
        assertThat(shell(mine, "head -n 1 /etc/hosts; tail -n 1 /etc/hosts; readlink /proc/self/ns/net"))
                .isEqualTo("# Kubernetes-managed hosts file (host network).\n192.0.2.9\talias\n" + own("net") + "\n");
        assertThat(node.shell(mine, "mounts", "cat /etc/hosts")).isEqualTo("192.0.2.7 mine\n");
    }

    /** The kubelet takes relative paths from the root, and mounts nothing where the path is empty. */
    @Test
    void lastWordsAreReadFromWhereTheContainerWritesThem() throws Exception {
        node.create("""
                containers:
                - {name: relative, image: %1$s, terminationMessagePath: tmp/words, command: [sh, -c, "echo -n bye > /tmp/words"]}
                - {name: long, image: %1$s, command: [sh, -c, "yes | head -c 9000 > /dev/termination-log; exit 1"]}
                - {name: none, image: %1$s, terminationMessagePath: "", command: [sh, -c, "test ! -e /dev/termination-log"]}
                - name: logs
                  image: %1$s
                  terminationMessagePolicy: FallbackToLogsOnError
                  command: [sh, -c, "for i in $(seq 100); do echo line $i; done; exit 3"]
                """.formatted(RealNode.IMAGE));

        Pod pod = node.await(one -> List.of("relative", "long", "none", "logs").stream()
                .allMatch(name -> RealNode.status(one, name).getState().getTerminated() != null));

        assertThat(ended(pod, "relative").getMessage()).isEqualTo("bye");
        assertThat(ended(pod, "long").getMessage()).hasSize(3072).startsWith("y\ny\n");
        assertThat(ended(pod, "none").getExitCode()).isZero();
        assertThat(ended(pod, "none").getMessage()).isNull();
        assertThat(ended(pod, "logs").getMessage()).startsWith("line 21\n").endsWith("line 100\n");
    }

    private static ContainerStateTerminated ended(Pod pod, String container) {
        return RealNode.status(pod, container).getState().getTerminated();
    }

    /** Of 8 GiB that the node has; what is below the agent's own number takes a capability. */
    @Test
    void theKernelIsToldWhomToKillFirst() throws Exception {
        Pod bestEffort = start("containers: [{name: main, image: %s, command: [sleep, \"1000\"]}]");
        assertThat(shell(bestEffort, "cat /proc/1/oom_score_adj")).isEqualTo("1000\n");
        assertThat(bestEffort.getStatus().getQosClass()).isEqualTo("BestEffort");
        node.delete();

        start("""
                containers:
                - {name: main, image: %1$s, command: [sleep, "1000"], resources: {requests: {memory: 2Gi}}}
                - {name: half, image: %1$s, command: [sleep, "1000"], resources: {requests: {memory: 4Gi}}}
                """);
        Pod burstable = node.awaitRunning("half");
        assertThat(shell(burstable, "cat /proc/1/oom_score_adj")).isEqualTo("750\n");
        assertThat(node.shell(burstable, "half", "cat /proc/1/oom_score_adj")).isEqualTo("500\n");
        assertThat(burstable.getStatus().getQosClass()).isEqualTo("Burstable");
    }

    @Test
    void portsOfTheHostLeadToContainersAndSidecars() throws Exception {
        int sidecar = freePort();
        int main = freePort();
        node.create("""
                initContainers:
                - name: side
                  image: %1$s
                  restartPolicy: Always
                  command: [sh, -c, "while true; do echo side | nc -l -p 8001; done"]
                  ports: [{containerPort: 8001, hostPort: %2$d, hostIP: 127.0.0.1, protocol: TCP}]
                containers:
                - name: main
                  image: %1$s
                  command: [sh, -c, "while true; do echo main | nc -l -p 8002; done"]
                  ports: [{containerPort: 8002, hostPort: %3$d}]
                """.formatted(RealNode.IMAGE, sidecar, main));
        node.awaitRunning("main");

        assertThat(answer(sidecar)).isEqualTo("side\n");
        assertThat(answer(main)).isEqualTo("main\n");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** What the server says; asked until it is there. */
    private static String answer(int port) throws Exception {
        IOException last = new IOException("never tried");
        for (long end = System.nanoTime() + 20_000_000_000L; System.nanoTime() < end; ) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.setSoTimeout(10_000);
                String answer = new String(socket.getInputStream().readNBytes(5), StandardCharsets.UTF_8);
                if (!answer.isEmpty()) {
                    return answer;
                }
            } catch (IOException e) {
                last = e;
            }
        }
        throw last;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "workingDir: relative | CreateContainerError | working_dir 'relative': must be an absolute path",
                "command: [/nothing/here] | ContainerCannotRun | execute /nothing/here: ENOENT (No such file or directory)",
                "volumeMounts: [{name: data, mountPath: /}] | CreateContainerError | must not be the root directory",
                "volumeMounts: [{name: data, mountPath: /proc/1}] | CreateContainerError | nothing may be mounted over /proc",
                "env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: a}}}] | CreateContainerConfigError | configmap \"none\" not found in namespace \"default\"; put a document of it beside the manifests, or mark it optional",
                "image: 'Bad//Image' | InvalidImageName | Failed to apply default image tag \"Bad//Image\": image name 'Bad//Image': repository '/Image'",
                "imagePullPolicy: Never, image: example.test/none:1 | ErrImageNeverPull | example.test/none:1",
            })
    void whatCannotBeIsToldOfItsContainerAndTheOthersGoOn(String fields, String reason, String message)
            throws Exception {
        String container =
                "{name: bad, " + (fields.contains("image:") ? "" : "image: " + RealNode.IMAGE + ", ") + fields + "}";
        Pod created = node.create("""
                volumes: [{name: data, emptyDir: {}}]
                containers:
                - {name: main, image: %s, command: [sleep, "1000"]}
                - %s
                """.formatted(RealNode.IMAGE, container));

        assertThat(created.getStatus()).isNotNull();
        // A start that failed is first told as one that is tried, then as one that has ended.
        node.await(one -> RealNode.status(one, "main").getState().getRunning() != null
                && told(one).startsWith(reason)
                && told(one).contains(message));
    }

    /** Reason and message of the container that cannot run. */
    private static String told(Pod pod) {
        var state = RealNode.status(pod, "bad").getState();
        if (state.getWaiting() != null) {
            return state.getWaiting().getReason() + ": " + state.getWaiting().getMessage();
        }
        return state.getTerminated() == null
                ? ""
                : state.getTerminated().getReason() + ": "
                        + state.getTerminated().getMessage();
    }

    private Pod start(String spec) throws Exception {
        node.create(spec.formatted(RealNode.IMAGE));
        return node.awaitRunning("main");
    }

    private String shell(Pod pod, String script) {
        return node.shell(pod, "main", script);
    }
}
