package dev.gantry.images.oci;

import dev.gantry.images.Digest;
import dev.gantry.images.Platform;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.util.Map;
import java.util.Optional;

/**
 * Points to content.
 *
 * @param mediaType may be empty in old documents
 * @param size bytes, not negative
 * @param platform of an entry of an index
 */
public record Descriptor(
        String mediaType, Digest digest, long size, Optional<Platform> platform, Map<String, String> annotations) {
    /** More than any layer ever seen; it only keeps sums from overflowing. */
    private static final long LARGEST = 1L << 44;

    public Descriptor {
        annotations = Map.copyOf(annotations);
    }

    /** One without platform and annotations. */
    public static Descriptor of(String mediaType, Digest digest, long size) {
        return new Descriptor(mediaType, digest, size, Optional.empty(), Map.of());
    }

    static Descriptor parse(JsonObject json) throws JsonFormatException {
        long size = json.integer("size");
        if (size < 0 || size > LARGEST) {
            throw new JsonFormatException(json.path() + ".size: " + size + " is not between 0 and " + LARGEST);
        }
        Optional<Platform> platform = Optional.empty();
        Optional<JsonObject> object = json.optionalObject("platform");
        if (object.isPresent()) {
            platform = Optional.of(new Platform(
                    object.get().stringOrEmpty("os"),
                    object.get().stringOrEmpty("architecture"),
                    object.get().stringOrEmpty("variant")));
        }
        return new Descriptor(
                json.stringOrEmpty("mediaType"), digest(json, "digest"), size, platform, json.stringMap("annotations"));
    }

    static Digest digest(JsonObject json, String name) throws JsonFormatException {
        try {
            return Digest.parse(json.string(name));
        } catch (IllegalArgumentException e) {
            throw new JsonFormatException(json.path() + "." + name + ": " + e.getMessage(), e);
        }
    }
}
