package dev.gantry.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.testing.PeerRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** An agent of our own: a child process with everything below one directory, started by the launcher. */
public final class AgentProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Path root;
    private final List<String> flags;
    private final Map<String, String> environment;
    private final LocalApi api;
    private Process process;

    private AgentProcess(Path root, List<String> flags, Map<String, String> environment, Process process) {
        this.root = root;
        this.flags = flags;
        this.environment = environment;
        this.api = new LocalApi(root.resolve("run/gantry.sock"));
        this.process = process;
    }

    /** The launcher of this build; the system property {@code gantry.launcher} names another. */
    public static Path launcher() {
        String property = System.getProperty("gantry.launcher", "");
        if (!property.isEmpty()) {
            return Path.of(property);
        }
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null) {
            Path candidate = folder.resolve("packaging/target/gantry/bin/gantry");
            if (Files.isExecutable(candidate)) {
                return candidate;
            }
            folder = folder.getParent();
        }
        throw new IllegalStateException("find packaging/target/gantry/bin/gantry: not built; run ./gantry build");
    }

    /** Starts an agent and waits until its API answers. */
    public static AgentProcess start(Path root, String... flags) throws IOException, InterruptedException {
        return start(root, Map.of(), flags);
    }

    /**
     * Starts an agent and waits until its API answers.
     *
     * @param environment added to this process's own
     */
    public static AgentProcess start(Path root, Map<String, String> environment, String... flags)
            throws IOException, InterruptedException {
        return start(root, environment, List.of(flags));
    }

    /** Starts an agent on a runtime of others, with a root below the daemon's directory. */
    public static AgentProcess on(PeerRuntime runtime, Path root) throws IOException, InterruptedException {
        return on(runtime.socket(), root);
    }

    /** Starts an agent on the runtime that serves at a socket instead of the built-in one, and waits until its API answers. */
    public static AgentProcess on(Path socket, Path root) throws IOException, InterruptedException {
        return start(root, Map.of(), List.of("--container-runtime-endpoint", "unix://" + socket));
    }

    private static AgentProcess start(Path root, Map<String, String> environment, List<String> flags)
            throws IOException, InterruptedException {
        Files.createDirectories(root.resolve("manifests"));
        AgentProcess agent = new AgentProcess(root, flags, environment, launch(root, flags, environment));
        agent.awaitReady();
        return agent;
    }

    private static Process launch(Path root, List<String> flags, Map<String, String> environment) throws IOException {
        List<String> words = new ArrayList<>(List.of(launcher().toString(), "--root", root.toString(), "agent"));
        words.addAll(flags);
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        root.resolve("agent.log").toFile()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** Waits until the API answers. */
    public void awaitReady() throws InterruptedException {
        Await.until(
                PATIENCE,
                "the agent's API to answer",
                () -> api.get("/healthz").status() == 200,
                () -> (process.isAlive() ? "It runs." : "It ended with " + process.exitValue() + ".") + " Its log:\n"
                        + log());
    }

    /** Starts the agent again, without waiting for its API. */
    public void launchAgain() throws IOException {
        process = launch(root, flags, environment);
    }

    /** Starts the agent again and waits until its API answers. */
    public void startAgain() throws IOException, InterruptedException {
        launchAgain();
        awaitReady();
    }

    /** Ends the agent without a chance to tidy up. */
    public void killNine() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Ends the agent with SIGTERM; its pods stay. Returns its exit code. */
    public int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the agent did not end on SIGTERM within " + PATIENCE + ". Its log:\n" + log());
        }
        return process.exitValue();
    }

    public LocalApi api() {
        return api;
    }

    public Path root() {
        return root;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What the agent has printed. */
    public String log() {
        try {
            return Files.readString(root.resolve("agent.log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Runs a command line against this agent. */
    public Command gantry(String... words) throws IOException, InterruptedException {
        return Command.run(Map.of(), "", commandLine(words));
    }

    /** The words that run a command line against this agent. */
    public String[] commandLine(String... words) {
        List<String> line = new ArrayList<>(List.of(launcher().toString(), "--root", root.toString()));
        line.addAll(Arrays.asList(words));
        return line.toArray(String[]::new);
    }

    /** Puts a manifest into the watched directory, as an editor does: complete from the start. */
    public void putManifest(String fileName, String yaml) throws IOException {
        Path hidden = Files.writeString(root.resolve("manifests/." + fileName + ".tmp"), yaml);
        Files.move(hidden, root.resolve("manifests").resolve(fileName), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    /** Takes a manifest away. */
    public void removeManifest(String fileName) throws IOException {
        Files.delete(root.resolve("manifests").resolve(fileName));
    }

    /** Waits until a pod fulfils a condition, and returns it. */
    public JsonNode awaitPod(String name, String what, Predicate<JsonNode> condition)
            throws IOException, InterruptedException {
        Await.until(PATIENCE, "pod " + name + " " + what, () -> condition.test(api.pod(name)), () -> describe(name));
        return api.pod(name);
    }

    /** Waits until a pod is ready, and returns it. */
    public JsonNode awaitReady(String name) throws IOException, InterruptedException {
        return awaitPod(name, "to be ready", pod -> {
            for (JsonNode condition : pod.path("status").path("conditions")) {
                if (condition.path("type").asText().equals("Ready")) {
                    return condition.path("status").asText().equals("True");
                }
            }
            return false;
        });
    }

    /** Waits until there is no pod of this name. */
    public void awaitGone(String name) throws InterruptedException {
        Await.until(PATIENCE, "pod " + name + " to be gone", () -> api.pod(name).isMissingNode(), () -> describe(name));
    }

    private String describe(String name) {
        try {
            return "The pod: " + api.pod(name) + "\nThe agent's log:\n" + log();
        } catch (IOException e) {
            return e + "\nThe agent's log:\n" + log();
        }
    }

    /** Deletes all pods and ends the agent, whatever state it is in. */
    @Override
    public void close() throws IOException {
        try {
            deleteEverything();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("delete the pods of " + root, e);
        }
    }

    private void deleteEverything() throws IOException, InterruptedException {
        if (!process.isAlive()) {
            startAgain();
        }
        try (var manifests = Files.list(root.resolve("manifests"))) {
            for (Path manifest : manifests.toList()) {
                Files.deleteIfExists(manifest);
            }
        }
        for (JsonNode pod : api.pods()) {
            String name = pod.path("metadata").path("name").asText();
            api.send("DELETE", "/api/v1/namespaces/default/pods/" + name + "?gracePeriodSeconds=0", "");
        }
        Await.until(PATIENCE, "all pods to be gone", () -> api.pods().isEmpty(), this::log);
        stop();
    }
}
