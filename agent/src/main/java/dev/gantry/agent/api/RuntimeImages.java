package dev.gantry.agent.api;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.CriImages;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.PodSandboxConfig;
import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The images of another runtime, by CRI's image service, which tells less of them and of a pull than the built-in store. */
final class RuntimeImages {
    private final CriImages images;

    RuntimeImages(CriImages images) {
        this.images = images;
    }

    void handle(Exchange exchange, String object) throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        switch (object) {
            case "" -> {
                Router.require(request, HttpMethod.GET);
                exchange.json(200, list(await(images.list())));
            }
            case "pull" -> {
                Router.require(request, HttpMethod.POST);
                pull(exchange, request.parameter("image"));
            }
            case "load" ->
                throw ApiException.notImplemented(
                        "CRI cannot load archives; ask the runtime itself, for example: ctr -n k8s.io images import FILE");
            default -> {
                Router.require(request, HttpMethod.GET, HttpMethod.DELETE);
                Image image = await(images.status(object)).orElseThrow(() -> ApiException.notFound("images", object));
                if (request.method().equals(HttpMethod.DELETE)) {
                    await(images.remove(object));
                    exchange.json(200, Json.exitStatus(0));
                } else {
                    exchange.json(200, Json.bytes(json -> ImageLines.write(json, image)));
                }
            }
        }
    }

    private static byte[] list(List<Image> images) {
        return Json.bytes(json -> {
            json.writeStartObject();
            json.writeArrayFieldStart("items");
            for (Image image : images) {
                ImageLines.write(json, image);
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private void pull(Exchange exchange, String name) throws ApiException, InterruptedException {
        if (name.isEmpty()) {
            throw ApiException.badRequest("parameter image is missing");
        }
        CompletableFuture<String> pull = images.pull(name, Optional.empty(), PodSandboxConfig.getDefaultInstance());
        exchange.startStream("application/json");
        exchange.onClose(() -> pull.cancel(false));
        exchange.offer(ImageLines.phase("FETCHING"));
        try {
            Image image =
                    await(pull.thenCompose(images::status)).orElseThrow(() -> ApiException.notFound("images", name));
            exchange.offer(Json.line(json -> {
                json.writeStartObject();
                json.writeFieldName("image");
                ImageLines.write(json, image);
                json.writeEndObject();
            }));
        } catch (ApiException e) {
            exchange.offer(ImageLines.failed(e));
        }
        exchange.end();
    }

    private static <T> T await(CompletableFuture<T> call) throws ApiException, InterruptedException {
        try {
            return call.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            boolean away = cause instanceof CriException cri && cri.isTransient();
            throw ApiException.of(
                    away ? 503 : 500,
                    away ? "ServiceUnavailable" : "InternalError",
                    String.valueOf(cause == null ? e.getMessage() : cause.getMessage()));
        }
    }
}
