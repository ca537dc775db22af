package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.api.FakeContainerIo;
import dev.gantry.agent.api.FakePodEngine;
import dev.gantry.agent.api.TestPods;
import dev.gantry.agent.api.TestServer;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands against a server with a fake engine: what a user sees. */
@Timeout(20)
class PodCommandsTest {
    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private final FakeContainerIo io = new FakeContainerIo();
    private final CommandLine line = new CommandLine(false);
    private TestServer server = TestServer.NONE;

    @BeforeEach
    void start() throws IOException {
        server = TestServer.start(directory, engine, io);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private int run(String... words) {
        return run(line, words);
    }

    private int run(CommandLine on, String... words) {
        String[] all = new String[words.length + 2];
        all[0] = "--root";
        all[1] = directory.toString();
        System.arraycopy(words, 0, all, 2, words.length);
        return on.run(all);
    }

    @Test
    void podsAreATable() {
        engine.put(TestPods.running("web"));
        engine.put(TestPods.crashing("a-longer-name", 12));

        assertThat(run("get", "pods")).isZero();
        assertThat(line.out()).isEqualTo("""
                        NAME            READY   STATUS             RESTARTS       AGE
                        a-longer-name   0/1     CrashLoopBackOff   12 (10s ago)   2m5s
                        web             1/1     Running            0              2m5s
                        """);
        assertThat(line.err()).isEmpty();
    }

    @Test
    void wideAndAllNamespacesAddColumns() {
        engine.put(TestPods.running("web"));

        run("get", "po", "-A", "-o", "wide");

        assertThat(line.out()).isEqualTo("""
                        NAMESPACE   NAME   READY   STATUS    RESTARTS   AGE    IP          NODE     NOMINATED NODE   READINESS GATES
                        default     web    1/1     Running   0          2m5s   10.88.0.7   node-1   <none>           <none>
                        """);
    }

    @Test
    void stateIsColouredOnATerminal() {
        engine.put(TestPods.running("web"));
        engine.put(TestPods.crashing("bad", 1));
        CommandLine terminal = new CommandLine(true);

        run(terminal, "get", "pods");

        assertThat(terminal.out())
                .contains("\u001b[32mRunning\u001b[0m")
                .contains("\u001b[31mCrashLoopBackOff\u001b[0m");
    }

    @Test
    void theNodeIsListedToo() {
        assertThat(run("get", "nodes")).isZero();
        assertThat(line.out()).isEqualTo("""
                        NAME     STATUS   ROLES    AGE    VERSION
                        node-1   Ready    <none>   120m   v0.1.0
                        """);
        run("get", "node", "node-1", "-o", "wide");
        assertThat(line.out()).contains("192.0.2.1", "Debian GNU/Linux 12 (bookworm)", "gantry://0.1.0");
        run("get", "no", "-o", "name");
        assertThat(line.out()).isEqualTo("node/node-1\n");
        assertThat(run("get", "node", "other")).isEqualTo(1);
        assertThat(line.err()).isEqualTo("Error from server (NotFound): nodes \"other\" not found\n");
        assertThat(run("get", "nodes", "-w")).isEqualTo(1);
        assertThat(line.err()).contains("nodes cannot be watched");
    }

    @Test
    void theNodeIsDescribedWithWhatItsPodsRequest() {
        Pod pod = TestPods.running("web");
        pod.getSpec()
                .getContainers()
                .get(0)
                .setResources(new ResourceRequirementsBuilder()
                        .addToRequests("cpu", new Quantity("500", "m"))
                        .addToLimits("memory", new Quantity("2", "Gi"))
                        .build());
        engine.put(pod);

        assertThat(run("describe", "node")).isZero();

        assertThat(line.out())
                .contains("Name:               node-1\n")
                .contains("  cpu:                 4\n")
                .contains("  MemoryPressure              False   ")
                .contains("  InternalIP:  192.0.2.1\n")
                .contains("Non-terminated Pods:  (1 in total)")
                .contains("  Resource           Requests    Limits\n  --------           --------    ------\n")
                .contains("  cpu                500m (12%)  0 (0%)\n")
                .contains("  memory             0 (0%)      2Gi (25%)\n");
    }

    @Test
    void whatIsPrintedAsANameIsTakenAsOne() {
        engine.put(TestPods.running("web"));
        engine.put(TestPods.running("db"));

        assertThat(run("get", "pod/web", "pod/db", "-o", "name")).isZero();
        assertThat(line.out()).isEqualTo("pod/web\npod/db\n");
        assertThat(run("get", "pods", "po/web", "-o", "name")).isZero();
        assertThat(line.out()).isEqualTo("pod/web\n");
    }

    @Test
    void ofSeveralPodsThoseThatAreThereArePrinted() {
        engine.put(TestPods.running("web"));

        assertThat(run("get", "pods", "none", "web", "-o", "name")).isEqualTo(1);
        assertThat(line.out()).isEqualTo("pod/web\n");
        assertThat(line.err()).isEqualTo("Error from server (NotFound): pods \"none\" not found\n");
        assertThat(run("get", "pods", "none", "web", "-o", "json")).isEqualTo(1);
        assertThat(line.out()).contains("\"kind\": \"List\"", "\"name\": \"web\"");
        assertThat(run("describe", "none", "web")).isEqualTo(1);
        assertThat(line.out()).startsWith("Name:             web\n");
        assertThat(line.err()).isEqualTo("Error from server (NotFound): pods \"none\" not found\n");
    }

    @Test
    void podsWithoutANameAreAllDescribed() {
        engine.put(TestPods.running("web"));
        engine.put(TestPods.running("db"));

        assertThat(run("describe", "pods")).isZero();
        assertThat(line.out()).contains("Name:             web\n", "Name:             db\n");
        assertThat(run("describe", "pods", "-n", "other")).isZero();
        assertThat(line.err()).isEqualTo("No resources found in other namespace.\n");
    }

    @Test
    void tablesOfADescriptionLineUpWhateverIsInThem() {
        StringBuilder out = new StringBuilder();
        InnerTable table = new InnerTable(true, "Type", "Reason", "Message");
        table.add("Warning", "FailedToRetrieveImagePullSecret", "Unable\nto");
        table.add("Normal", "Started", "Container started");

        table.print(out, (column, cell) -> column == 0 ? "<" + cell + ">" : cell);

        assertThat(out.toString()).isEqualTo("""
                  Type     Reason                           Message
                  ----     ------                           -------
                  <Warning>  FailedToRetrieveImagePullSecret  Unable
                                                            to
                  <Normal>   Started                          Container started
                """);
    }

    @Test
    void nothingIsSaidOnStandardError() {
        assertThat(run("get", "pods", "-n", "other")).isZero();
        assertThat(line.out()).isEmpty();
        assertThat(line.err()).isEqualTo("No resources found in other namespace.\n");
    }

    @Test
    void aPodThatIsNotThereIsAnErrorInKubectlsWords() {
        assertThat(run("get", "pod", "none")).isEqualTo(1);
        assertThat(line.err()).isEqualTo("Error from server (NotFound): pods \"none\" not found\n");
    }

    @Test
    void objectsArePrintedSortedByName() {
        engine.put(TestPods.running("web"));

        run("get", "pod", "web", "-o", "yaml");

        assertThat(line.out()).startsWith("""
                        apiVersion: v1
                        kind: Pod
                        metadata:
                          creationTimestamp: "2026-01-02T03:02:00Z"
                          labels:
                            app: web
                          name: web
                          namespace: default
                          resourceVersion: "101"
                          uid: uid-web
                        spec:
                          containers:
                          - image: busybox
                            name: app
                          nodeName: node-1
                        """);
        run("get", "pods", "-o", "json");
        assertThat(line.out())
                .startsWith(
                        "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        {\n            \"apiVersion\": \"v1\",");
        run("get", "pods", "-o", "name");
        assertThat(line.out()).isEqualTo("pod/web\n");
    }

    @Test
    void aPodIsDescribedWithItsEvents() {
        engine.put(TestPods.crashing("web", 3));
        engine.record(
                TestPods.event("web", "BackOff", "Back-off restarting failed container app in pod web", "Warning", 4));

        assertThat(run("describe", "pod", "web")).isZero();
        assertThat(line.out())
                .contains("Name:             web\n")
                .contains("Labels:           app=web\n")
                .contains("    State:         Waiting\n      Reason:      CrashLoopBackOff\n")
                .contains("    Last State:    Terminated\n      Reason:      Error\n      Exit Code:   1\n")
                .contains("    Restart Count: 3\n")
                .contains("  Warning  BackOff ")
                .contains("(x4 over ");
    }

    @Test
    void eventsAreATableToo() {
        engine.record(TestPods.event("web", "Started", "Container started", "Normal", 1));

        run("events", "--for", "pod/web");

        assertThat(line.out()).isEqualTo("""
                        LAST SEEN   TYPE     REASON    OBJECT    MESSAGE
                        60s         Normal   Started   pod/web   Container started
                        """);
    }

    @Test
    void theNodeHasEventsToo() {
        Event event = TestPods.event("node-1", "Rebooted", "Node node-1 has been rebooted, boot id: 1", "Warning", 2);
        event.getInvolvedObject().setKind("Node");
        event.getInvolvedObject().setNamespace(null);
        event.getInvolvedObject().setUid("node-1");
        event.getInvolvedObject().setFieldPath(null);
        engine.record(event);
        engine.record(TestPods.event("node-1", "Started", "Container started", "Normal", 1));

        run("events", "--for", "node/node-1");
        assertThat(line.out()).isEqualTo("""
                        LAST SEEN   TYPE      REASON     OBJECT        MESSAGE
                        60s         Warning   Rebooted   node/node-1   Node node-1 has been rebooted, boot id: 1
                        """);
        run("events", "--for", "node-1");
        assertThat(line.out()).contains("pod/node-1").doesNotContain("node/node-1");
        assertThat(run("describe", "node")).isZero();
        assertThat(line.out())
                .contains("Events:\n  Type     Reason    Age", "  Warning  Rebooted  ", " (x2 over ")
                .doesNotContain("Container started");
        assertThat(run("events", "--for", "job/x")).isNotZero();
        assertThat(line.err()).contains("--for takes pod/NAME or node/NAME, not 'job/x'");
    }

    @Test
    void whatAContainerWroteIntoAnEventDoesNothingToTheTerminal() {
        engine.put(TestPods.running("web"));
        engine.record(TestPods.event(
                "web",
                "Unhealthy",
                "Liveness probe failed: \u001b]0;title\u0007\u001b[2J\u009b1m\tok\rgone\nline 2",
                "Warning",
                1));

        run("events", "--for", "pod/web");
        assertThat(line.out()).isEqualTo("""
                        LAST SEEN   TYPE      REASON      OBJECT    MESSAGE
                        60s         Warning   Unhealthy   pod/web   Liveness probe failed: ^[]0;title\\x07^[[2J\\x9b1m\tok...
                        """);
        run("describe", "pod", "web");
        assertThat(line.out())
                .contains("Liveness probe failed: ^[]0;title\\x07^[[2J\\x9b1m\tok\\rgone\n")
                .contains(" line 2\n")
                .doesNotContain("\u001b");
    }

    @Test
    void logsArePrintedAsWritten() throws IOException {
        Path log = Files.createDirectories(directory.resolve("log/pods/x")).resolve("0.log");
        Files.writeString(
                log, "2026-01-02T03:00:00.000000001Z stdout F grüß Gott\n2026-01-02T03:00:01Z stderr F bye\n");
        engine.put(TestPods.running("web"));
        engine.run("web", "app", log, true, false);

        assertThat(run("logs", "web")).isZero();
        assertThat(line.out()).isEqualTo("grüß Gott\nbye\n");
        run("logs", "web", "--tail", "1", "--timestamps", "--prefix");
        assertThat(line.out()).isEqualTo("[pod/web/app] 2026-01-02T03:00:01Z bye\n");
        assertThat(run("logs", "web", "-p")).isEqualTo(1);
        assertThat(line.err())
                .isEqualTo(
                        "Error from server (BadRequest): previous terminated container \"app\" in pod \"web\" not found\n");
    }

    @Test
    void allContainersAreInitContainersToo() throws IOException {
        Pod pod = TestPods.running("web");
        pod.getSpec()
                .setInitContainers(List.of(new ContainerBuilder()
                        .withName("setup")
                        .withImage("busybox")
                        .build()));
        engine.put(pod);
        for (String container : List.of("setup", "app")) {
            Path log = Files.createDirectories(directory.resolve("log/pods/" + container))
                    .resolve("0.log");
            Files.writeString(log, "2026-01-02T03:00:00Z stdout F I am " + container + "\n");
            engine.run("web", container, log, false, false);
        }

        run("logs", "web", "--all-containers", "--prefix");
        assertThat(line.err()).isEmpty();
        assertThat(line.out()).isEqualTo("[pod/web/setup] I am setup\n[pod/web/app] I am app\n");
    }

    /** As in {@code gantry logs -f web | head -1}. */
    @Test
    void whoeverFollowsEndsWhenNobodyReads() throws IOException {
        Path log = Files.createDirectories(directory.resolve("log/pods/x")).resolve("0.log");
        Files.writeString(log, "2026-01-02T03:00:00Z stdout F hello\n");
        engine.put(TestPods.running("web"));
        engine.run("web", "app", log, true, false);

        assertThat(runInto("Broken pipe", "logs", "-f", "web")).isEqualTo(141);
        assertThat(line.err()).isEmpty();
        assertThat(runInto("No space left on device", "logs", "-f", "web")).isEqualTo(1);
        assertThat(line.err()).isEqualTo("error: write to standard output: No space left on device\n");
        assertThat(runInto("No space left on device", "get", "pods")).isEqualTo(1);
        assertThat(line.err()).isEqualTo("error: write to standard output: No space left on device\n");
    }

    private int runInto(String failure, String... words) {
        line.output = StandardOutput.onto(new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                throw new IOException(failure);
            }
        });
        return run(words);
    }

    @Test
    void anExecEndsWithTheCommandsExitCode() throws Exception {
        engine.put(TestPods.running("web"));
        engine.run("web", "app", directory.resolve("x"), true, false);

        CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(() -> line.run(
                "to the process",
                new String[] {"--root", directory.toString(), "exec", "-i", "web", "--", "sh", "-c", "cat; exit 7"}));
        FakeContainerIo.Played process = io.take();
        byte[] input = process.stdinRead.readAllBytes();
        process.stdout.write(input);
        process.stderr.write("oops".getBytes(StandardCharsets.UTF_8));
        process.end(7);

        assertThat(exit.get()).isEqualTo(7);
        assertThat(line.out()).isEqualTo("to the process");
        assertThat(line.err()).isEqualTo("oops");
        assertThat(process.request.command()).containsExactly("sh", "-c", "cat; exit 7");
    }

    @Test
    void anExecThatCannotStartSaysWhy() {
        engine.put(TestPods.running("web"));
        engine.run("web", "app", directory.resolve("x"), true, false);

        assertThat(run("exec", "web", "--", "missing")).isEqualTo(1);
        assertThat(line.err())
                .isEqualTo(
                        "Error from server (InternalError): exec in container web: step 9, execve missing: ENOENT\n");
    }

    @Test
    void aDeletionWaitsUntilThePodIsGone() {
        engine.put(TestPods.running("web"));

        CompletableFuture<Integer> exit =
                CompletableFuture.supplyAsync(() -> run("delete", "pod", "web", "--grace-period=5"));
        while (engine.deletions().isEmpty()) {
            Thread.onSpinWait();
        }
        engine.remove("default", "web");

        assertThat(exit.join()).isZero();
        assertThat(line.out()).isEqualTo("pod \"web\" deleted\n");
        assertThat(engine.deletions()).containsExactly("default/web 5");
    }

    @Test
    void allPodsOfAllNamespacesAreDeletedAsThePackageDoesIt() {
        Pod other = TestPods.running("db");
        other.getMetadata().setNamespace("shop");
        engine.put(TestPods.running("web"));
        engine.put(other);

        assertThat(run("delete", "pods", "--all", "--all-namespaces", "--wait", "false"))
                .isZero();
        assertThat(line.out()).contains("pod \"web\" deleted\n", "pod \"db\" deleted\n");
        assertThat(engine.deletions()).hasSize(2).anyMatch(one -> one.startsWith("shop/db "));
    }

    @Test
    void aManifestWithAMistakeIsRefusedWithItsPlace() throws IOException {
        Path manifest = Files.writeString(
                directory.resolve("web.yaml"), "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspecc: {}\n");

        assertThat(run("run", "-f", manifest.toString())).isEqualTo(1);
        assertThat(line.err())
                .startsWith("Error from server (BadRequest): " + manifest
                        + ":4:1: specc: unknown field, did you mean 'spec'?");
    }

    @Test
    void aPodIsRunUntilItEndsAndItsExitCodeIsOurs() throws IOException {
        Path log = Files.createDirectories(directory.resolve("log/pods/x")).resolve("0.log");
        Files.writeString(log, "2026-01-02T03:00:00.000000001Z stdout F working\n");
        Path manifest = Files.writeString(
                directory.resolve("job.yaml"),
                "apiVersion: v1\nkind: Pod\nmetadata: {name: job}\nspec:\n  containers: [{name: app, image: busybox}]\n");
        CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(() -> run("run", "-f", manifest.toString()));
        while (engine.pod("default", "job").isEmpty()) {
            Thread.onSpinWait();
        }
        engine.run("job", "app", log, false, false);
        engine.record(
                TestPods.event("job", "Pulled", "Container image \"busybox\" already present on machine", "Normal", 1));
        engine.put(TestPods.failed("job", 4));
        while (engine.deletions().isEmpty()) {
            Thread.onSpinWait();
        }
        engine.remove("default", "job");

        assertThat(exit.join()).isEqualTo(4);
        assertThat(line.out()).isEqualTo("working\n");
        assertThat(line.err())
                .contains("Pulled app: Container image \"busybox\" already present on machine")
                .contains("pod/job has failed; container app ended with exit code 4 (Error)");
    }

    @Test
    void anInitContainerThatFailsIsNamedWithItsLogAndItsExitCodeIsOurs() throws IOException {
        Path log = Files.createDirectories(directory.resolve("log/pods/y")).resolve("0.log");
        Files.writeString(log, "2026-01-02T03:00:00.000000001Z stderr F no database\n");
        Path manifest = Files.writeString(directory.resolve("job.yaml"), """
                        apiVersion: v1
                        kind: Pod
                        metadata: {name: job}
                        spec:
                          initContainers:
                          - {name: proxy, image: busybox, restartPolicy: Always}
                          - {name: setup, image: busybox}
                          containers: [{name: app, image: busybox}]
                        """);
        CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(() -> run("run", "-f", manifest.toString()));
        while (engine.pod("default", "job").isEmpty()) {
            Thread.onSpinWait();
        }
        engine.run("job", "setup", log, false, false);
        Pod failed = TestPods.failed("job", 3);
        failed.setSpec(engine.pod("default", "job").orElseThrow().getSpec());
        ContainerStatus setup = failed.getStatus().getContainerStatuses().get(0);
        setup.setName("setup");
        ContainerStatus proxy =
                TestPods.failed("job", 137).getStatus().getContainerStatuses().get(0);
        proxy.setName("proxy");
        proxy.setContainerID("");
        failed.getStatus().setContainerStatuses(List.of());
        failed.getStatus().setInitContainerStatuses(List.of(proxy, setup));
        engine.put(failed);
        while (engine.deletions().isEmpty()) {
            Thread.onSpinWait();
        }
        engine.remove("default", "job");

        assertThat(exit.join()).isEqualTo(3);
        assertThat(line.out()).isEqualTo("setup | no database\n");
        assertThat(line.err())
                .contains("pod/job has failed; container setup ended with exit code 3 (Error)")
                .doesNotContain("proxy");
    }

    @Test
    void bothVersionsArePrinted() {
        assertThat(run("version")).isZero();
        assertThat(line.out()).contains("Client Version: v").contains("Agent Version:  v");
    }
}
