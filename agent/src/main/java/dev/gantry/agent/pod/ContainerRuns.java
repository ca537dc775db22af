package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the run of a container that someone means, for its log or to execute in it. Answers as the API server does. */
final class ContainerRuns {
    private static final String DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

    private final Pod pod;
    private final PodStatus status;
    private final ObservedPod observed;

    ContainerRuns(Pod pod, PodStatus status, ObservedPod observed) {
        this.pod = pod;
        this.status = status;
        this.observed = observed;
    }

    /** See {@link PodEngine#container}. */
    ContainerRef find(@Nullable String container, boolean previous, PodPaths paths)
            throws ContainerUnavailableException {
        Container wanted = named(container);
        Optional<ObservedContainer> run = observed.runsOf(wanted.getName())
                .filter(one -> !(one.run() instanceof ContainerRun.Created))
                .skip(previous ? 1 : 0)
                .findFirst();
        if (run.isPresent()) {
            return reference(wanted, run.get(), paths);
        }
        String podName = pod.getMetadata().getName();
        throw new ContainerUnavailableException(
                true,
                previous
                        ? "previous terminated container \"" + wanted.getName() + "\" in pod \"" + podName
                                + "\" not found"
                        : "container \"" + wanted.getName() + "\" in pod \"" + podName + "\" is waiting to start: "
                                + waitingReason(wanted.getName()));
    }

    private Container named(@Nullable String container) throws ContainerUnavailableException {
        List<Container> containers = pod.getSpec().getContainers();
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String name = container == null ? "" : container;
        if (name.isEmpty() && annotations != null) {
            name = annotations.getOrDefault(DEFAULT_CONTAINER, "");
        }
        if (name.isEmpty() && containers.size() == 1) {
            name = containers.get(0).getName();
        }
        if (name.isEmpty()) {
            throw new ContainerUnavailableException(
                    true,
                    "a container name must be specified for pod "
                            + pod.getMetadata().getName() + ", choose one of: ["
                            + containers.stream().map(Container::getName).collect(Collectors.joining(" ")) + "]");
        }
        for (Container one : PodContainers.all(pod)) {
            if (one.getName().equals(name)) {
                return one;
            }
        }
        throw new ContainerUnavailableException(
                true,
                "container " + name + " is not valid for pod "
                        + pod.getMetadata().getName());
    }

    private String waitingReason(String container) {
        return Stream.of(status.getContainerStatuses(), status.getInitContainerStatuses())
                .filter(Objects::nonNull)
                .flatMap(List::stream)
                .filter(one -> one.getName().equals(container) && one.getState().getWaiting() != null)
                .map(one -> one.getState().getWaiting().getReason())
                .findFirst()
                .orElse("ContainerCreating");
    }

    private ContainerRef reference(Container container, ObservedContainer run, PodPaths paths) {
        PodKey key = PodKey.of(pod);
        String uid = pod.getMetadata().getUid();
        Path log = run.logPath().startsWith("/")
                ? Path.of(run.logPath())
                : paths.logDirectory(key.namespace(), key.name(), uid)
                        .resolve(container.getName())
                        .resolve(run.restartCount() + ".log");
        return new ContainerRef(
                key,
                uid,
                container.getName(),
                run.id(),
                log,
                run.restartCount(),
                run.isRunning(),
                Boolean.TRUE.equals(container.getTty()),
                Boolean.TRUE.equals(container.getStdin()));
    }
}
