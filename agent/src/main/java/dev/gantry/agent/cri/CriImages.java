package dev.gantry.agent.cri;

import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ImageStatusRequest;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListImagesResponse;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.PullImageResponse;
import dev.gantry.cri.v1.RemoveImageRequest;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A runtime's images, by CRI's image service. Futures are as those of {@link CriRuntime}. */
public final class CriImages {
    private final CriCalls calls;

    public CriImages(Channel channel) {
        this.calls = new CriCalls(channel);
    }

    /** The image, if it is present. */
    public CompletableFuture<Optional<Image>> status(String reference) {
        ImageStatusRequest request =
                ImageStatusRequest.newBuilder().setImage(spec(reference)).build();
        return calls.call(ImageServiceGrpc.getImageStatusMethod(), request, CriCalls.SHORT, "image " + reference)
                .thenApply(response ->
                        response.hasImage() && !response.getImage().getId().isEmpty()
                                ? Optional.of(response.getImage())
                                : Optional.empty());
    }

    /** All images that it has. */
    public CompletableFuture<List<Image>> list() {
        return calls.call(
                        ImageServiceGrpc.getListImagesMethod(),
                        ListImagesRequest.getDefaultInstance(),
                        CriCalls.SHORT,
                        "the runtime")
                .thenApply(ListImagesResponse::getImagesList);
    }

    /** Removes an image with all its names; nothing happens if it is gone. */
    public CompletableFuture<?> remove(String reference) {
        RemoveImageRequest request =
                RemoveImageRequest.newBuilder().setImage(spec(reference)).build();
        return calls.call(ImageServiceGrpc.getRemoveImageMethod(), request, CriCalls.SHORT, "image " + reference);
    }

    /** Pulls without a deadline (the runtime ends what makes no progress) and gives the reference of what it has. */
    public CompletableFuture<String> pull(String reference, Optional<AuthConfig> auth, PodSandboxConfig sandboxConfig) {
        PullImageRequest.Builder request =
                PullImageRequest.newBuilder().setImage(spec(reference)).setSandboxConfig(sandboxConfig);
        auth.ifPresent(request::setAuth);
        return calls.call(ImageServiceGrpc.getPullImageMethod(), request.build(), Duration.ZERO, "image " + reference)
                .thenApply(PullImageResponse::getImageRef);
    }

    private static ImageSpec spec(String reference) {
        return ImageSpec.newBuilder()
                .setImage(reference)
                .setUserSpecifiedImage(reference)
                .build();
    }
}
