package dev.gantry.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;

/**
 * Makes small images for tests: as OCI layout, OCI archive, Docker archive, or as blobs for a registry.
 *
 * <pre>{@code
 * OciImages.image("example.test/demo:1").busybox().file("/etc/motd", "hello\n").cmd("sh").writeArchive(path);
 * }</pre>
 */
public final class OciImages {
    public static final String INDEX = "application/vnd.oci.image.index.v1+json";
    public static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    public static final String CONFIG = "application/vnd.oci.image.config.v1+json";
    public static final String LAYER = "application/vnd.oci.image.layer.v1.tar";

    private static final Path BUSYBOX = Path.of("/bin/busybox");
    private static final List<String> APPLETS = List.of(
            "sh",
            "ash",
            "cat",
            "echo",
            "env",
            "false",
            "grep",
            "head",
            "hostname",
            "httpd",
            "id",
            "ip",
            "kill",
            "ls",
            "mkdir",
            "mount",
            "nc",
            "nslookup",
            "pidof",
            "ping",
            "printf",
            "ps",
            "pwd",
            "rm",
            "sed",
            "seq",
            "sleep",
            "sort",
            "stat",
            "stty",
            "sync",
            "tail",
            "test",
            "top",
            "touch",
            "tr",
            "true",
            "tty",
            "umount",
            "uname",
            "usleep",
            "vi",
            "wc",
            "wget",
            "which",
            "whoami",
            "yes");

    private OciImages() {}

    /** Whether {@link Image#busybox} can work here: Debian's package busybox-static is installed. */
    public static boolean hasBusybox() {
        return Files.isExecutable(BUSYBOX);
    }

    /** Begins an image of this name, for this machine. */
    public static Image image(String name) {
        return new Image(name);
    }

