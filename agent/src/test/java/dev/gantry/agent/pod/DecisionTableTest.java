package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.probe.ContainerHealth;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The rules of a pod's life, row by row: {@code decisions.txt} says how to read it. */
class DecisionTableTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:10:00Z");
    private static final Instant ENDED = NOW.minusSeconds(5);
    private static final long DEADLINE_SECONDS = 60;
    private static final Pattern CONTAINER = Pattern.compile("(\\w+)(?:\\(([^)]*)\\))?=(\\S+)");
    private static final Pattern RULE = Pattern.compile("(In|NotIn)(\\d+)");

    private record Row(
            int line, String policy, String containers, String sandbox, String deletion, String phase, String actions) {
        String name() {
            return line + ": " + policy + ", " + containers + ", sandbox " + sandbox + ", deletion " + deletion;
        }
    }

    @TestFactory
    Stream<DynamicTest> rows() throws IOException {
        return read().stream().map(row -> dynamicTest(row.name(), () -> check(row)));
    }

    private static List<Row> read() throws IOException {
        List<Row> rows = new ArrayList<>();
        try (InputStream in = Objects.requireNonNull(DecisionTableTest.class.getResourceAsStream("decisions.txt"))) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                if (!line.isBlank() && !line.startsWith("#")) {
                    String[] cells = line.split("\\|", -1);
                    rows.add(new Row(
                            i + 1,
                            cells[0].strip(),
                            cells[1].strip(),
                            cells[2].strip(),
                            cells[3].strip(),
                            cells[4].strip(),
                            cells[5].strip()));
                }
            }
        }
        return rows;
    }

    private static void check(Row row) {
        State state = new State(row);

        Decision decision = PodDecider.decide(state.build(), CrashLoop.KUBELET, NOW);

        assertThat(decision.shown().text()).isEqualTo(row.phase());
        assertThat(words(decision, state.state())).isEqualTo(row.actions());
        Decision again = PodDecider.decide(
                state.build()
                        .withInFlight(java.util.Set.copyOf(decision.actions().stream()
                                .map(Action::operation)
                                .toList())),
                CrashLoop.KUBELET,
                NOW);
        assertThat(again.actions()).as("what goes on is not begun again").isEmpty();
    }

    /** A row's state in the making. */
    private static final class State {
        private final Row row;
        private final List<Container> init = new ArrayList<>();
        private final List<Container> regular = new ArrayList<>();
        private final List<io.fabric8.kubernetes.api.model.EphemeralContainer> ephemeral = new ArrayList<>();
        private final List<ObservedContainer> runs = new ArrayList<>();
        private final Map<String, ContainerHealth> health = new HashMap<>();
        private final Map<String, ImageState> images = new HashMap<>();
        private final Map<String, Integer> restarts = new HashMap<>();
        private final Map<String, Integer> givenUp = new HashMap<>();

        State(Row row) {
            this.row = row;
            Matcher containers = CONTAINER.matcher(row.containers());
            while (containers.find()) {
                String modifiers = containers.group(2) == null ? "" : containers.group(2);
                container(containers.group(1), List.of(modifiers.split(",")), containers.group(3));
            }
        }

        private void container(String name, List<String> modifiers, String text) {
            ContainerBuilder builder = new ContainerBuilder().withName(name).withImage("busybox");
            for (String modifier : modifiers) {
                Matcher rule = RULE.matcher(modifier);
                if (rule.matches()) {
                    builder.addNewRestartPolicyRule()
                            .withAction("Restart")
                            .withNewExitCodes()
                            .withOperator(rule.group(1))
                            .withValues(Integer.parseInt(rule.group(2)))
                            .endExitCodes()
                            .endRestartPolicyRule();
                } else if (List.of("Always", "OnFailure", "Never").contains(modifier)) {
                    builder.withRestartPolicy(modifier);
                }
            }
            boolean edited = modifiers.contains("edited");
            if (modifiers.contains("restart")) {
                restarts.put(name, 3);
            }
            if (modifiers.contains("unhealthy")) {
                givenUp.put(name, 3);
            }
            switch (name.charAt(0)) {
                case 'i' -> init.add(builder.build());
                case 's' -> init.add(builder.withRestartPolicy("Always").build());
                case 'e' ->
                    ephemeral.add(new EphemeralContainerBuilder()
                            .withName(name)
                            .withImage("busybox")
                            .build());
                default -> regular.add(builder.build());
            }
            images.put(name, new ImageState.Present("sha256:1", OptionalLong.empty(), ""));
            run(name, text, edited);
        }

        private void run(String name, String text, boolean edited) {
            if (text.equals("-")) {
                return;
            }
            Map<String, String> annotations = new HashMap<>();
            Container began = new ContainerBuilder()
                    .withName(name)
                    .withImage(edited ? "busybox:1" : "busybox")
                    .build();
            annotations.put(Labels.CONTAINER_HASH, Labels.definitionHash(began));
            ContainerRun run;
            if (text.startsWith("r")) {
                run = new ContainerRun.Running(NOW.minusSeconds(60));
                health(name, text.substring(1));
            } else if (text.equals("c")) {
                run = new ContainerRun.Created();
            } else if (text.equals("?")) {
                run = new ContainerRun.Lost();
            } else {
                String[] parts = text.split("~");
                int code = Integer.parseInt(parts[0]);
                run = new ContainerRun.Exited(NOW.minusSeconds(60), ENDED, code, "", "");
                if (parts.length > 1) {
                    annotations.put(Labels.RESTART_BACKOFF_MILLIS, parts[1] + "000");
                }
            }
            runs.add(new ObservedContainer(
                    "id-" + name,
                    "sandbox-0",
                    name,
                    3,
                    NOW.minusSeconds(61),
                    run,
                    "busybox",
                    "sha256:1",
                    "",
                    "",
                    Optional.empty(),
                    annotations));
        }

        private void health(String name, String probe) {
            if (probe.isEmpty()) {
                return;
            }
            Optional<ContainerHealth.Unhealthy> unhealthy = probe.startsWith("!")
                    ? Optional.of(new ContainerHealth.Unhealthy(
                            "liveness",
                            probe.length() > 1
                                    ? OptionalLong.of(Long.parseLong(probe.substring(1)))
                                    : OptionalLong.empty()))
                    : Optional.empty();
            health.put("id-" + name, new ContainerHealth(!probe.equals("-"), !probe.equals("~"), unhealthy));
        }

        PodState build() {
            boolean overdue = row.policy().endsWith(" overdue");
            Pod pod = new PodBuilder()
                    .withNewMetadata()
                    .withName("web")
                    .withNamespace("default")
                    .withUid("uid-1")
                    .endMetadata()
                    .withNewSpec()
                    .withRestartPolicy(row.policy().split(" ")[0])
                    .withTerminationGracePeriodSeconds(30L)
                    .withActiveDeadlineSeconds(overdue ? DEADLINE_SECONDS : 3600)
                    .withInitContainers(init)
                    .withContainers(regular)
                    .withEphemeralContainers(ephemeral)
                    .endSpec()
                    .build();
            List<ObservedSandbox> sandboxes = row.sandbox().equals("none")
                    ? List.of()
                    : List.of(new ObservedSandbox(
                            "sandbox-0", 0, row.sandbox().equals("ready"), NOW, NOW, List.of("10.0.0.2")));
            Optional<Restarts.Round> round = row.policy().endsWith(" restart")
                    ? Optional.of(new Restarts.Round(all(), NOW.minusSeconds(10), false))
                    : Optional.empty();
            PodState state = PodState.of(pod)
                    .withObserved(new ObservedPod(sandboxes, runs))
                    .withHealth(health)
                    .withStartedAt(NOW.minusSeconds(DEADLINE_SECONDS + 12))
                    .withRestarts(new Restarts(restarts, givenUp, round));
            for (Map.Entry<String, ImageState> image : images.entrySet()) {
                state = state.withImage(image.getKey(), image.getValue());
            }
            return row.deletion().equals("-") ? state : state.withDeletion(deletion(Long.parseLong(row.deletion())));
        }

        private Map<String, Integer> all() {
            Map<String, Integer> all = new HashMap<>();
            runs.forEach(run -> all.put(run.name(), run.restartCount()));
            return all;
        }

        private static Deletion deletion(long left) {
            return Deletion.requested(NOW.minusSeconds(30 - left), 30);
        }

        /** The names of runs by their ids. */
        Map<String, String> state() {
            Map<String, String> names = new HashMap<>();
            runs.forEach(run -> names.put(run.id(), run.name()));
            return names;
        }
    }

    private static String words(Decision decision, Map<String, String> names) {
        List<String> words = new ArrayList<>();
        List<String> stops = new ArrayList<>();
        for (Action action : decision.actions()) {
            if (action instanceof Action.RunSandbox run) {
                words.add("sandbox" + run.attempt());
            } else if (action instanceof Action.EnsureImage ensure) {
                words.add("ensure " + ensure.container());
            } else if (action instanceof Action.StartContainer start) {
                words.add("start " + start.container());
            } else if (action instanceof Action.StopContainer stop) {
                stops.add("stop " + names.get(stop.id()) + " " + stop.timeoutSeconds());
            } else if (action instanceof Action.StopSandbox) {
                words.add("stopSandbox");
            } else if (action instanceof Action.RemoveSandbox) {
                words.add("removeSandbox");
            } else {
                words.add("removeContainer");
            }
        }
        stops.sort(null);
        words.addAll(0, stops);
        if (decision.finished()) {
            words.add("finished");
        }
        decision.wakeUp()
                .map(at -> Duration.between(NOW, at).toSeconds())
                .filter(seconds -> seconds < 600)
                .ifPresent(seconds -> words.add("wait " + seconds));
        return String.join("+", words);
    }
}
