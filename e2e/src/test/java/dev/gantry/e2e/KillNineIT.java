package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of the agent while pods start, run, exit and stop: nothing is lost, doubled or leaked. */
@RequiresRoot
@RequiresTool("nft")
class KillNineIT {
    private static final int ROUNDS = Integer.getInteger("gantry.e2e.kills", 8);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void nothingIsLostDoubledOrLeakedHoweverOftenTheAgentIsKilled(@TempDir Path directory) throws Exception {
        long seed = Long.getLong("gantry.e2e.seed", System.nanoTime());
        Random random = new Random(seed);
        Set<String> uids = new HashSet<>();
        try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            Pods.create(agent, "first", "Never", 1, "exit 0");
            agent.awaitPod("first", "to have ended", pod -> phase(pod).equals("Succeeded"));
            remember(agent, uids);
            Pods.delete(agent, "first");
            agent.awaitGone("first");
            HostState before = HostState.of(agent, uids);
            Set<String> links = HostState.links(agent);
            Set<String> firewall = HostState.firewall(agent);

            Pods.create(
                    agent,
                    "steady",
                    "Always",
                    1,
                    "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done");
            JsonNode steady = agent.awaitReady("steady");
            for (int round = 0; round < ROUNDS; round++) {
                String name = "round" + round;
                Pods.create(agent, name + "-exits", "Never", 1, "sleep 0.5; exit 7");
                Pods.create(agent, name + "-stays", "Always", 1, "trap 'exit 0' TERM; sleep 1000000 & wait");
                if (random.nextBoolean()) {
                    Pods.delete(agent, name + "-stays");
                }
                pause(random.nextInt(700));
                remember(agent, uids);
                agent.killNine();
                agent.startAgain();
                remember(agent, uids);

                JsonNode exited = agent.awaitPod(
                        name + "-exits",
                        "to have failed, seed " + seed,
                        pod -> phase(pod).equals("Failed"));
                assertThat(exited.at("/status/containerStatuses/0/state/terminated/exitCode")
                                .asInt())
                        .as("seed %d: %s", seed, exited)
                        .isEqualTo(7);
                assertThat(restarts(exited)).isZero();
            }

            JsonNode still = agent.api().pod("steady");
            assertThat(still.at("/status/containerStatuses/0/containerID"))
                    .as("seed %d", seed)
                    .isEqualTo(steady.at("/status/containerStatuses/0/containerID"));
            assertThat(restarts(still)).isZero();
            assertThat(still.at("/metadata/uid")).isEqualTo(steady.at("/metadata/uid"));
            countsWithoutGap(agent.root());

            List<String> names = new ArrayList<>();
            agent.api().pods().forEach(pod -> names.add(pod.at("/metadata/name").asText()));
            assertThat(names).doesNotHaveDuplicates();
            for (String name : names) {
                Pods.delete(agent, name);
            }
            Await.until(
                    PATIENCE, "all pods to be gone", () -> agent.api().pods().isEmpty(), agent::log);
            Await.until(
                    PATIENCE,
                    "nothing to be left behind, seed " + seed,
                    () -> HostState.of(agent, uids).equals(before)
                            && links.containsAll(HostState.links(agent))
                            && firewall.containsAll(HostState.firewall(agent)),
                    () -> "Before: " + before + links + firewall + "\nAfter: " + now(agent, uids) + "\n" + agent.log());
        }
    }

    @Test
    void theAgentsDescriptorsDoNotGrowWithThePodsItHasHad(@TempDir Path directory) throws Exception {
        try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            // What is opened once is opened by the first few.
            runAndDelete(agent, 5);
            int before = descriptors(agent);
            runAndDelete(agent, 20);
            Await.until(
                    PATIENCE,
                    "descriptors to be closed",
                    () -> descriptors(agent) <= before + 4,
                    () -> before + " before, now " + descriptors(agent));
        }
    }

    private static void runAndDelete(AgentProcess agent, int count) throws IOException, InterruptedException {
        for (int i = 0; i < count; i++) {
            Pods.create(agent, "brief" + i, "Always", 1, "trap 'exit 0' TERM; sleep 1000000 & wait");
        }
        for (int i = 0; i < count; i++) {
            agent.awaitReady("brief" + i);
            Pods.delete(agent, "brief" + i);
        }
        Await.until(PATIENCE, "all pods to be gone", () -> agent.api().pods().isEmpty(), agent::log);
    }

    private static int descriptors(AgentProcess agent) {
        String[] names =
                Path.of("/proc", Long.toString(agent.pid()), "fd").toFile().list();
        return names == null ? 0 : names.length;
    }

    /** The log of the pod that counts has every number once, in order. */
    private static void countsWithoutGap(Path root) throws IOException {
        List<Integer> numbers = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root.resolve("log/pods"))) {
            for (Path file : files.filter(path -> path.toString().matches(".*/default_steady_.*/main/0\\.log"))
                    .toList()) {
                for (String line : Files.readAllLines(file)) {
                    numbers.add(Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1)));
                }
            }
        }
        assertThat(numbers).hasSizeGreaterThan(10);
        for (int i = 0; i < numbers.size(); i++) {
            assertThat(numbers.get(i)).isEqualTo(i + 1);
        }
    }

    private static void remember(AgentProcess agent, Set<String> uids) throws IOException {
        agent.api().pods().forEach(pod -> uids.add(pod.at("/metadata/uid").asText()));
    }

    private static String now(AgentProcess agent, Set<String> uids) {
        try {
            return HostState.of(agent, uids) + " " + HostState.links(agent) + HostState.firewall(agent);
        } catch (IOException | InterruptedException e) {
            return e.toString();
        }
    }

    /** The moment of the kill is what is varied; there is nothing to wait for. */
    private static void pause(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private static String phase(JsonNode pod) {
        return pod.at("/status/phase").asText();
    }

    private static int restarts(JsonNode pod) {
        return pod.at("/status/containerStatuses/0/restartCount").asInt();
    }
}
