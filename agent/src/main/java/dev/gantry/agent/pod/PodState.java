package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.probe.ContainerHealth;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All that {@link PodDecider#decide} looks at. Immutable; the pod's worker replaces it.
 *
 * @param pod as wanted; not modified
 * @param observed what the runtime has; empty until it was asked
 * @param deletion set once the pod shall go
 * @param images by container; a name that is missing is {@link ImageState.Unchecked}
 * @param startFailures by container, since the last start that worked
 * @param sandboxFailure since the last sandbox that worked
 * @param removalFailure since the last time that something could be stopped or removed
 * @param inFlight what is going on
 * @param finalPhase {@code Succeeded} or {@code Failed} if the pod ended for good earlier, perhaps under another agent
 * @param loggedRestarts by container: how many runs left a log, for when the runtime has forgotten them
 * @param startedAt when the pod began on this node, perhaps under another agent; empty until the runtime was asked
 * @param failure why the pod was ended as failed, if its containers were not the reason
 * @param ending the grace within which what is over is being stopped
 * @param restarts that somebody asked for
 * @param reported conditions that somebody else reports of the pod, one per type
 * @param announced ids of runs whose end was announced to them, by their preStop hook, before their turn came
 * @param health what probes say, by container id; one that is missing is healthy as soon as it runs
 */
public record PodState(
        Pod pod,
        Optional<ObservedPod> observed,
        Optional<Deletion> deletion,
        Map<String, ImageState> images,
        Map<String, Retry> startFailures,
        Optional<Retry> sandboxFailure,
        Optional<Retry> removalFailure,
        Set<Operation> inFlight,
        Optional<String> finalPhase,
        Map<String, Integer> loggedRestarts,
        Optional<Instant> startedAt,
        Optional<PodFailure> failure,
        Optional<Deletion> ending,
        Restarts restarts,
        List<PodCondition> reported,
        Set<String> announced,
        Map<String, ContainerHealth> health) {
    public PodState {
        health = Map.copyOf(health);
        reported = List.copyOf(reported);
        announced = Set.copyOf(announced);
        images = Map.copyOf(images);
        startFailures = Map.copyOf(startFailures);
        inFlight = Set.copyOf(inFlight);
        loggedRestarts = Map.copyOf(loggedRestarts);
    }

    /** A pod that was just taken over. */
    public static PodState of(Pod pod) {
        return new PodState(
                pod,
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Set.of(),
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Restarts.NONE,
                List.of(),
                Set.of(),
                Map.of());
    }

    ImageState image(String container) {
        return images.getOrDefault(container, new ImageState.Unchecked());
    }

    PodState withPod(Pod changed) {
        return change(parts -> parts.pod = changed);
    }

    /** The pod has become another one in place: what is known of images that it names no more is forgotten. */
    PodState edited(Pod changed) {
        PodState result = withPod(changed);
        for (Container container : PodContainers.all(changed)) {
            boolean same = PodContainers.all(pod).stream()
                    .anyMatch(before -> before.getName().equals(container.getName())
                            && Objects.equals(before.getImage(), container.getImage()));
            if (!same) {
                result = result.withImage(container.getName(), new ImageState.Unchecked())
                        .withStartFailure(container.getName(), Optional.empty());
            }
        }
        return result;
    }

    /** After a request for a restart: what held the containers back holds them back no more. */
    PodState restarted(Optional<String> container, Instant asOf, Instant now) {
        ObservedPod seen = observed.orElse(ObservedPod.NOTHING);
        PodState result = withRestarts(restarts.requested(pod, seen, container, asOf, now));
        for (Container one : PodContainers.lasting(pod)) {
            boolean meant = container.isEmpty() || container.get().equals(one.getName());
            if (meant && result.images.get(one.getName()) instanceof ImageState.Missing) {
                result = result.withImage(one.getName(), new ImageState.Unchecked());
            }
            if (meant) {
                result = result.withStartFailure(one.getName(), Optional.empty());
            }
        }
        return result;
    }

    PodState withObserved(ObservedPod seen) {
        return change(parts -> parts.observed = Optional.of(seen));
    }

    PodState withDeletion(Deletion requested) {
        return change(parts -> parts.deletion = Optional.of(requested));
    }

    PodState withImage(String container, ImageState image) {
        return change(parts -> parts.images = with(images, container, Optional.of(image)));
    }

    PodState withStartFailure(String container, Optional<Retry> failure) {
        return change(parts -> parts.startFailures = with(startFailures, container, failure));
    }

    /** The same, with nothing waiting to be tried again: images and starts. */
    PodState withRetriesDue(Instant now) {
        return change(parts -> {
            parts.startFailures = new LinkedHashMap<>(startFailures);
            parts.startFailures.replaceAll((container, retry) -> retry.dueAt(now));
            parts.images = new LinkedHashMap<>(images);
            parts.images.replaceAll(
                    (container, image) -> image instanceof ImageState.Missing missing ? missing.retryAt(now) : image);
        });
    }

    PodState withSandboxFailure(Optional<Retry> failure) {
        return change(parts -> parts.sandboxFailure = failure);
    }

    PodState withRemovalFailure(Optional<Retry> failure) {
        return change(parts -> parts.removalFailure = failure);
    }

    PodState withInFlight(Set<Operation> operations) {
        return change(parts -> parts.inFlight = operations);
    }

    PodState withFinalPhase(String phase) {
        return change(parts -> parts.finalPhase = Optional.of(phase));
    }

    PodState withLoggedRestarts(Map<String, Integer> logged) {
        return change(parts -> parts.loggedRestarts = logged);
    }

    PodState withStartedAt(Instant began) {
        return change(parts -> parts.startedAt = Optional.of(began));
    }

    PodState withFailure(Optional<PodFailure> why) {
        return change(parts -> parts.failure = why);
    }

    PodState withEnding(Optional<Deletion> within) {
        return change(parts -> parts.ending = within);
    }

    PodState withRestarts(Restarts asked) {
        return change(parts -> parts.restarts = asked);
    }

    PodState withReported(List<PodCondition> conditions) {
        return change(parts -> parts.reported = conditions);
    }

    PodState withAnnounced(String id) {
        Set<String> all = new HashSet<>(announced);
        all.add(id);
        return change(parts -> parts.announced = all);
    }

    /** What probes have found; a run whose hook has not ended has not started. */
    PodState withHealth(Map<String, ContainerHealth> found) {
        Map<String, ContainerHealth> all = new LinkedHashMap<>(found);
        runsInPostStart().forEach(run -> all.put(run.id(), ContainerHealth.STARTING));
        return change(parts -> parts.health = all);
    }

    /** Whether a container's postStart hook may be going on: until it has ended, the container does not count as running. */
    boolean isInPostStart(Container container) {
        return container.getLifecycle() != null
                && container.getLifecycle().getPostStart() != null
                && inFlight.contains(new Operation.StartingContainer(container.getName()));
    }

    private Stream<ObservedContainer> runsInPostStart() {
        return PodContainers.lasting(pod).stream()
                .filter(this::isInPostStart)
                .flatMap(container -> observed.flatMap(seen -> seen.latest(container.getName())).stream())
                .filter(ObservedContainer::isRunning);
    }

    /** What runs and may be probed. */
    ObservedPod probed() {
        ObservedPod seen = observed.orElse(ObservedPod.NOTHING);
        Set<ObservedContainer> hooked = runsInPostStart().collect(Collectors.toSet());
        return hooked.isEmpty()
                ? seen
                : new ObservedPod(
                        seen.sandboxes(),
                        seen.containers().stream()
                                .filter(run -> !hooked.contains(run))
                                .toList());
    }

    private PodState change(Consumer<Parts> change) {
        Parts parts = new Parts(this);
        change.accept(parts);
        return parts.state();
    }

    /** The components, while one of them is replaced. */
    private static final class Parts {
        private Pod pod;
        private Optional<ObservedPod> observed;
        private Optional<Deletion> deletion;
        private Map<String, ImageState> images;
        private Map<String, Retry> startFailures;
        private Optional<Retry> sandboxFailure;
        private Optional<Retry> removalFailure;
        private Set<Operation> inFlight;
        private Optional<String> finalPhase;
        private Map<String, Integer> loggedRestarts;
        private Optional<Instant> startedAt;
        private Optional<PodFailure> failure;
        private Optional<Deletion> ending;
        private Restarts restarts;
        private List<PodCondition> reported;
        private Set<String> announced;
        private Map<String, ContainerHealth> health;

        Parts(PodState state) {
            pod = state.pod;
            observed = state.observed;
            deletion = state.deletion;
            images = state.images;
            startFailures = state.startFailures;
            sandboxFailure = state.sandboxFailure;
            removalFailure = state.removalFailure;
            inFlight = state.inFlight;
            finalPhase = state.finalPhase;
            loggedRestarts = state.loggedRestarts;
            startedAt = state.startedAt;
            failure = state.failure;
            ending = state.ending;
            restarts = state.restarts;
            reported = state.reported;
            announced = state.announced;
            health = state.health;
        }

        PodState state() {
            return new PodState(
                    pod,
                    observed,
                    deletion,
                    images,
                    startFailures,
                    sandboxFailure,
                    removalFailure,
                    inFlight,
                    finalPhase,
                    loggedRestarts,
                    startedAt,
                    failure,
                    ending,
                    restarts,
                    reported,
                    announced,
                    health);
        }
    }

    private static <V> Map<String, V> with(Map<String, V> map, String key, Optional<V> value) {
        Map<String, V> copy = new LinkedHashMap<>(map);
        value.ifPresentOrElse(present -> copy.put(key, present), () -> copy.remove(key));
        return Collections.unmodifiableMap(copy);
    }
}
