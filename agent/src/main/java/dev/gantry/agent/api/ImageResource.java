package dev.gantry.agent.api;

import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.ImageStore;
import dev.gantry.images.PullHandle;
import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/** {@code /gantry/v1/images}: what CRI has no words for. Pulls and loads are answered with lines of JSON as they go on. */
final class ImageResource {
    private final Optional<ImageStore> store;
    private final RuntimeImages others;
    private final Path uploads;

    ImageResource(Optional<ImageStore> store, RuntimeImages others, Path uploads) {
        this.store = store;
        this.others = others;
        this.uploads = uploads;
    }

    void handle(Exchange exchange, String object) throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        if (store.isEmpty()) {
            others.handle(exchange, object);
            return;
        }
        ImageStore images = store.get();
        switch (object) {
            case "" -> {
                Router.require(request, HttpMethod.GET);
                exchange.json(200, ImageLines.list(images.list()));
            }
            case "pull" -> {
                Router.require(request, HttpMethod.GET, HttpMethod.POST);
                if (request.method().equals(HttpMethod.POST)) {
                    pull(exchange, images);
                } else {
                    watch(exchange, images);
                }
            }
            case "load" -> {
                Router.require(request, HttpMethod.POST);
                load(exchange, images);
            }
            default -> {
                Router.require(request, HttpMethod.GET, HttpMethod.DELETE);
                if (request.method().equals(HttpMethod.DELETE)) {
                    remove(images, object);
                    exchange.json(200, Json.exitStatus(0));
                } else {
                    Image image = images.find(object).orElseThrow(() -> ApiException.notFound("images", object));
                    exchange.json(200, ImageLines.image(image));
                }
            }
        }
    }

    private static void pull(Exchange exchange, ImageStore images)
            throws ApiException, IOException, InterruptedException {
        ImageReference reference = reference(exchange.request().parameter("image"));
        PullHandle pull = images.pull(reference);
        exchange.startStream("application/json");
        exchange.onClose(pull::cancel);
        pull.onProgress(progress -> exchange.offer(ImageLines.progress(progress)));
        try {
            exchange.offer(ImageLines.done(pull.result().get()));
        } catch (ExecutionException e) {
            exchange.offer(ImageLines.failed(e.getCause()));
        }
        exchange.end();
    }

    /** Follows a pull that somebody else began, to its end; nothing if there is none. */
    private static void watch(Exchange exchange, ImageStore images) throws ApiException, InterruptedException {
        Optional<PullHandle> pull = images.watch(reference(exchange.request().parameter("image")));
        exchange.startStream("application/json");
        if (pull.isPresent()) {
            exchange.onClose(pull.get()::cancel);
            pull.get().onProgress(progress -> exchange.offer(ImageLines.progress(progress)));
            try {
                exchange.offer(ImageLines.done(pull.get().result().get()));
            } catch (ExecutionException e) {
                exchange.offer(ImageLines.failed(e.getCause()));
            }
        }
        exchange.end();
    }

    private static ImageReference reference(String name) throws ApiException {
        if (name.isEmpty()) {
            throw ApiException.badRequest("parameter image is missing");
        }
        try {
            return ImageReference.parse(name);
        } catch (IllegalArgumentException e) {
            throw ApiException.badRequest(String.valueOf(e.getMessage()));
        }
    }

    private void load(Exchange exchange, ImageStore images) throws ApiException, IOException, InterruptedException {
        String path = exchange.request().parameter("path");
        if (!path.isEmpty()) {
            Path archive = Path.of(path);
            if (!archive.isAbsolute() || !Files.exists(archive)) {
                throw ApiException.badRequest("there is no file or directory " + path + " for the agent");
            }
            exchange.startStream("application/json");
            load(exchange, images, archive);
            return;
        }
        Files.createDirectories(uploads);
        Path file = Files.createTempFile(uploads, "upload-", ".tar");
        try {
            try (InputStream body = exchange.request().body()) {
                Files.copy(body, file, StandardCopyOption.REPLACE_EXISTING);
            }
            exchange.startStream("application/json");
            load(exchange, images, file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static void load(Exchange exchange, ImageStore images, Path archive) throws InterruptedException {
        try {
            exchange.offer(ImageLines.phase("LOADING"));
            for (Image image : images.load(archive)) {
                exchange.offer(ImageLines.done(image));
            }
        } catch (ImageException e) {
            exchange.offer(ImageLines.failed(e));
        }
        exchange.end();
    }

    /** By a name: that name, and the image with the last one. By an id or digest: the image with all its names. */
    private static void remove(ImageStore images, String nameOrId) throws ApiException, ImageException {
        if (!ImageLines.remove(images, nameOrId)) {
            throw ApiException.notFound("images", nameOrId);
        }
    }
}
