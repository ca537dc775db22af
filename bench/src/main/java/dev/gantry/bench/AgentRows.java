package dev.gantry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.e2e.AgentProcess;
import dev.gantry.e2e.Await;
import dev.gantry.e2e.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The rows that need a whole agent: started by the launcher as its users start it, asked through its socket. */
final class AgentRows {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** After which threads that nobody needs are gone. */
    private static final long IDLE_MILLIS = 15_000;

    private final Path directory;
    private final Report report;
    private final String column;

    AgentRows(Path directory, Report report, String column) {
        this.directory = directory;
        this.report = report;
        this.column = column;
    }

    /** From the start of the process to the first line that a container writes. */
    void firstContainer(int rounds) throws IOException, InterruptedException {
        Report.Row row = report.row("start of the agent to first container", "<= 1000 ms");
        Samples samples = new Samples();
        Path root = directory.resolve("first");
        AgentProcess agent = AgentProcess.start(root);
        try {
            agent.putManifest(
                    "first.yaml", pod("first", "Always", "echo started; trap 'exit 0' TERM; sleep 1000000 & wait"));
            String name =
                    awaitPods(agent, 1).get(0).path("metadata").path("name").asText();
            for (int round = -1; round < rounds; round++) {
                Path manifest = root.resolve("manifests/first.yaml");
                Path aside = root.resolve("first.yaml");
                Files.move(manifest, aside);
                agent.awaitGone(name);
                agent.stop();
                deleteLogs(root);
                Files.move(aside, manifest);
                Instant begin = Instant.now();
                agent.startAgain();
                awaitPods(agent, 1);
                Instant started = firstLine(root, "first", 0);
                if (round >= 0) {
                    samples.add(Duration.between(begin, started).toNanos() / 1e6);
                }
            }
        } finally {
            agent.close();
        }
        row.millis(column, samples);
        row.verdict(samples.p50() <= 1000);
        row.done();
    }

    /** {@code gantry get pods}, as a process, with ten pods. */
    void commandLine(int rounds) throws IOException, InterruptedException {
        Report.Row row = report.row("gantry get pods", "<= 300 ms");
        Samples samples = new Samples();
        try (AgentProcess agent = AgentProcess.start(directory.resolve("cli"))) {
            for (int i = 0; i < 10; i++) {
                create(agent, "pod-" + i);
            }
            awaitPods(agent, 10);
            for (int round = -2; round < rounds; round++) {
                long begin = System.nanoTime();
                Command command = agent.gantry("get", "pods");
                double millis = (System.nanoTime() - begin) / 1e6;
                if (command.exitCode() != 0 || !command.output().contains("pod-9")) {
                    throw new IOException("gantry get pods: " + command);
                }
                if (round >= 0) {
                    samples.add(millis);
                }
            }
        }
        row.millis(column, samples);
        row.verdict(samples.p50() <= 300);
        row.done();
    }

    /** From the last line of a container that exits to the first line of its successor. */
    void restart(int rounds) throws IOException, InterruptedException {
        Report.Row row = report.row("container exit to restarted", "<= 20 ms");
        Samples samples = new Samples();
        Path root = directory.resolve("restart");
        try (AgentProcess agent = AgentProcess.start(root)) {
            for (int round = -2; round < rounds; round++) {
                String name = "restart-" + (round + 2);
                post(agent, pod(name, "Always", "echo start; sleep 0.3; echo end"));
                agent.awaitPod(name, "to be restarted", pod -> restarts(pod) >= 1);
                Await.until(
                        PATIENCE,
                        "the second log of " + name,
                        () -> logOf(root, name, 1).isPresent(),
                        agent::log);
                Instant ended = lastLine(root, name, 0);
                Instant restarted = firstLine(root, name, 1);
                if (round >= 0) {
                    samples.add(Duration.between(ended, restarted).toNanos() / 1e6);
                }
                agent.api().send("DELETE", "/api/v1/namespaces/default/pods/" + name + "?gracePeriodSeconds=0", "");
                agent.awaitGone(name);
            }
        }
        row.millis(column, samples);
        row.verdict(samples.p50() <= 20);
        row.done();
    }

