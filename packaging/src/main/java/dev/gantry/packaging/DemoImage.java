package dev.gantry.packaging;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;

/**
 * The image of the examples: busybox, and a program that serves a page and logs a line a second. One layer, as an OCI
 * archive that Gantry, containerd and others can load.
 */
final class DemoImage {
    static final String NAME = "localhost/gantry-demo:1";

    private final byte[] busybox;
    private final List<String> applets;
    private final byte[] program;
    private final String architecture;

    /**
     * @param busybox the statically linked program
     * @param applets the commands it offers, as {@code busybox --list} prints them
     * @param program the script the image starts
     * @param architecture in Go's words: {@code amd64}, {@code arm64}
     */
    DemoImage(byte[] busybox, List<String> applets, byte[] program, String architecture) {
        this.busybox = busybox;
        this.applets = List.copyOf(applets);
        this.program = program;
        this.architecture = architecture;
    }

    /** The archive: {@code oci-layout}, {@code index.json} and the blobs. */
    byte[] archive() {
        byte[] layer = layer();
        byte[] compressed = gzip(layer);
        byte[] config = json("""
                {"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z",\
                "config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],\
                "Entrypoint":["/bin/demo"],"ExposedPorts":{"8080/tcp":{}},"StopSignal":"SIGTERM"},\
                "rootfs":{"type":"layers","diff_ids":["sha256:%s"]},\
                "history":[{"created":"1970-01-01T00:00:00Z","created_by":"gantry demo image"}]}""".formatted(architecture, sha256(layer)));
        byte[] manifest = json("""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
                "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},\
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%d}]}""".formatted(sha256(config), config.length, sha256(compressed), compressed.length));
        byte[] index = json("""
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",\
                "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,\
                "platform":{"architecture":"%s","os":"linux"},\
                "annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}""".formatted(sha256(manifest), manifest.length, architecture, NAME, NAME));
        TarBuilder archive = new TarBuilder()
                .file("oci-layout", 0644, json("{\"imageLayoutVersion\":\"1.0.0\"}"))
                .file("index.json", 0644, index)
                .directory("blobs", 0755)
                .directory("blobs/sha256", 0755);
        for (byte[] blob : List.of(config, manifest, compressed)) {
            archive.file("blobs/sha256/" + sha256(blob), 0644, blob);
        }
        return archive.build();
    }

    private byte[] layer() {
        TarBuilder layer = new TarBuilder();
        for (String directory : List.of("bin", "dev", "etc", "proc", "root", "sys", "usr", "usr/bin", "var")) {
            layer.directory(directory, 0755);
        }
        layer.directory("tmp", 01777);
        layer.file(
                "etc/passwd", 0644, ascii("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"));
        layer.file("etc/group", 0644, ascii("root:x:0:\nnogroup:x:65534:\n"));
        layer.file("bin/busybox", 0755, busybox);
        for (String applet : new TreeSet<>(applets)) {
            if (!applet.equals("busybox")) {
                layer.symbolicLink("bin/" + applet, "busybox");
            }
        }
        layer.symbolicLink("usr/bin/env", "../../bin/busybox");
        layer.file("bin/demo", 0755, program);
        return layer.build();
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

    private static byte[] json(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
