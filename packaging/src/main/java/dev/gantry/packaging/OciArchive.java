package dev.gantry.packaging;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/** An image as its parts, each by its digest. The bytes depend on the input only. */
public final class OciArchive {
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

    private final String name;
    private final String architecture;
    private final byte[] manifest;
    private final Map<String, byte[]> blobs;

    private OciArchive(String name, String architecture, byte[] manifest, Map<String, byte[]> blobs) {
        this.name = name;
        this.architecture = architecture;
        this.manifest = manifest;
        this.blobs = blobs;
    }

    /**
     * Makes an image.
     *
     * @param name the full reference, tag included
     * @param architecture in Go's words: {@code amd64}, {@code arm64}
     * @param config the fields of the configuration's {@code config} object, as JSON without the braces
     * @param layers uncompressed tar archives, the lowest first
     */
    public static OciArchive of(String name, String architecture, String config, List<byte[]> layers) {
        Map<String, byte[]> blobs = new LinkedHashMap<>();
        List<String> diffIds = new ArrayList<>();
        List<String> descriptors = new ArrayList<>();
        for (byte[] layer : layers) {
            byte[] compressed = gzip(layer);
            diffIds.add('"' + digest(layer) + '"');
            descriptors.add("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
                    .formatted(LAYER, digest(compressed), compressed.length));
            blobs.put(digest(compressed), compressed);
        }
        byte[] configuration = utf8("""
                {"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{%s},\
                "rootfs":{"type":"layers","diff_ids":[%s]},\
                "history":[%s]}""".formatted(
                        architecture,
                        config,
                        String.join(",", diffIds),
                        diffIds.stream()
                                .map(layer -> "{\"created\":\"1970-01-01T00:00:00Z\"}")
                                .collect(Collectors.joining(","))));
        byte[] manifest =
                utf8("""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
                "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},\
                "layers":[%s]}""".formatted(digest(configuration), configuration.length, String.join(",", descriptors)));
        Map<String, byte[]> ordered = new LinkedHashMap<>();
        ordered.put(digest(configuration), configuration);
        ordered.putAll(blobs);
        return new OciArchive(name, architecture, manifest, ordered);
    }

    /** The image manifest. */
    public byte[] manifest() {
        return manifest.clone();
    }

    /** What the manifest refers to, by {@code sha256:…}: the configuration first, then the layers in order. */
    public Map<String, byte[]> blobs() {
        return Collections.unmodifiableMap(blobs);
    }

    /** The image as an OCI layout in a tar archive, which Gantry, containerd and others load. */
    public byte[] tar() {
        byte[] index = utf8("""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",\
                "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d,\
                "platform":{"architecture":"%s","os":"linux"},\
                "annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}""".formatted(digest(manifest), manifest.length, architecture, name, name));
        TarBuilder tar = new TarBuilder()
                .file("oci-layout", 0644, utf8("{\"imageLayoutVersion\":\"1.0.0\"}"))
                .file("index.json", 0644, index)
                .directory("blobs", 0755)
                .directory("blobs/sha256", 0755)
                .file("blobs/" + digest(manifest).replace(':', '/'), 0644, manifest);
        blobs.forEach((digest, blob) -> tar.file("blobs/" + digest.replace(':', '/'), 0644, blob));
        return tar.build();
    }

    /** {@code sha256:} and the digest in lower-case hexadecimal. */
    public static String digest(byte[] content) {
        try {
            return "sha256:"
                    + HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static byte[] gzip(byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException("gzip in memory", e);
        }
        return out.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