    /** Many idle pods: what the agent needs for them. */
    void many(int pods) throws IOException, InterruptedException {
        Report.Row memory = report.row("agent RSS with 100 pods", "<= 150 MB");
        Report.Row idle = report.row("%d pods: idle CPU of the agent".formatted(pods), "<= 2 % of a core");
        Report.Row flat = report.row("%d pods: started, per pod for the agent".formatted(pods), "all run, flat");
        Path root = Files.createDirectories(directory.resolve("many"));
        Files.writeString(root.resolve("config.yaml"), "maxPods: %d\n".formatted(pods));
        AgentProcess agent = AgentProcess.start(root);
        try {
            create(agent, "warm");
            awaitPods(agent, 1);
            Usage none = Usage.of(agent.pid());
            long begin = System.nanoTime();
            for (int i = 1; i < 100; i++) {
                create(agent, "pod-" + i);
            }
            awaitPods(agent, 100);
            Usage hundred = Usage.of(agent.pid());
            memory.value(column, "%.0f MB".formatted(hundred.megabytes()));
            memory.note("before the first 100: %.0f MB; threads %d, descriptors %d"
                    .formatted(none.megabytes(), hundred.threads(), hundred.descriptors()));
            memory.verdict(hundred.megabytes() <= 150);
            memory.done();
            double seconds = (System.nanoTime() - begin) / 1e9;
            Thread.sleep(IDLE_MILLIS);
            Usage hundredIdle = Usage.of(agent.pid());
            begin = System.nanoTime();
            for (int i = 100; i < pods; i++) {
                create(agent, "pod-" + i);
            }
            awaitPods(agent, pods);
            seconds += (System.nanoTime() - begin) / 1e9;
            Thread.sleep(IDLE_MILLIS);
            Usage all = Usage.of(agent.pid());
            long ticks = ProcessTable.cpuTicks(agent.pid());
            Thread.sleep(20_000);
            double percent = (ProcessTable.cpuTicks(agent.pid()) - ticks) / 20.0;
            idle.value(column, "%.2f %%".formatted(percent));
            idle.verdict(percent <= 2);
            idle.done();
            double more = Math.max(1, pods - 100);
            flat.value(column, "%d in %.1f s".formatted(pods, seconds));
            flat.note(
                    "from 100 to %d idle pods: %.2f MB, %.2f threads, %.2f descriptors per pod; in all %.0f MB, %d threads, %d descriptors"
                            .formatted(
                                    pods,
                                    (all.megabytes() - hundredIdle.megabytes()) / more,
                                    (all.threads() - hundredIdle.threads()) / more,
                                    (all.descriptors() - hundredIdle.descriptors()) / more,
                                    all.megabytes(),
                                    all.threads(),
                                    all.descriptors()));
            begin = System.nanoTime();
            for (JsonNode pod : agent.api().pods()) {
                agent.api()
                        .send(
                                "DELETE",
                                "/api/v1/namespaces/default/pods/"
                                        + pod.path("metadata").path("name").asText(),
                                "");
            }
            Await.until(
                    PATIENCE, "all pods to be gone", () -> agent.api().pods().isEmpty(), agent::log);
            Usage after = Usage.of(agent.pid());
            flat.note("stopped in %.1f s; afterwards %.0f MB, %d threads, %d descriptors"
                    .formatted(
                            (System.nanoTime() - begin) / 1e9,
                            after.megabytes(),
                            after.threads(),
                            after.descriptors()));
            flat.verdict(all.threads() - hundredIdle.threads() <= more / 10
                    && after.descriptors() <= none.descriptors() + 16);
            flat.done();
        } finally {
            agent.close();
        }
    }

    /** What a process uses. */
    private record Usage(double megabytes, int threads, int descriptors) {
        static Usage of(long pid) {
            return new Usage(
                    ProcessTable.rssKilobytes(pid) / 1024.0, ProcessTable.threads(pid), ProcessTable.descriptors(pid));
        }
    }

    private static void create(AgentProcess agent, String name) throws IOException {
        post(agent, pod(name, "Always", "trap 'exit 0' TERM; sleep 1000000 & wait"));
    }

    private static void post(AgentProcess agent, String pod) throws IOException {
        var answer = agent.api().send("POST", "/api/v1/namespaces/default/pods", pod);
        if (answer.status() / 100 != 2) {
            throw new IOException("create a pod: status " + answer.status() + ", " + answer.body());
        }
    }

    /** JSON, which is YAML too. */
    private static String pod(String name, String restartPolicy, String script) {
        return """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "default"},
                 "spec": {"restartPolicy": "%s", "terminationGracePeriodSeconds": 5, "containers": [
                   {"name": "main", "image": "%s", "command": ["/bin/sh", "-c", "%s"]}]}}
                """.formatted(name, restartPolicy, BenchPod.IMAGE, script);
    }

    /** Waits until so many pods run, and returns them. */
    private static List<JsonNode> awaitPods(AgentProcess agent, int count) throws IOException, InterruptedException {
        Await.until(PATIENCE, count + " pods to run", () -> running(agent).size() >= count, agent::log);
        return running(agent);
    }

    private static List<JsonNode> running(AgentProcess agent) throws IOException {
        return Stream.of(agent.api().pods())
                .flatMap(list -> java.util.stream.StreamSupport.stream(list.spliterator(), false))
                .filter(pod -> pod.path("status").path("phase").asText().equals("Running"))
                .toList();
    }

    private static int restarts(JsonNode pod) {
        return pod.path("status")
                .path("containerStatuses")
                .path(0)
                .path("restartCount")
                .asInt();
    }

    private static Instant firstLine(Path root, String pod, int attempt) throws IOException {
        return timeOf(
                Files.readAllLines(logOf(root, pod, attempt).orElseThrow()).get(0));
    }

    private static Instant lastLine(Path root, String pod, int attempt) throws IOException {
        List<String> lines = Files.readAllLines(logOf(root, pod, attempt).orElseThrow());
        return timeOf(lines.get(lines.size() - 1));
    }

    private static Instant timeOf(String line) {
        return OffsetDateTime.parse(line.substring(0, line.indexOf(' '))).toInstant();
    }

    /** The log of a pod's container, once it has a line. */
    private static Optional<Path> logOf(Path root, String pod, int attempt) throws IOException {
        try (Stream<Path> folders = Files.list(root.resolve("log/pods"))) {
            return folders.filter(folder -> folder.getFileName().toString().startsWith("default_" + pod))
                    .map(folder -> folder.resolve("main/" + attempt + ".log"))
                    .filter(file -> file.toFile().length() > 0)
                    .findFirst();
        }
    }

    private static void deleteLogs(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root.resolve("log/pods"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }
}
