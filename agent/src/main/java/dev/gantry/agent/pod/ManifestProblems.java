package dev.gantry.agent.pod;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.staticpods.ManifestError;
import dev.gantry.staticpods.ManifestSnapshot.Problem;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is wrong with manifests: a log line and an event when it is news, and a condition on the pods that go on by their last
 * good revision. Called under the lock of the {@link PodTable}.
 */
final class ManifestProblems {
    private static final Logger log = LoggerFactory.getLogger(ManifestProblems.class);

    private final PodTable table;
    private final ShownPods shown;
    private final StaticEdits edits;
    private final EventSink events;
    private final InstantSource clock;
    private List<Problem> present = List.of();

    ManifestProblems(PodTable table, ShownPods shown, StaticEdits edits, EventSink events, InstantSource clock) {
        this.table = table;
        this.shown = shown;
        this.edits = edits;
        this.events = events;
        this.clock = clock;
    }

    List<Problem> present() {
        return present;
    }

    /** Takes all that is wrong now; what is not among it is right again. */
    void replace(List<Problem> problems) {
        Map<String, PodCondition> conditions = new HashMap<>();
        for (Problem problem : problems) {
            String message =
                    problem.errors().stream().map(ManifestError::toString).collect(Collectors.joining("; "));
            problem.keptUids().forEach(uid -> conditions.put(edits.running(uid), condition(message)));
            if (!present.contains(problem)) {
                announce(problem, message);
            }
        }
        present = problems;
        for (PodSlot slot : table.slots()) {
            Occupant occupant = slot.current;
            if (occupant != null && !occupant.orphan && occupant.source == PodSource.FILE) {
                PodCondition now = conditions.get(occupant.uid());
                if (!Objects.equals(message(now), message(occupant.manifestProblem))) {
                    occupant.manifestProblem = now;
                    shown.show(slot);
                }
            }
        }
    }

    private static @Nullable String message(@Nullable PodCondition condition) {
        return condition == null ? null : condition.getMessage();
    }

    private void announce(Problem problem, String message) {
        log.atWarn()
                .addKeyValue("path", problem.file())
                .addKeyValue("err", message)
                .log(
                        problem.kept()
                                ? "Could not use edited manifest, keeping its last good revision"
                                : "Could not use manifest, ignoring");
        List<PodReference> subjects = problem.keptUids().stream()
                .map(edits::running)
                .flatMap(uid -> table.occupant(uid).stream())
                .map(Occupant::reference)
                .toList();
        if (subjects.isEmpty()) {
            String name = String.valueOf(Path.of(problem.file()).getFileName());
            subjects = List.of(new PodReference("default", name, ""));
        }
        subjects.forEach(subject -> events.record(subject, Optional.empty(), true, "FailedValidation", message));
    }

    private PodCondition condition(String message) {
        PodCondition condition = new PodCondition();
        condition.setType(PodEngine.MANIFEST_CONDITION);
        condition.setStatus("False");
        condition.setReason("FailedValidation");
        condition.setMessage(message);
        condition.setLastTransitionTime(Timestamps.format(clock.instant()));
        return condition;
    }
}
