package dev.gantry.agent.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.ImageStore;
import dev.gantry.images.PullProgress;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Images, and the progress of getting them, as lines of JSON: {@code {"progress":…}} until {@code {"image":…}} or {@code {"error":…}}. */
public final class ImageLines {
    private ImageLines() {}

    public static byte[] list(List<Image> images) {
        return Json.bytes(json -> {
            json.writeStartObject();
            json.writeArrayFieldStart("items");
            for (Image image : images) {
                write(json, image);
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    static byte[] image(Image image) {
        return Json.bytes(json -> write(json, image));
    }

    private static void write(JsonGenerator json, Image image) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", image.id().toString());
        strings(json, "repoTags", image.repoTags());
        strings(json, "repoDigests", image.repoDigests());
        json.writeNumberField("sizeBytes", image.sizeBytes());
        json.writeStringField("loadedAt", image.loadedAt().toString());
        json.writeBooleanField("pinned", image.pinned());
        json.writeNumberField("layers", image.layers().size());
        json.writeEndObject();
    }

    /** One of another runtime, which does not tell all. */
    static void write(JsonGenerator json, dev.gantry.cri.v1.Image image) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", image.getId());
        strings(json, "repoTags", image.getRepoTagsList());
        strings(json, "repoDigests", image.getRepoDigestsList());
        json.writeNumberField("sizeBytes", image.getSize());
        json.writeBooleanField("pinned", image.getPinned());
        json.writeEndObject();
    }

    private static void strings(JsonGenerator json, String name, List<String> values) throws IOException {
        json.writeArrayFieldStart(name);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    public static byte[] progress(PullProgress progress) {
        return Json.line(json -> {
            json.writeStartObject();
            json.writeObjectFieldStart("progress");
            json.writeStringField("phase", progress.phase().name().toLowerCase(Locale.ROOT));
            json.writeNumberField("bytesDone", progress.bytesDone());
            json.writeNumberField("bytesTotal", progress.bytesTotal());
            json.writeNumberField("bytesPerSecond", progress.bytesPerSecond());
            json.writeNumberField("layersDone", progress.layersDone());
            json.writeNumberField("layersTotal", progress.layers().size());
            json.writeArrayFieldStart("layers");
            for (PullProgress.Layer layer : progress.layers()) {
                json.writeStartObject();
                json.writeStringField("digest", layer.digest().toString());
                json.writeStringField("state", layer.state().name().toLowerCase(Locale.ROOT));
                json.writeNumberField("bytesDone", layer.bytesDone());
                json.writeNumberField("bytesTotal", layer.bytesTotal());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    /** Progress of which only the kind is known. */
    public static byte[] phase(String phase) {
        return Json.line(json -> {
            json.writeStartObject();
            json.writeObjectFieldStart("progress");
            json.writeStringField("phase", phase.toLowerCase(Locale.ROOT));
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    public static byte[] done(Image image) {
        return Json.line(json -> {
            json.writeStartObject();
            json.writeFieldName("image");
            write(json, image);
            json.writeEndObject();
        });
    }

    public static byte[] failed(@Nullable Throwable cause) {
        String message = cause == null || cause.getMessage() == null ? String.valueOf(cause) : cause.getMessage();
        ApiException failure = cause instanceof ImageException e
                ? ApiException.of(code(e), reason(e), message)
                : ApiException.of(500, "InternalError", message);
        return Json.line(json -> {
            json.writeStartObject();
            json.writeFieldName("error");
            Json.status(json, failure);
            json.writeEndObject();
        });
    }

    private static int code(ImageException e) {
        return switch (e.code()) {
            case INVALID_NAME -> 400;
            case NOT_FOUND -> 404;
            case UNAUTHORIZED -> 401;
            case INVALID_IMAGE, UNSUPPORTED, DIGEST_MISMATCH -> 422;
            case TOO_MANY_REQUESTS -> 429;
            case UNAVAILABLE -> 503;
            case CANCELLED, LOCKED -> 409;
            case REGISTRY_ERROR, NO_SPACE, STORE -> 500;
        };
    }

    private static String reason(ImageException e) {
        return switch (e.code()) {
            case INVALID_NAME -> "BadRequest";
            case NOT_FOUND -> "NotFound";
            case UNAUTHORIZED -> "Unauthorized";
            case INVALID_IMAGE, UNSUPPORTED, DIGEST_MISMATCH -> "Invalid";
            case TOO_MANY_REQUESTS -> "TooManyRequests";
            case UNAVAILABLE -> "ServiceUnavailable";
            case CANCELLED, LOCKED -> "Conflict";
            case REGISTRY_ERROR, NO_SPACE, STORE -> "InternalError";
        };
    }

    /**
     * Removes a name, and the image with its last one; or by its id or digest an image with all its names.
     *
     * @return whether there was such an image
     */
    public static boolean remove(ImageStore images, String nameOrId) throws ImageException {
        boolean byId = nameOrId.startsWith("sha256:") || nameOrId.matches("[0-9a-f]{4,64}");
        if (!byId && !nameOrId.contains("@")) {
            try {
                return images.untag(ImageReference.parse(nameOrId));
            } catch (IllegalArgumentException e) {
                throw new ImageException(ImageException.Code.INVALID_NAME, String.valueOf(e.getMessage()), e);
            }
        }
        return images.remove(nameOrId);
    }
}
