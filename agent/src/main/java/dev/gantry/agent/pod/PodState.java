package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedPod;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

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
        Map<String, Integer> loggedRestarts) {
    public PodState {
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
                Map.of());
    }

    ImageState image(String container) {
        return images.getOrDefault(container, new ImageState.Unchecked());
    }

    PodState withPod(Pod changed) {
        return new PodState(
                changed,
                observed,
                deletion,
                images,
                startFailures,
                sandboxFailure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withObserved(ObservedPod seen) {
        return new PodState(
                pod,
                Optional.of(seen),
                deletion,
                images,
                startFailures,
                sandboxFailure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withDeletion(Deletion requested) {
        return new PodState(
                pod,
                observed,
                Optional.of(requested),
                images,
                startFailures,
                sandboxFailure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withImage(String container, ImageState image) {
        return new PodState(
                pod,
                observed,
                deletion,
                with(images, container, Optional.of(image)),
                startFailures,
                sandboxFailure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withStartFailure(String container, Optional<Retry> failure) {
        return new PodState(
                pod,
                observed,
                deletion,
                images,
                with(startFailures, container, failure),
                sandboxFailure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withSandboxFailure(Optional<Retry> failure) {
        return new PodState(
                pod,
                observed,
                deletion,
                images,
                startFailures,
                failure,
                removalFailure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withRemovalFailure(Optional<Retry> failure) {
        return new PodState(
                pod,
                observed,
                deletion,
                images,
                startFailures,
                sandboxFailure,
                failure,
                inFlight,
                finalPhase,
                loggedRestarts);
    }

    PodState withInFlight(Set<Operation> operations) {
        return new PodState(
                pod,
                observed,
                deletion,
                images,
                startFailures,
                sandboxFailure,
                removalFailure,
                operations,
                finalPhase,
                loggedRestarts);
    }

    PodState withFinalPhase(String phase) {
        return new PodState(
                pod,
                observed,
                deletion,
                images,
                startFailures,
                sandboxFailure,
                removalFailure,
                inFlight,
                Optional.of(phase),
                loggedRestarts);
    }

    PodState withLoggedRestarts(Map<String, Integer> logged) {
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
                logged);
    }

    private static <V> Map<String, V> with(Map<String, V> map, String key, Optional<V> value) {
        Map<String, V> copy = new LinkedHashMap<>(map);
        value.ifPresentOrElse(present -> copy.put(key, present), () -> copy.remove(key));
        return Collections.unmodifiableMap(copy);
    }
}
