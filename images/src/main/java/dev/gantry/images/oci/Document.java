package dev.gantry.images.oci;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Platform;
import dev.gantry.images.Quoted;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a reference resolves to: an index of manifests, or the manifest of one image. */
public sealed interface Document {
    /** What a registry may call large; the specification asks for 4 MiB at least. */
    int LARGEST = 4 << 20;

    /** Layers that overlayfs can stack: OVL_MAX_STACK in fs/overlayfs/params.h. */
    int MOST_LAYERS = 500;

    int MOST_MANIFESTS = 1000;

    /** Indexes may be nested; more than this is no image, but an attack on whoever walks it. */
    int DEEPEST_INDEX = 3;

    /** A list of manifests for several platforms. */
    record Index(List<Descriptor> manifests) implements Document {
        public Index {
            manifests = List.copyOf(manifests);
        }

        /**
         * The entries worth trying for this platform, the best first. The first entry wins among equals, as the OCI
         * specification asks. Entries without a platform come last; attestations ({@code unknown/unknown}) never.
         */
        public List<Descriptor> candidates(Platform wanted) {
            List<Descriptor> result = new ArrayList<>();
            for (Platform platform : wanted.runnable()) {
                for (Descriptor entry : manifests) {
                    if (entry.platform().filter(platform::equals).isPresent()) {
                        result.add(entry);
                    }
                }
            }
            for (Descriptor entry : manifests) {
                if (entry.platform().isEmpty()) {
                    result.add(entry);
                }
            }
            return result;
        }

        /** The platforms on offer, for a message. */
        public String platforms() {
            List<String> names = new ArrayList<>();
            for (Descriptor entry : manifests) {
                entry.platform()
                        .map(Platform::toString)
                        .filter(name -> !name.startsWith("unknown/") && !names.contains(name))
                        .ifPresent(names::add);
            }
            return names.isEmpty() ? "none" : Quoted.cut(String.join(", ", names));
        }
    }

    /** The manifest of one image. */
    record Manifest(Descriptor config, List<Descriptor> layers) implements Document {
        public Manifest {
            layers = List.copyOf(layers);
        }

        /** Compressed bytes of all layers. */
        public long layerBytes() {
            return layers.stream().mapToLong(Descriptor::size).sum();
        }
    }

    /**
     * Reads a manifest or index.
     *
     * @param mediaType from the descriptor or the {@code Content-Type}; the body's own {@code mediaType} must not contradict
     *     it; empty if unknown
     */
    static Document parse(byte[] body, String mediaType, Digest digest) throws ImageException {
        String what = "manifest " + digest;
        try {
            return parse(JsonObject.parse(body, what), mediaType, what);
        } catch (JsonFormatException e) {
            throw new ImageException(Code.INVALID_IMAGE, e.getMessage(), e);
        }
    }

    private static Document parse(JsonObject json, String mediaType, String what)
            throws ImageException, JsonFormatException {
        String own = json.stringOrEmpty("mediaType");
        if (MediaType.isSchema1(mediaType)
                || MediaType.isSchema1(own)
                || json.integer("schemaVersion", 2) == 1
                || json.has("fsLayers")) {
            throw new ImageException(
                    Code.UNSUPPORTED,
                    what + ": Docker schema 1 is not supported, it has no digests worth the name;"
                            + " push the image again with a present tool");
        }
        if (json.integer("schemaVersion", 2) != 2) {
            throw new JsonFormatException(
                    what + ".schemaVersion: expected 2, found " + json.integer("schemaVersion", 2));
        }
        boolean known = MediaType.isIndex(mediaType) || MediaType.isManifest(mediaType);
        if (known && !own.isEmpty() && !own.equals(mediaType)) {
            throw new JsonFormatException(
                    what + ".mediaType: '" + Quoted.cut(own) + "' contradicts '" + mediaType + "' of its descriptor");
        }
        String type = known ? mediaType : own;
        // CVE-2021-41190: a body that can be read as both means something else to each reader
        if (json.has("manifests") && (json.has("layers") || json.has("config"))) {
            throw new JsonFormatException(what + ": is an index and a manifest at once");
        }
        if (json.has("manifests")) {
            if (MediaType.isManifest(type)) {
                throw new JsonFormatException(what + ": an index that calls itself a manifest");
            }
            return index(json, what);
        }
        if (MediaType.isIndex(type)) {
            throw new JsonFormatException(what + ": an index without 'manifests'");
        }
        return manifest(json, what);
    }

    private static Index index(JsonObject json, String what) throws JsonFormatException {
        List<Descriptor> manifests = new ArrayList<>();
        List<JsonObject> entries = json.objects("manifests");
        if (entries.size() > MOST_MANIFESTS) {
            throw new JsonFormatException(what + ".manifests: more than " + MOST_MANIFESTS + " entries");
        }
        for (JsonObject entry : entries) {
            manifests.add(Descriptor.parse(entry));
        }
        return new Index(manifests);
    }

    private static Manifest manifest(JsonObject json, String what) throws ImageException, JsonFormatException {
        Descriptor config = Descriptor.parse(json.object("config"));
        Optional<String> artifact = json.optionalString("artifactType").filter(a -> !a.isEmpty());
        if (!config.mediaType().isEmpty() && !MediaType.isConfig(config.mediaType())) {
            throw new ImageException(
                    Code.UNSUPPORTED,
                    what + " is no container image but an artifact of type '"
                            + Quoted.cut(artifact.orElse(config.mediaType())) + "'");
        }
        List<JsonObject> entries = json.objects("layers");
        if (entries.size() > MOST_LAYERS) {
            throw new JsonFormatException(
                    what + ".layers: " + entries.size() + " layers, overlayfs stacks at most " + MOST_LAYERS);
        }
        List<Descriptor> layers = new ArrayList<>();
        for (JsonObject entry : entries) {
            Descriptor layer = Descriptor.parse(entry);
            if (!layer.mediaType().isEmpty() && !MediaType.isLayer(layer.mediaType())) {
                String remedy = layer.mediaType().endsWith("+encrypted")
                        ? "encrypted layers are not supported"
                        : "only tar layers (plain, gzip, zstd) are supported";
                throw new ImageException(
                        Code.UNSUPPORTED,
                        entry.path() + ".mediaType: '" + Quoted.cut(layer.mediaType()) + "': " + remedy);
            }
            layers.add(layer);
        }
        return new Manifest(config, layers);
    }
}
