package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.volume.MountFailedException;
import dev.gantry.agent.volume.MountRequest;
import dev.gantry.agent.volume.VolumeException;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.PodSandboxConfig;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Gets ready what one run of a container needs before the runtime makes it: environment, volumes, files. */
final class ContainerPreparation {
    private final WorkerSettings settings;
    private final PodReference reference;
    private final ImageWork images;

    ContainerPreparation(WorkerSettings settings, PodReference reference, ImageWork images) {
        this.settings = settings;
        this.reference = reference;
        this.images = images;
    }

    /**
     * Begins.
     *
     * @param pod with its status
     * @return fails with {@link StartFailedException}. Cancelling it gives up waiting for volumes
     */
    CompletableFuture<Prepared> prepare(Pod pod, Container container, int restartCount) {
        ContainerEnvironment environment;
        try {
            environment = ContainerEnvironment.of(
                    pod,
                    container,
                    settings.objects().of(pod),
                    settings.volumes().envFiles(pod),
                    settings.allocatable());
        } catch (StartFailedException e) {
            return CompletableFuture.failedFuture(e);
        }
        environment
                .warnings()
                .forEach(message -> settings.events()
                        .record(
                                reference,
                                Optional.of(container.getName()),
                                true,
                                "InvalidEnvironmentVariableNames",
                                message));
        CompletableFuture<List<Mount>> volumes = new CompletableFuture<>();
        CompletableFuture<Map<String, String>> pulled = volumeImages(pod, container);
        recursiveReadOnly(pod, container)
                .thenCombine(
                        pulled, (can, found) -> new MountRequest(pod, container, environment.variables(), found, can))
                .whenComplete((request, failure) -> {
                    if (failure != null) {
                        volumes.completeExceptionally(failure);
                    } else if (!volumes.isDone()) {
                        join(settings.volumes().mounts(request), volumes);
                    }
                });
        volumes.whenComplete((done, failure) -> pulled.cancel(false));
        CompletableFuture<Prepared> result = new CompletableFuture<>();
        result.whenComplete((done, failure) -> volumes.cancel(false));
        volumes.whenComplete((mounts, failure) -> {
            try {
                if (failure != null) {
                    result.completeExceptionally(startFailure(failure));
                } else {
                    result.complete(new Prepared(
                            environment, settings.files().prepareContainer(pod, container, restartCount, mounts)));
                }
            } catch (IOException | RuntimeException e) {
                result.completeExceptionally(startFailure(e));
            }
        });
        return result;
    }

    /** Pulls the images that the container mounts, as those that containers are made from. */
    private CompletableFuture<Map<String, String>> volumeImages(Pod pod, Container container) {
        Map<String, String> found = new ConcurrentHashMap<>();
        List<CompletableFuture<?>> pulls = new ArrayList<>();
        for (VolumeMount mount : volumeMounts(container)) {
            pod.getSpec().getVolumes().stream()
                    .filter(volume -> volume.getName().equals(mount.getName()) && volume.getImage() != null)
                    .forEach(volume -> pulls.add(pull(pod, container, volume)
                            .thenAccept(reference -> found.put(volume.getName(), reference))));
        }
        CompletableFuture<Map<String, String>> result = new CompletableFuture<>();
        result.whenComplete((done, failure) -> pulls.forEach(pull -> pull.cancel(false)));
        CompletableFuture.allOf(pulls.toArray(CompletableFuture[]::new)).whenComplete((done, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
            } else {
                result.complete(found);
            }
        });
        return result;
    }

    private CompletableFuture<String> pull(Pod pod, Container container, Volume volume) {
        Container wanted = new ContainerBuilder()
                .withName(container.getName())
                .withImage(volume.getImage().getReference())
                .withImagePullPolicy(volume.getImage().getPullPolicy())
                .build();
        PodSandboxConfig sandbox = settings.configs().sandbox(pod, 0, "");
        return images.ensure(
                        wanted,
                        Optional.empty(),
                        sandbox,
                        PullSecrets.of(
                                pod, wanted.getImage(), settings.objects().of(pod)))
                .thenCompose(image -> image instanceof ImageState.Present present
                        ? CompletableFuture.completedFuture(present.reference())
                        : CompletableFuture.failedFuture(notPulled(image)));
    }

    private static StartFailedException notPulled(ImageState image) {
        return image instanceof ImageState.Missing missing
                ? new StartFailedException(
                        missing.retry().reason(), missing.retry().message(), null)
                : StartFailedException.config("its image was not looked for");
    }

    private static List<VolumeMount> volumeMounts(Container container) {
        return container.getVolumeMounts() == null ? List.of() : container.getVolumeMounts();
    }

    /** The result of one is that of the other, and so is its cancellation. */
    private static <T> void join(CompletableFuture<T> work, CompletableFuture<T> result) {
        result.whenComplete((done, failure) -> work.cancel(false));
        work.whenComplete((done, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
            } else {
                result.complete(done);
            }
        });
    }

    /** Whether the pod's handler can make all mounts below one read-only; asked only if it matters. */
    private CompletableFuture<Boolean> recursiveReadOnly(Pod pod, Container container) {
        boolean matters = volumeMounts(container).stream()
                .anyMatch(mount -> mount.getRecursiveReadOnly() != null
                        && !mount.getRecursiveReadOnly().equals("Disabled"));
        if (!matters) {
            return CompletableFuture.completedFuture(false);
        }
        String name = RuntimeHandlers.of(pod, settings.runtimeHandler());
        return settings.runtime()
                .handlers()
                .thenApply(handlers -> handlers.stream()
                        .anyMatch(handler -> handler.getName().equals(name)
                                && handler.getFeatures().getRecursiveReadOnlyMounts()));
    }

    private static Throwable startFailure(Throwable failure) {
        Throwable cause = CriException.unwrap(failure);
        if (cause instanceof MountFailedException) {
            return StartFailedException.mount(cause);
        }
        if (cause instanceof VolumeException || cause instanceof IOException) {
            return new StartFailedException("CreateContainerConfigError", message(cause), cause);
        }
        return cause;
    }

    private static String message(@Nullable Throwable cause) {
        return cause == null ? "" : String.valueOf(cause.getMessage());
    }
}
