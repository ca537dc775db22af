package dev.gantry.e2e.cri;

import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.e2e.Registry;
import dev.gantry.e2e.RuntimeProcess;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.ContainerdProgram;
import dev.gantry.testing.PeerRuntime;
import io.grpc.Channel;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A runtime under test, behind its socket, with a registry beside it. */
final class CriServer {
    /** What containerd does not have, or only since a version, and why its tests are skipped. */
    enum Feature {
        RUNTIME_CONFIG("RuntimeConfig", 2, 0),
        HANDLER_FEATURES("features of runtime handlers", 2, 0),
        UNKNOWN_IS_GONE("stopping what is not known, without an error,", 2, 0),
        IMAGE_FILTER("containerd lists all images whatever the filter"),
        EXEC_LIMIT("containerd's answer with as much of an exec's output as it keeps is larger than it may send"),
        STREAMED_LISTS("containerd has no streamed lists up to 2.3"),
        EVENTS("GetContainerEvents", 1, 7),
        METRICS("metrics", 2, 2),
        RECURSIVE_READ_ONLY("recursive read-only mounts", 2, 0),
        STRICT_GROUPS("supplementalGroupsPolicy", 2, 0),
        STATUS_RESOURCES("resources in a container's status", 1, 7),
        STATUS_USER("the user in a container's status", 2, 0),
        STOP_SIGNAL("stop signals of containers", 2, 3),
        IMAGE_ID("image_id of containers", 2, 3),
        POD_RESOURCES("UpdatePodSandboxResources", 2, 3),
        PREFIXES("containerd takes only whole ids in filters"),
        NO_CHECKPOINTS("containerd makes checkpoints since 2.0", 0, 0, 2),
        WEBSOCKET_V5("containerd speaks WebSocket protocols up to v4"),
        PROCESS_STATS("the count of a pod's processes", 1, 7);

        private final String reason;
        private final int major;
        private final int minor;
        private final int untilMajor;

        /** One of containerd's versions from {@code major.minor} on, up to those before {@code untilMajor}. */
        Feature(String reason, int major, int minor, int untilMajor) {
            this.reason = reason;
            this.major = major;
            this.minor = minor;
            this.untilMajor = untilMajor;
        }

        Feature(String what, int major, int minor) {
            this(what + " came with containerd " + major + "." + minor, major, minor, Integer.MAX_VALUE);
        }

        Feature(String reason) {
            this(reason, 0, 0, 0);
        }

        boolean isIn(ContainerdProgram program) {
            return program.isAtLeast(major, minor) && !program.isAtLeast(untilMajor, 0);
        }

        static Set<Feature> of(ContainerdProgram program) {
            EnumSet<Feature> has = EnumSet.allOf(Feature.class);
            has.removeIf(feature -> !feature.isIn(program));
            return has;
        }
    }

    static final String REPOSITORY = "conformance/base";

    private final String name;
    private final Path socket;
    private final Channel channel;
    private final Path directory;
    private final Registry registry;
    private final Set<Feature> features;
    private final Optional<RuntimeProcess> own;
    private final Deque<Closeable> parts;

    private CriServer(
            String name,
            Path socket,
            Channel channel,
            Path directory,
            Registry registry,
            Set<Feature> features,
            Optional<RuntimeProcess> own,
            Deque<Closeable> parts) {
        this.name = name;
        this.socket = socket;
        this.channel = channel;
        this.directory = directory;
        this.registry = registry;
        this.features = features;
        this.own = own;
        this.parts = parts;
    }

    static CriServer gantry() throws Exception {
        Path directory = Files.createTempDirectory("gantry-cri");
        Deque<Closeable> parts = new ArrayDeque<>();
        Registry registry = registry(directory, parts);
        RuntimeProcess runtime = RuntimeProcess.start(directory.resolve("node"));
        parts.push(runtime::close);
        return pulled(new CriServer(
                "Gantry",
                runtime.socket(),
                runtime.channel(),
                directory,
                registry,
                EnumSet.allOf(Feature.class),
                Optional.of(runtime),
                parts));
    }

    static CriServer containerd() throws Exception {
        Path directory = Files.createTempDirectory("containerd-cri");
        Deque<Closeable> parts = new ArrayDeque<>();
        Registry registry = registry(directory, parts);
        Containerd containerd = Containerd.start(
                Files.createDirectories(directory.resolve("node")),
                new PeerRuntime.Network("gtest0", "10.214.0.0/16"),
                TestImages.PAUSE);
        parts.push(containerd::close);
        containerd.load(
                Files.write(directory.resolve("pause.tar"), TestImages.pause().tar()));
        return pulled(new CriServer(
                "containerd",
                containerd.socket(),
                containerd.channel(),
                directory,
                registry,
                Feature.of(containerd.program()),
                Optional.empty(),
                parts));
    }

    private static Registry registry(Path directory, Deque<Closeable> parts) throws Exception {
        Registry registry = Registry.plain(directory.resolve("registry"));
        parts.push(registry::close);
        registry.push(REPOSITORY, TestImages.base(""));
        return registry;
    }

    private static CriServer pulled(CriServer server) {
        var unused = server.images()
                .pullImage(PullImageRequest.newBuilder()
                        .setImage(ImageSpec.newBuilder().setImage(server.image()))
                        .build());
        return server;
    }

    RuntimeServiceGrpc.RuntimeServiceBlockingStub runtime() {
        return RuntimeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    ImageServiceGrpc.ImageServiceBlockingStub images() {
        return ImageServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    /** Where it serves. */
    Path socket() {
        return socket;
    }

    Channel channel() {
        return channel;
    }

    Registry registry() {
        return registry;
    }

    /** Busybox with a few users; present. */
    String image() {
        return registry.reference(REPOSITORY);
    }

    /** A place for files that pods see. */
    Path directory() {
        return directory;
    }

    /** Ours; for tests of what only we promise. */
    RuntimeProcess own() {
        return own.orElseThrow(() -> new IllegalStateException(name + " is not ours"));
    }

    /** Skips the test, saying why, where the runtime does not have it. */
    void requires(Feature feature) {
        Assumptions.assumeTrue(features.contains(feature), () -> name + ": " + feature.reason);
    }

    boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** containerd leaves the cgroups of pods to the kubelet: one for all is enough here. */
    String cgroupParent(String uid) {
        return own.isPresent() ? "/kubepods/besteffort/pod" + uid : "/gantry-e2e";
    }

    /** Ends everything; JUnit's own closing of arguments would come after each class. */
    void end() throws IOException {
        while (!parts.isEmpty()) {
            parts.pop().close();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
