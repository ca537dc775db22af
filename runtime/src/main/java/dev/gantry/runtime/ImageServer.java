package dev.gantry.runtime;

import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.cri.v1.ImageFsInfoRequest;
import dev.gantry.cri.v1.ImageFsInfoResponse;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ImageStatusRequest;
import dev.gantry.cri.v1.ImageStatusResponse;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListImagesResponse;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.PullImageResponse;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.RemoveImageResponse;
import dev.gantry.cri.v1.StreamImagesRequest;
import dev.gantry.cri.v1.StreamImagesResponse;
import dev.gantry.images.Credentials;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.ImageStore;
import dev.gantry.images.Platform;
import dev.gantry.images.PullHandle;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** CRI's ImageService on the image store. */
final class ImageServer extends ImageServiceGrpc.ImageServiceImplBase {
    private final ImageStore store;
    private final Path directory;
    private final Executor executor;
    private final java.time.Clock clock;

    ImageServer(ImageStore store, Path directory, Executor executor, java.time.Clock clock) {
        this.store = store;
        this.directory = directory;
        this.executor = executor;
        this.clock = clock;
    }

    @Override
    public void listImages(ListImagesRequest request, StreamObserver<ListImagesResponse> observer) {
        Answers.now(
                observer,
                () -> ListImagesResponse.newBuilder()
                        .addAllImages(list(request.getFilter().getImage()))
                        .build());
    }

    @Override
    public void streamImages(StreamImagesRequest request, StreamObserver<StreamImagesResponse> observer) {
        Answers.stream(
                observer,
                () -> list(request.getFilter().getImage()),
                part -> StreamImagesResponse.newBuilder().addAllImages(part).build());
    }

    private List<dev.gantry.cri.v1.Image> list(ImageSpec filter) {
        List<Image> images = filter.getImage().isEmpty()
                ? store.list()
                : store.find(filter.getImage()).stream().toList();
        return images.stream().map(ImageServer::view).toList();
    }

    @Override
    public void imageStatus(ImageStatusRequest request, StreamObserver<ImageStatusResponse> observer) {
        Answers.now(observer, () -> {
            ImageStatusResponse.Builder response = ImageStatusResponse.newBuilder();
            store.find(request.getImage().getImage()).ifPresent(image -> {
                response.setImage(view(image));
                if (request.getVerbose()) {
                    response.putInfo("info", Json.text(info(image)));
                }
            });
            return response.build();
        });
    }

    private static Map<String, Object> info(Image image) {
        return Map.of(
                "platform", image.config().platform().toString(),
                "layers", image.layers().stream().map(Object::toString).toList(),
                "entrypoint", image.config().entrypoint(),
                "cmd", image.config().cmd(),
                "loadedAt", image.loadedAt().toString());
    }

    @Override
    public void pullImage(PullImageRequest request, StreamObserver<PullImageResponse> observer) {
        try {
            ImageReference reference = ImageReference.parse(request.getImage().getImage());
            PullHandle pull = request.hasAuth() && matches(request.getAuth(), reference)
                    ? store.pull(reference, credentials(request.getAuth()), Platform.host())
                    : store.pull(reference);
            Answers.later(
                    executor,
                    observer,
                    () -> result(pull),
                    image -> PullImageResponse.newBuilder()
                            .setImageRef(image.id().toString())
                            .build());
        } catch (RuntimeException e) {
            observer.onError(CriErrors.of(e));
        }
    }

    /** Cancelling it gives the pull up, which goes on as long as somebody else waits for it. */
    private static CompletableFuture<Image> result(PullHandle pull) {
        CompletableFuture<Image> result = pull.result().exceptionallyCompose(ImageServer::readable);
        var unused = result.whenComplete((image, failure) -> {
            if (result.isCancelled()) {
                pull.cancel();
            }
        });
        return result;
    }

    /** The kubelet knows some failures by how their text begins. */
    private static CompletableFuture<Image> readable(Throwable failure) {
        Throwable cause = CriErrors.unwrapped(failure);
        if (cause instanceof ImageException image && image.criReason().isPresent()) {
            StatusRuntimeException status = Status.UNAVAILABLE
                    .withDescription(image.criReason().get() + ": " + image.getMessage())
                    .withCause(image)
                    .asRuntimeException();
            return CompletableFuture.failedFuture(status);
        }
        return CompletableFuture.failedFuture(cause);
    }

    /** Credentials for another registry are none for this one. */
    static boolean matches(AuthConfig auth, ImageReference reference) {
        String address = auth.getServerAddress();
        if (address.isEmpty()) {
            return true;
        }
        String withScheme = address.contains("://") ? address : "https://" + address;
        String host = String.valueOf(URI.create(withScheme).getAuthority());
        return host.equals(reference.registry())
                || (reference.registry().equals(ImageReference.DOCKER_HUB)
                        && (host.equals("docker.io") || host.endsWith(".docker.io")));
    }

    private static Credentials credentials(AuthConfig auth) {
        return Credentials.of(
                auth.getUsername(),
                auth.getPassword(),
                auth.getAuth(),
                auth.getIdentityToken(),
                auth.getRegistryToken());
    }

    @Override
    public void removeImage(RemoveImageRequest request, StreamObserver<RemoveImageResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> {
                    CompletableFuture<Boolean> removed = new CompletableFuture<>();
                    executor.execute(() -> {
                        try {
                            removed.complete(store.remove(request.getImage().getImage()));
                        } catch (ImageException | RuntimeException e) {
                            removed.completeExceptionally(e);
                        }
                    });
                    return removed;
                },
                done -> RemoveImageResponse.getDefaultInstance());
    }

    @Override
    public void imageFsInfo(ImageFsInfoRequest request, StreamObserver<ImageFsInfoResponse> observer) {
        Answers.now(observer, () -> {
            var usage = Stats.usage(clock.instant(), store.usage(), directory);
            return ImageFsInfoResponse.newBuilder()
                    .addImageFilesystems(usage)
                    .addContainerFilesystems(usage)
                    .build();
        });
    }

    static dev.gantry.cri.v1.Image view(Image image) {
        dev.gantry.cri.v1.Image.Builder view = dev.gantry.cri.v1.Image.newBuilder()
                .setId(image.id().toString())
                .addAllRepoTags(image.repoTags())
                .addAllRepoDigests(image.repoDigests())
                .setSize(image.sizeBytes())
                .setSpec(ImageSpec.newBuilder().setImage(image.id().toString()))
                .setPinned(image.pinned());
        String user = image.config().user();
        int colon = user.indexOf(':');
        String name = colon < 0 ? user : user.substring(0, colon);
        if (name.isEmpty()) {
            view.setUid(Int64Value.getDefaultInstance());
        } else if (name.matches("[0-9]{1,18}")) {
            view.setUid(Int64Value.newBuilder().setValue(Long.parseLong(name)));
        } else {
            view.setUsername(name);
        }
        return view.build();
    }
}
