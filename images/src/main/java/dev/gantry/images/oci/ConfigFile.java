package dev.gantry.images.oci;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageConfig;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Platform;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An image's config blob.
 *
 * @param diffIds digests of the uncompressed layers, the lowest first
 */
public record ConfigFile(ImageConfig config, List<Digest> diffIds) {
    /** Of the config in bytes. */
    public static final int LARGEST = 4 << 20;

    public ConfigFile {
        diffIds = List.copyOf(diffIds);
    }

    /** Reads it. */
    public static ConfigFile parse(byte[] body, Digest digest) throws ImageException {
        try {
            return parse(JsonObject.parse(body, "config " + digest));
        } catch (JsonFormatException e) {
            throw new ImageException(Code.INVALID_IMAGE, e.getMessage(), e);
        }
    }

    private static ConfigFile parse(JsonObject json) throws JsonFormatException {
        JsonObject rootfs = json.object("rootfs");
        List<Digest> diffIds = new ArrayList<>();
        for (String id : rootfs.strings("diff_ids")) {
            try {
                diffIds.add(Digest.parse(id));
            } catch (IllegalArgumentException e) {
                throw new JsonFormatException(
                        rootfs.path() + ".diff_ids[" + diffIds.size() + "]: " + e.getMessage(), e);
            }
        }
        Platform platform = new Platform(
                json.stringOrEmpty("os").isEmpty() ? "linux" : json.string("os"),
                json.stringOrEmpty("architecture"),
                json.stringOrEmpty("variant"));
        JsonObject config = json.optionalObject("config").orElse(JsonObject.parse(EMPTY, json.path() + ".config"));
        return new ConfigFile(
                new ImageConfig(
                        platform,
                        json.stringOrEmpty("created"),
                        config.stringOrEmpty("User"),
                        config.strings("Env"),
                        config.strings("Entrypoint"),
                        config.strings("Cmd"),
                        config.stringOrEmpty("WorkingDir"),
                        config.stringOrEmpty("StopSignal"),
                        names(config, "Volumes"),
                        names(config, "ExposedPorts"),
                        config.stringMap("Labels")),
                diffIds);
    }

    private static final byte[] EMPTY = "{}".getBytes(StandardCharsets.US_ASCII);

    /** Sets are written as objects with empty objects. */
    private static List<String> names(JsonObject config, String field) throws JsonFormatException {
        return config.optionalObject(field)
                .map(object -> List.copyOf(object.names()))
                .orElse(List.of());
    }

    /**
     * The chain ids of the layers: what a layer is, together with all below it.
     *
     * @see <a href="https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid">ChainID</a>
     */
    public List<Digest> chainIds() {
        List<Digest> result = new ArrayList<>(diffIds.size());
        for (Digest diffId : diffIds) {
            result.add(
                    result.isEmpty()
                            ? diffId
                            : Digest.of((result.get(result.size() - 1) + " " + diffId)
                                    .getBytes(StandardCharsets.US_ASCII)));
        }
        return result;
    }
}