    /** Digest of a content, {@code sha256:…}. */
    public static String digest(byte[] content) {
        try {
            return "sha256:"
                    + HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The content compressed by gzip. */
    public static byte[] gzip(byte[] content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // an array does not fail
        }
        return bytes.toByteArray();
    }

    /** A JSON string. */
    public static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    private static String list(List<String> texts) {
        return "[" + String.join(",", texts.stream().map(OciImages::quoted).toList()) + "]";
    }

    /** A descriptor as JSON. */
    public static String descriptor(String mediaType, byte[] content) {
        return "{\"mediaType\":" + quoted(mediaType) + ",\"digest\":" + quoted(digest(content)) + ",\"size\":"
                + content.length + "}";
    }

    /** This machine's architecture as Go spells it. */
    public static String architecture() {
        return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    }

    /** An image in the making. Files go into the present layer; {@link #nextLayer} begins another above it. */
    public static final class Image {
        private static final class Layer {
            private final byte[] tar;
            private final byte[] blob;
            private final String mediaType;

            Layer(byte[] tar, byte[] blob, String mediaType) {
                this.tar = tar;
                this.blob = blob;
                this.mediaType = mediaType;
            }
        }

        private final String name;
        private final List<Layer> done = new ArrayList<>();
        private final Map<String, String> labels = new TreeMap<>();
        private final List<String> env = new ArrayList<>(List.of("PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"));
        private final List<String> volumes = new ArrayList<>();
        private List<String> entrypoint = List.of();
        private List<String> cmd = List.of();
        private String user = "";
        private String workingDir = "";
        private String stopSignal = "";
        private String architecture = OciImages.architecture();
        private String os = "linux";
        private TarWriter layer = new TarWriter();
        private boolean layerIsEmpty = true;
        private boolean compressed = true;

        private Image(String name) {
            this.name = name;
        }

        /** Adds Debian's static busybox as {@code /bin/busybox} with links for its common applets. */
        public Image busybox() {
            try {
                entries(
                        TarWriter.directory("bin/"),
                        TarWriter.file("bin/busybox", Files.readAllBytes(BUSYBOX))
                                .mode(0755));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            for (String applet : APPLETS) {
                entries(TarWriter.symlink("bin/" + applet, "busybox"));
            }
            return entries(
                    TarWriter.directory("tmp/").mode(01777),
                    TarWriter.directory("etc/"),
                    TarWriter.directory("root/").mode(0700),
                    TarWriter.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
                    TarWriter.file("etc/group", "root:x:0:\nnogroup:x:65534:\n"));
        }

        public Image file(String path, String content) {
            return file(path, content.getBytes(StandardCharsets.UTF_8), 0644);
        }

        /** An executable script. */
        public Image script(String path, String content) {
            return file(path, content.getBytes(StandardCharsets.UTF_8), 0755);
        }

        public Image file(String path, byte[] content, int mode) {
            return entries(TarWriter.file(relative(path), content).mode(mode));
        }

        public Image directory(String path, int mode) {
            return entries(TarWriter.directory(relative(path) + "/").mode(mode));
        }

        public Image symlink(String path, String target) {
            return entries(TarWriter.symlink(relative(path), target));
        }

        private static String relative(String path) {
            return path.startsWith("/") ? path.substring(1) : path;
        }

        /** Any entries. */
        public Image entries(TarWriter.Entry... entries) {
            layer.add(entries);
            layerIsEmpty = false;
            return this;
        }

        /** Ends the present layer. */
        public Image nextLayer() {
            if (!layerIsEmpty) {
                byte[] tar = layer.finish();
                done.add(compressed ? new Layer(tar, gzip(tar), LAYER + "+gzip") : new Layer(tar, tar, LAYER));
                layer = new TarWriter();
                layerIsEmpty = true;
            }
            return this;
        }

        /** Adds a layer as it is: the tar for the diff id, the blob for the registry. */
        public Image layer(byte[] tar, byte[] blob, String mediaType) {
            nextLayer();
            done.add(new Layer(tar, blob, mediaType));
            return this;
        }

        /** Layers from here on are plain tars. */
        public Image uncompressed() {
            compressed = false;
            return this;
        }

        public Image entrypoint(String... words) {
            entrypoint = List.of(words);
            return this;
        }

        public Image cmd(String... words) {
            cmd = List.of(words);
            return this;
        }

        public Image env(String variable, String value) {
            env.add(variable + "=" + value);
            return this;
        }

        public Image user(String value) {
            user = value;
            return this;
        }

        public Image workingDir(String value) {
            workingDir = value;
            return this;
        }

        public Image stopSignal(String value) {
            stopSignal = value;
            return this;
        }

        public Image volume(String path) {
            volumes.add(path);
            return this;
        }

        public Image label(String key, String value) {
            labels.put(key, value);
            return this;
        }

        public Image platform(String osName, String architectureName) {
            os = osName;
            architecture = architectureName;
            return this;
        }

        public String name() {
            return name;
        }

        /** The config blob. */
        public byte[] config() {
            nextLayer();
            List<String> diffIds =
                    done.stream().map(l -> OciImages.digest(l.tar)).toList();
            List<String> sets = volumes.stream().map(v -> quoted(v) + ":{}").toList();
            List<String> pairs = labels.entrySet().stream()
                    .map(e -> quoted(e.getKey()) + ":" + quoted(e.getValue()))
                    .toList();
            return ("{\"created\":\"2024-01-01T00:00:00Z\",\"architecture\":" + quoted(architecture) + ",\"os\":"
                            + quoted(os) + ",\"config\":{\"User\":" + quoted(user) + ",\"Env\":" + list(env)
                            + ",\"Entrypoint\":" + list(entrypoint) + ",\"Cmd\":" + list(cmd) + ",\"WorkingDir\":"
                            + quoted(workingDir) + ",\"StopSignal\":" + quoted(stopSignal) + ",\"Volumes\":{"
                            + String.join(",", sets) + "},\"Labels\":{" + String.join(",", pairs)
                            + "}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":" + list(diffIds) + "}}")
                    .getBytes(StandardCharsets.UTF_8);
        }

        /** The manifest. */
        public byte[] manifest() {
            byte[] config = config();
            List<String> layers =
                    done.stream().map(l -> descriptor(l.mediaType, l.blob)).toList();
            return ("{\"schemaVersion\":2,\"mediaType\":" + quoted(MANIFEST) + ",\"config\":"
                            + descriptor(CONFIG, config) + ",\"layers\":[" + String.join(",", layers) + "]}")
                    .getBytes(StandardCharsets.UTF_8);
        }

        /** Digest of the config: what the image's id will be. */
        public String id() {
            return OciImages.digest(config());
        }

        /** Config and layers by digest; the manifest is not among them. */
        public Map<String, byte[]> blobs() {
            Map<String, byte[]> blobs = new LinkedHashMap<>();
            byte[] config = config();
            blobs.put(OciImages.digest(config), config);
            done.forEach(l -> blobs.put(OciImages.digest(l.blob), l.blob));
            return blobs;
        }

        /** The layers' blobs, the lowest first. */
        public List<byte[]> layers() {
            nextLayer();
            return done.stream().map(l -> l.blob).toList();
        }

        private Map<String, byte[]> layoutFiles() {
            Map<String, byte[]> files = new LinkedHashMap<>();
            byte[] manifest = manifest();
            files.put("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
            String entry = descriptor(MANIFEST, manifest).replaceFirst("}$", "")
                    + ",\"annotations\":{\"io.containerd.image.name\":" + quoted(name)
                    + ",\"org.opencontainers.image.ref.name\":" + quoted(name) + "}}";
            files.put(
                    "index.json",
                    ("{\"schemaVersion\":2,\"mediaType\":" + quoted(INDEX) + ",\"manifests\":[" + entry + "]}")
                            .getBytes(StandardCharsets.UTF_8));
            files.put(path(OciImages.digest(manifest)), manifest);
            blobs().forEach((digest, blob) -> files.put(path(digest), blob));
            return files;
        }

        private static String path(String digest) {
            return "blobs/" + digest.replace(':', '/');
        }

        /** Writes an OCI layout into a directory, which is made. */
        public Path writeLayout(Path directory) throws IOException {
            for (Map.Entry<String, byte[]> file : layoutFiles().entrySet()) {
                Path path = directory.resolve(file.getKey());
                Path parent = path.getParent();
                if (parent != null) {
                    Files.createDirectories(parent);
                }
                Files.write(path, file.getValue());
            }
            return directory;
        }

        /** Writes an OCI layout as a plain tar. */
        public Path writeArchive(Path file) throws IOException {
            return Files.write(file, archive());
        }

        /** An OCI layout as a plain tar. */
        public byte[] archive() {
            TarWriter tar = new TarWriter();
            layoutFiles().forEach((path, content) -> tar.add(TarWriter.file(path, content)));
            return tar.finish();
        }

        /** What {@code docker save} of old wrote: no manifest, plain layers. */
        public byte[] dockerArchive() {
            TarWriter tar = new TarWriter();
            String config = id().substring("sha256:".length()) + ".json";
            tar.add(TarWriter.file(config, config()));
            List<String> names = new ArrayList<>();
            for (Layer each : done) {
                String path = OciImages.digest(each.tar).substring("sha256:".length()) + "/layer.tar";
                names.add(path);
                tar.add(TarWriter.file(path, each.tar));
            }
            tar.add(TarWriter.file(
                    "manifest.json",
                    "[{\"Config\":" + quoted(config) + ",\"RepoTags\":" + list(List.of(name)) + ",\"Layers\":"
                            + list(names) + "}]"));
            return tar.finish();
        }
    }
}
