package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.event.PodReference;
import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.images.ImageReference;
import io.fabric8.kubernetes.api.model.Container;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Gets a container's image by its pull policy, with the kubelet's events. */
final class ImageWork {
    /** What a runtime may prefix its answer with, to say more than "could not be pulled". */
    private static final List<String> SPECIAL_REASONS = List.of("RegistryUnavailable", "SignatureValidationFailed");

    private final WorkerSettings settings;
    private final PodReference pod;

    ImageWork(WorkerSettings settings, PodReference pod) {
        this.settings = settings;
        this.pod = pod;
    }

    /**
     * Completes with {@link ImageState.Present} or {@link ImageState.Missing}; exceptionally only if cancelled.
     *
     * @param before the last failure of this image, if it was one
     * @param secrets for the case that it is pulled
     */
    CompletableFuture<ImageState> ensure(
            Container container, Optional<Retry> before, PodSandboxConfig sandbox, PullSecrets secrets) {
        String image = container.getImage();
        String policy = String.valueOf(container.getImagePullPolicy());
        Attempt attempt = new Attempt(container, before);
        try {
            ImageReference.parse(image);
        } catch (IllegalArgumentException e) {
            // Asked here, as a runtime may take a name that is none for one that it does not have.
            return CompletableFuture.completedFuture(attempt.invalidName(String.valueOf(e.getMessage())));
        }
        CompletableFuture<Optional<Image>> look = settings.images().status(image);
        CompletableFuture<ImageState> result = new CompletableFuture<>();
        look.whenComplete((found, failure) -> {
            if (failure != null) {
                result.complete(attempt.inspectFailed(CriException.unwrap(failure)));
            } else if (found.isPresent() && !policy.equals("Always")) {
                attempt.event(false, "Pulled", "Container image \"" + image + "\" already present on machine");
                result.complete(present(found.get()));
            } else if (policy.equals("Never")) {
                result.complete(attempt.neverPulled());
            } else {
                pull(attempt, image, sandbox, secrets, result);
            }
        });
        return result;
    }

    private void pull(
            Attempt attempt,
            String image,
            PodSandboxConfig sandbox,
            PullSecrets secrets,
            CompletableFuture<ImageState> result) {
        secrets.warning()
                .ifPresent(message -> settings.events()
                        .record(pod, Optional.empty(), true, "FailedToRetrieveImagePullSecret", message));
        attempt.event(false, "Pulling", "Pulling image \"" + image + "\"");
        Instant begun = settings.clock().instant();
        CompletableFuture<String> pull = new CompletableFuture<>();
        tryPull(image, sandbox, secrets.credentials(), 0, pull);
        // Whoever cancels the result wants the transfer to end, too.
        result.whenComplete((done, failure) -> {
            if (result.isCancelled()) {
                pull.cancel(false);
            }
        });
        pull.thenCompose(reference -> settings.images()
                        .status(image)
                        .thenApply(found -> found.orElseGet(
                                () -> Image.newBuilder().setId(reference).build())))
                .whenComplete((pulled, failure) -> {
                    if (failure != null) {
                        result.complete(attempt.pullFailed(CriException.unwrap(failure)));
                        return;
                    }
                    String took = text(Duration.between(begun, settings.clock().instant()));
                    attempt.event(
                            false,
                            "Pulled",
                            "Successfully pulled image \"" + image + "\" in " + took + " (" + took
                                    + " including waiting). Image size: " + pulled.getSize() + " bytes.");
                    result.complete(present(pulled));
                });
    }

    /** One credential after the other, as the kubelet; the last refusal is the answer. */
    private void tryPull(
            String image,
            PodSandboxConfig sandbox,
            List<AuthConfig> credentials,
            int index,
            CompletableFuture<String> result) {
        Optional<AuthConfig> auth = index < credentials.size() ? Optional.of(credentials.get(index)) : Optional.empty();
        CompletableFuture<String> one = settings.images().pull(image, auth, sandbox);
        result.whenComplete((done, failure) -> {
            if (result.isCancelled()) {
                one.cancel(false);
            }
        });
        one.whenComplete((reference, failure) -> {
            if (failure == null) {
                result.complete(reference);
            } else if (index + 1 < credentials.size() && !result.isCancelled()) {
                tryPull(image, sandbox, credentials, index + 1, result);
            } else {
                result.completeExceptionally(CriException.unwrap(failure));
            }
        });
    }

    private static ImageState present(Image image) {
        return new ImageState.Present(
                image.getId(),
                image.hasUid() ? OptionalLong.of(image.getUid().getValue()) : OptionalLong.empty(),
                image.getUsername());
    }

    /** As Go prints it: milliseconds are enough. */
    static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis < 1000) {
            return millis + "ms";
        }
        String seconds = millis % 60_000 / 1000 + (millis % 1000 == 0 ? "" : "." + fraction(millis % 1000)) + "s";
        return (millis >= 60_000 ? millis / 60_000 + "m" : "") + seconds;
    }

    private static String fraction(long millis) {
        String digits = Long.toString(1000 + millis).substring(1);
        return digits.replaceAll("0+$", "");
    }

    /** One try for one container. */
    private final class Attempt {
        private final Container container;
        private final Optional<Retry> before;

        Attempt(Container container, Optional<Retry> before) {
            this.container = container;
            this.before = before;
        }

        void event(boolean warning, String reason, String message) {
            settings.events().record(pod, Optional.of(container.getName()), warning, reason, message);
        }

        ImageState inspectFailed(Throwable failure) {
            String answer = CriException.reason(failure);
            if (failure instanceof CriException e && e.code() == io.grpc.Status.Code.INVALID_ARGUMENT) {
                return invalidName(answer);
            }
            String message = "Failed to inspect image \"" + container.getImage() + "\": " + answer;
            event(true, "InspectFailed", message);
            return missing("ImageInspectError", message);
        }

        ImageState invalidName(String why) {
            String message = "Failed to apply default image tag \"" + container.getImage() + "\": " + why;
            event(true, "InspectFailed", message);
            return missing("InvalidImageName", message);
        }

        ImageState neverPulled() {
            String message =
                    "Container image \"" + container.getImage() + "\" is not present with pull policy of Never";
            event(true, "ErrImageNeverPull", message);
            return missing("ErrImageNeverPull", message);
        }

        ImageState pullFailed(Throwable failure) {
            String answer = CriException.reason(failure);
            String reason = SPECIAL_REASONS.stream()
                    .filter(answer::startsWith)
                    .findFirst()
                    .orElse("ErrImagePull");
            event(true, "Failed", "Failed to pull image \"" + container.getImage() + "\": " + answer);
            return missing(reason, answer);
        }

        private ImageState missing(String reason, String message) {
            event(true, "Failed", "Error: " + reason);
            return new ImageState.Missing(Retry.after(
                    before, Retry.Range.IMAGE, reason, message, settings.clock().instant()));
        }
    }
}
