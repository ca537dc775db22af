package dev.gantry.agent.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.FakeClock;
import io.fabric8.kubernetes.api.model.Event;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventStoreTest {
    private static final PodReference WEB = new PodReference("default", "web", "uid-1");

    @TempDir
    Path directory;

    private final FakeClock clock = new FakeClock();
    private EventStore store = EventStore.open(null, "node-1", clock, Runnable::run, clock.timers());

    @BeforeEach
    void open() {
        store = EventStore.open(directory.resolve("events"), "node-1", clock, Runnable::run, clock.timers());
    }

    private void record(String container, String reason, String message) {
        store.record(WEB, container.isEmpty() ? Optional.empty() : Optional.of(container), true, reason, message);
    }

    private List<String> texts() {
        return store.events().stream()
                .map(event -> event.getReason() + " x" + event.getCount() + " " + event.getMessage())
                .toList();
    }

    @Test
    void equalOnesAreCounted() {
        record("app", "Unhealthy", "no");
        clock.advance(Duration.ofSeconds(10));
        record("app", "Unhealthy", "no");
        record("", "Unhealthy", "no");

        assertThat(texts()).containsExactly("Unhealthy x2 no", "Unhealthy x1 no");
        Event first = store.events().get(0);
        assertThat(first.getFirstTimestamp()).isLessThan(first.getLastTimestamp());
        assertThat(first.getInvolvedObject().getFieldPath()).isEqualTo("spec.containers{app}");
        assertThat(store.events().get(1).getInvolvedObject().getFieldPath()).isNull();
    }

    @Test
    void containersAreNamedByWhereTheyAre() {
        store.locate((pod, container) -> "spec.initContainers{" + container + "}");
        record("setup", "Failed", "x");

        assertThat(store.events().get(0).getInvolvedObject().getFieldPath()).isEqualTo("spec.initContainers{setup}");
    }

    @Test
    void whatSaysTheSameInEverNewWordsIsCombined() {
        record("app", "Killing", "kept");
        for (int i = 1; i <= 3000; i++) {
            record("app", "Unhealthy", "at " + i);
            clock.advance(Duration.ofMillis(100));
        }

        assertThat(texts()).hasSize(12).contains("Killing x1 kept");
        assertThat(texts().get(11)).isEqualTo("Unhealthy x2990 (combined from similar events): at 3000");

        clock.advance(Duration.ofMinutes(11));
        record("app", "Unhealthy", "later");
        assertThat(texts()).contains("Unhealthy x1 later");
    }

    @Test
    void beyondItsCapacityTheOneThatOccurredLongestAgoGoes() {
        for (int i = 0; i < EventStore.CAPACITY + 5; i++) {
            store.record(new PodReference("default", "web-" + i, "uid-" + i), Optional.empty(), false, "R", "m");
        }
        assertThat(store.events()).hasSize(EventStore.CAPACITY);
        assertThat(store.events().get(0).getInvolvedObject().getName()).isEqualTo("web-5");
    }

    @Test
    void aLongMessageIsCut() {
        record("", "R", "x".repeat(5000));

        assertThat(store.events().get(0).getMessage()).hasSize(1024).endsWith("…");
    }

    @Test
    void aCharacterThatIsCutOrNoneIsKeptFromNoOtherEvent() {
        record("", "Cut", "x".repeat(1022) + "\ud83d\ude00 and more");
        record("", "Half", "\ud83d");
        record("", "Whole", "whole");
        store.close();

        open();

        assertThat(store.events().get(0).getMessage()).isEqualTo("x".repeat(1022) + "…");
        assertThat(texts()).hasSize(3).contains("Half x1 ?", "Whole x1 whole");
    }

    @Test
    void theNextAgentHasThemAll() {
        store.locate((pod, container) -> "spec.initContainers{" + container + "}");
        record("setup", "Failed", "first");
        for (int i = 0; i < 20; i++) {
            record("app", "Unhealthy", "at " + i);
        }
        record("setup", "Failed", "first");
        List<Event> before = store.events();
        store.close();

        open();

        assertThat(store.events())
                .usingRecursiveComparison()
                .ignoringFields("metadata.resourceVersion")
                .isEqualTo(before);
        record("app", "Unhealthy", "at 99");
        assertThat(texts()).contains("Unhealthy x11 (combined from similar events): at 99");
    }

    @Test
    void theNodesEventsAreKeptAsThePodsAre() {
        store.ofNode().record(false, "Starting", "Starting kubelet.");
        clock.advance(Duration.ofSeconds(10));
        store.ofNode().record(false, "Starting", "Starting kubelet.");
        // A pod that has the node's name is another object.
        store.record(new PodReference("default", "node-1", "node-1"), Optional.empty(), false, "Starting", "x");
        store.close();

        open();

        assertThat(texts()).containsExactly("Starting x2 Starting kubelet.", "Starting x1 x");
        Event event = store.events().get(0);
        assertThat(event.getInvolvedObject().getKind()).isEqualTo("Node");
        assertThat(event.getInvolvedObject().getName()).isEqualTo("node-1");
        assertThat(event.getInvolvedObject().getUid()).isEqualTo("node-1");
        assertThat(event.getInvolvedObject().getNamespace()).isNull();
        assertThat(event.getInvolvedObject().getFieldPath()).isNull();
        assertThat(event.getMetadata().getNamespace()).isEqualTo("default");
        assertThat(event.getMetadata().getName()).startsWith("node-1.");
        assertThat(event.getType()).isEqualTo("Normal");
        store.ofNode().record(false, "Starting", "Starting kubelet.");
        assertThat(texts()).contains("Starting x3 Starting kubelet.");
    }

    @Test
    void aTornFileIsReadAsFarAsItGoes() throws Exception {
        record("", "A", "a");
        record("", "B", "b");
        store.close();
        Path file = directory.resolve("events");
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        lines.set(1, lines.get(1).substring(0, 20));
        Files.write(file, lines);

        open();

        assertThat(texts()).containsExactly("A x1 a");
    }
}
