package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.agent.node.NodeEvents;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.testing.FakeClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeViewTest {
    private static final NodeFacts FACTS = new NodeFacts(
            "node-1",
            List.of("192.0.2.1"),
            new NodeResources(
                    new Amounts(Map.of("memory", 8L << 30)),
                    0,
                    Amounts.NONE,
                    Amounts.NONE,
                    new Amounts(Map.of("memory", 100L << 20))),
            ResourcePolicy.DEFAULT);

    @TempDir
    Path root;

    private final FakeClock clock = new FakeClock();
    private final List<String> reasons = new ArrayList<>();
    private Optional<String> unready = Optional.empty();
    private int firewallLooks;

    @BeforeEach
    void machine() throws IOException {
        Files.createDirectories(NodePaths.under(root).state());
        Files.createDirectories(root.resolve("proc/sys/kernel/random"));
        Files.writeString(root.resolve("proc/sys/kernel/random/boot_id"), "boot-1\n");
        Files.writeString(root.resolve("proc/sys/kernel/pid_max"), "32768\n");
        Files.writeString(root.resolve("proc/loadavg"), "0.10 0.20 0.30 1/200 4711\n");
        memory(4 << 20);
    }

    private void memory(int availableKib) throws IOException {
        Files.writeString(
                root.resolve("proc/meminfo"), "MemTotal: 8388608 kB\nMemAvailable: " + availableKib + " kB\n");
    }

    private NodeView view() throws IOException {
        Backend.Health health = new Backend.Health() {
            @Override
            public Optional<String> unhealthy() {
                return Optional.empty();
            }

            @Override
            public Optional<String> unready() {
                return unready;
            }
        };
        return new NodeView(
                FACTS,
                NodePaths.under(root),
                Optional.empty(),
                health,
                clock,
                () -> "gantry://0.1.0",
                () -> {
                    firewallLooks++;
                    return List.of();
                },
                new NodeEvents("node-1", (warning, reason, message) -> reasons.add(reason)),
                root);
    }

    private List<String> recorded() {
        List<String> all = List.copyOf(reasons);
        reasons.clear();
        return all;
    }

    @Test
    void whatChangesIsRecordedThoughNobodyAsks() throws Exception {
        AutoCloseable looks = view().follow(Runnable::run, clock.timers());
        assertThat(recorded()).containsExactly("Starting");

        clock.advance(Duration.ofSeconds(1));
        assertThat(recorded())
                .containsExactly(
                        "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady");

        memory(99 << 10);
        clock.advance(Duration.ofSeconds(9));
        assertThat(recorded()).isEmpty();
        clock.advance(Duration.ofSeconds(1));
        assertThat(recorded()).containsExactly("NodeHasInsufficientMemory");

        unready = Optional.of("container runtime is down");
        memory(101 << 10);
        clock.advance(Duration.ofSeconds(10));
        assertThat(recorded()).containsExactly("NodeHasSufficientMemory", "NodeNotReady");
        assertThat(firewallLooks).isZero();
        looks.close();
    }

    @Test
    void whatIsFoundWhenSomebodyAsksIsNotRecordedAgain() throws Exception {
        NodeView view = view();
        view.node();
        assertThat(recorded()).hasSize(4).contains("NodeReady");

        view.follow(Runnable::run, clock.timers());
        clock.advance(Duration.ofSeconds(1));
        assertThat(recorded()).containsExactly("Starting");
    }

    @Test
    void anotherBootIdIsAReboot() throws Exception {
        view().follow(Runnable::run, clock.timers());
        Files.writeString(root.resolve("proc/sys/kernel/random/boot_id"), "boot-2\n");
        recorded();

        view().follow(Runnable::run, clock.timers());

        assertThat(recorded()).containsExactly("Starting", "Rebooted");
    }

    @Test
    void oneLookWaitsForTheOther() throws Exception {
        List<Runnable> waiting = new ArrayList<>();
        view().follow(waiting::add, clock.timers());

        clock.advance(Duration.ofSeconds(60));
        assertThat(waiting).hasSize(1);
        waiting.remove(0).run();
        clock.advance(Duration.ofSeconds(10));
        assertThat(waiting).hasSize(1);
    }

    @Test
    void anExecutorWithoutRoomIsAskedAgain() throws Exception {
        List<Runnable> taken = new ArrayList<>();
        view().follow(
                        task -> {
                            if (clock.instant().isBefore(java.time.Instant.parse("2026-01-01T00:00:15Z"))) {
                                throw new RejectedExecutionException("full");
                            }
                            taken.add(task);
                        },
                        clock.timers());

        clock.advance(Duration.ofSeconds(30));

        assertThat(taken).hasSize(1);
    }
}
