package dev.gantry.images.archive;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.Quoted;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import dev.gantry.images.layer.Compression;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.oci.Descriptor;
import dev.gantry.images.oci.Document;
import dev.gantry.images.oci.MediaType;
import dev.gantry.images.source.ImageSource;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An archive with one or more images.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/image-layout.md">OCI image layout</a>
 */
public final class ImageArchive implements Closeable {
    private static final String CONTAINERD_NAME = "io.containerd.image.name";
    private static final String OCI_NAME = "org.opencontainers.image.ref.name";
    private static final int LARGEST_INDEX = Document.LARGEST;
    private static final long LARGEST_ARCHIVE = 1L << 40;
    private static final int COPY_BYTES = 256 << 10;

    private final ArchiveFiles files;

    private ImageArchive(ArchiveFiles files) {
        this.files = files;
    }

    /**
     * Opens a directory or a tar file.
     *
     * @param temporary a directory for the uncompressed archive, if it is compressed; what is left there is the caller's
     */
    public static ImageArchive open(Path source, Path temporary) throws ImageException {
        try {
            if (Files.isDirectory(source)) {
                return new ImageArchive(new DirectoryFiles(source));
            }
            if (!Files.exists(source)) {
                throw new ImageException(Code.NOT_FOUND, "load " + source + ": no such file or directory");
            }
            return new ImageArchive(new TarFiles(uncompressed(source, temporary)));
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw failed(source.toString(), e);
        }
    }

    private static ImageException failed(String source, IOException e) {
        boolean disk = e instanceof java.nio.file.FileSystemException;
        return new ImageException(
                disk ? Code.STORE : Code.INVALID_IMAGE,
                "load " + source + ": " + (e.getMessage() == null || disk ? e.toString() : e.getMessage()),
                e);
    }

