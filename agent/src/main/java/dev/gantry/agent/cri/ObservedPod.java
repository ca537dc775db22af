package dev.gantry.agent.cri;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * All that the runtime has of one pod.
 *
 * @param sandboxes newest first
 * @param containers newest first
 */
public record ObservedPod(List<ObservedSandbox> sandboxes, List<ObservedContainer> containers) {
    public static final ObservedPod NOTHING = new ObservedPod(List.of(), List.of());

    public ObservedPod {
        sandboxes = sandboxes.stream()
                .sorted(Comparator.comparingInt(ObservedSandbox::attempt)
                        .thenComparing(ObservedSandbox::createdAt)
                        .reversed())
                .toList();
        containers = containers.stream()
                .sorted(Comparator.comparingInt(ObservedContainer::restartCount)
                        .thenComparing(ObservedContainer::createdAt)
                        .reversed())
                .toList();
    }

    public boolean isNothing() {
        return sandboxes.isEmpty() && containers.isEmpty();
    }

    /** The newest sandbox that is ready. */
    public Optional<ObservedSandbox> readySandbox() {
        return sandboxes.stream().filter(ObservedSandbox::ready).findFirst();
    }

    /** Runs of one container, newest first. */
    public Stream<ObservedContainer> runsOf(String container) {
        return containers.stream().filter(one -> one.name().equals(container));
    }

    /** The newest run of one container. */
    public Optional<ObservedContainer> latest(String container) {
        return runsOf(container).findFirst();
    }
}