    private static Path uncompressed(Path source, Path temporary) throws IOException {
        try (InputStream raw = Files.newInputStream(source);
                InputStream in = Compression.decompress(raw)) {
            if (Compression.isPlain(in)) {
                return source;
            }
            Path copy = temporary.resolve("archive.tar");
            try (OutputStream out = Files.newOutputStream(copy)) {
                byte[] buffer = new byte[COPY_BYTES];
                long total = 0;
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    total += n;
                    if (total > LARGEST_ARCHIVE) {
                        throw new IOException("the archive has more than " + LARGEST_ARCHIVE + " bytes uncompressed");
                    }
                    out.write(buffer, 0, n);
                }
            }
            return copy;
        }
    }

    /** The images for this platform. Empty if the archive has images, but none of that platform. */
    public List<ImageSource> images(Platform platform) throws ImageException {
        try {
            if (files.has("oci-layout") && files.has("index.json")) {
                return layout(platform);
            }
            if (files.has("manifest.json")) {
                return dockerArchive();
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw failed(files.describe(), e);
        }
        throw new ImageException(
                Code.INVALID_IMAGE,
                "load " + files.describe() + ": neither an OCI layout (no 'oci-layout' and 'index.json')"
                        + " nor what docker save writes (no 'manifest.json')");
    }

    /** The names that the archive gives to its images, read without looking at the images. */
    public Set<ImageReference> names() throws ImageException {
        Set<ImageReference> result = new LinkedHashSet<>();
        try {
            Map<Digest, List<ImageReference>> docker = dockerNames();
            docker.values().forEach(result::addAll);
            Optional<byte[]> index = files.read("index.json", LARGEST_INDEX);
            if (index.isPresent() && files.has("oci-layout")) {
                for (Descriptor entry : index(index.get()).manifests()) {
                    result.addAll(names(entry));
                }
            }
            return result;
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw failed(files.describe(), e);
        }
    }

    // --- OCI

    private List<ImageSource> layout(Platform platform) throws IOException {
        byte[] text = files.read("index.json", LARGEST_INDEX).orElseThrow();
        Map<Digest, List<ImageReference>> dockerNames = dockerNames();
        List<ImageSource> result = new ArrayList<>();
        Map<Digest, List<ImageReference>> named = new LinkedHashMap<>();
        Map<Digest, Descriptor> targets = new LinkedHashMap<>();
        for (Descriptor entry : index(text).manifests()) {
            boolean otherPlatform = entry.platform()
                    .filter(p -> !platform.runnable().contains(p))
                    .isPresent();
            if (!otherPlatform) {
                targets.putIfAbsent(entry.digest(), entry);
                named.computeIfAbsent(entry.digest(), d -> new ArrayList<>()).addAll(names(entry));
            }
        }
        for (Descriptor target : targets.values()) {
            List<byte[]> documents = new ArrayList<>();
            Document.Manifest manifest =
                    manifest(target, platform, documents, 0).orElse(null);
            if (manifest == null) {
                continue;
            }
            documents.add(document(manifest.config(), ConfigFile.LARGEST));
            Set<ImageReference> names = new LinkedHashSet<>(named.getOrDefault(target.digest(), List.of()));
            names.addAll(dockerNames.getOrDefault(manifest.config().digest(), List.of()));
            List<ImageSource.Layer> layers = new ArrayList<>();
            for (Descriptor layer : manifest.layers()) {
                String name = blob(layer.digest());
                layers.add(new ImageSource.Layer(
                        "layer " + layer.digest() + " in " + files.describe(),
                        layer.digest(),
                        layer.size(),
                        () -> files.open(name)));
            }
            result.add(new ImageSource(
                    files.describe(),
                    documents,
                    Optional.of(target.digest()),
                    manifest.config().digest(),
                    layers,
                    List.copyOf(names)));
        }
        return result;
    }

    private Document.Index index(byte[] text) throws ImageException {
        Document document = Document.parse(text, MediaType.OCI_INDEX, Digest.of(text));
        return (Document.Index) document;
    }

    /** Walks down nested indexes to the best manifest that is in the archive. */
    private Optional<Document.Manifest> manifest(
            Descriptor target, Platform platform, List<byte[]> documents, int depth) throws IOException {
        if (depth > Document.DEEPEST_INDEX) {
            throw new ImageException(
                    Code.INVALID_IMAGE,
                    "load " + files.describe() + ": indexes nested deeper than " + Document.DEEPEST_INDEX);
        }
        byte[] text = document(target, Document.LARGEST);
        Document document = Document.parse(text, target.mediaType(), target.digest());
        if (document instanceof Document.Manifest manifest) {
            documents.add(text);
            return Optional.of(manifest);
        }
        for (Descriptor candidate : ((Document.Index) document).candidates(platform)) {
            // docker buildx and skopeo leave out what was not asked for
            if (files.has(blob(candidate.digest()))) {
                documents.add(text);
                return manifest(candidate, platform, documents, depth + 1);
            }
        }
        return Optional.empty();
    }

    private byte[] document(Descriptor descriptor, int most) throws IOException {
        byte[] text = files.read(blob(descriptor.digest()), most)
                .orElseThrow(() -> new ImageException(
                        Code.INVALID_IMAGE,
                        "load " + files.describe() + ": " + blob(descriptor.digest()) + " is missing"));
        Digest found = Digest.of(descriptor.digest().algorithm(), text);
        if (!found.equals(descriptor.digest())) {
            throw new ImageException(
                    Code.DIGEST_MISMATCH,
                    "load " + files.describe() + ": " + blob(descriptor.digest()) + " has the digest " + found);
        }
        return text;
    }

    private static String blob(Digest digest) {
        return "blobs/" + digest.algorithm() + "/" + digest.hex();
    }

    private static List<ImageReference> names(Descriptor entry) {
        for (String key : List.of(CONTAINERD_NAME, OCI_NAME)) {
            String name = entry.annotations().get(key);
            // by the specification ref.name may be a mere tag; whose, nobody knows
            if (name != null && (key.equals(CONTAINERD_NAME) || name.indexOf('/') >= 0 || name.indexOf(':') >= 0)) {
                try {
                    return List.of(ImageReference.parse(name));
                } catch (IllegalArgumentException e) {
                    // an annotation may say anything
                }
            }
        }
        return List.of();
    }

    // --- docker save

    private Map<Digest, List<ImageReference>> dockerNames() throws IOException {
        Map<Digest, List<ImageReference>> result = new LinkedHashMap<>();
        for (JsonObject image : dockerManifest()) {
            String config = image.string("Config");
            String hex = config.substring(config.lastIndexOf('/') + 1).replaceFirst("\\.json$", "");
            try {
                result.put(new Digest(Digest.SHA256, hex), dockerNames(image));
            } catch (IllegalArgumentException e) {
                Optional<byte[]> text = files.read(config, ConfigFile.LARGEST);
                if (text.isPresent()) {
                    result.put(Digest.of(text.get()), dockerNames(image));
                }
            }
        }
        return result;
    }

    private static List<ImageReference> dockerNames(JsonObject image) throws JsonFormatException {
        List<ImageReference> result = new ArrayList<>();
        for (String tag : image.strings("RepoTags")) {
            try {
                result.add(ImageReference.parse(tag));
            } catch (IllegalArgumentException e) {
                throw new JsonFormatException(image.path() + ".RepoTags: " + e.getMessage(), e);
            }
        }
        return result;
    }

    private List<JsonObject> dockerManifest() throws IOException {
        Optional<byte[]> text = files.read("manifest.json", LARGEST_INDEX);
        return text.isEmpty() ? List.of() : JsonObject.parseList(text.get(), "manifest.json");
    }

    private List<ImageSource> dockerArchive() throws IOException {
        List<ImageSource> result = new ArrayList<>();
        for (JsonObject image : dockerManifest()) {
            String configName = image.string("Config");
            byte[] config = files.read(configName, ConfigFile.LARGEST)
                    .orElseThrow(() -> new JsonFormatException(
                            image.path() + ".Config: '" + Quoted.cut(configName) + "' is not in the archive"));
            List<ImageSource.Layer> layers = new ArrayList<>();
            for (String name : image.strings("Layers")) {
                if (!files.has(name)) {
                    throw new JsonFormatException(
                            image.path() + ".Layers: '" + Quoted.cut(name) + "' is not in the archive");
                }
                layers.add(new ImageSource.Layer(
                        "layer '" + Quoted.cut(name) + "' in " + files.describe(), null, -1, () -> files.open(name)));
            }
            result.add(new ImageSource(
                    files.describe(),
                    List.of(config),
                    Optional.empty(),
                    Digest.of(config),
                    layers,
                    dockerNames(image)));
        }
        return result;
    }

    @Override
    public void close() throws IOException {
        files.close();
    }
}
