package dev.gantry.e2e.cri;

import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.e2e.Registry;
import dev.gantry.e2e.RuntimeProcess;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.ContainerdProgram;
import dev.gantry.testing.CriO;
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
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A runtime under test, behind its socket, with a registry beside it. */
final class CriServer {
    /** What other runtimes do not have, or only since a version; its tests are skipped there. */
    enum Feature {
        RUNTIME_CONFIG("RuntimeConfig", Since.V2_0, Since.EVER),
        HANDLER_FEATURES("features of runtime handlers", Since.V2_0, Since.EVER),
        UNKNOWN_IS_GONE("stopping what is not known, without an error", Since.V2_0, Since.EVER),
        IMAGE_FILTER("lists of images by a filter", Since.NEVER, Since.EVER),
        PREFIXES("the beginnings of ids in filters", Since.NEVER, Since.EVER),
        ALL_NAMES_GO("the removal of an image with all its names by one of them", Since.EVER, Since.NEVER),
        EXEC_LIMIT("an exec's output up to what a message may be long", Since.NEVER, Since.NEVER),
        EXEC_FAILURES("errors of gRPC, with codes, for what is wrong with an exec", Since.EVER, Since.NEVER),
        LATE_COMMANDS("the creation of a container whose command is not there", Since.EVER, Since.NEVER),
        NAME_IS_TAKEN("an error for a name that is taken already", Since.EVER, Since.NEVER),
        VERBOSE_STATUS("the first process and the config in a verbose status", Since.EVER, Since.NEVER),
        HOST_PORT_ON_LOOPBACK("host ports on the loopback address", Since.EVER, Since.NEVER),
        LABELS_AS_GIVEN("a sandbox's labels without its own", Since.EVER, Since.NEVER),
        STREAMED_LISTS("streamed lists", Since.NEVER, Since.NEVER),
        EVENTS("GetContainerEvents", Since.V1_7, Since.EVER),
        EVENTS_OF_SANDBOXES("events of a sandbox's creation and removal", Since.V1_7, Since.NEVER),
        METRICS("metrics", Since.V2_2, Since.NEVER),
        METRIC_LABELS("metrics with as many labels as their descriptors name", Since.V2_3, Since.NEVER),
        RECURSIVE_READ_ONLY("recursive read-only mounts", Since.V2_0, Since.EVER),
        STRICT_GROUPS("supplementalGroupsPolicy", Since.V2_0, Since.EVER),
        STATUS_RESOURCES("resources in a container's status", Since.V1_7, Since.EVER),
        STATUS_USER("the user in a container's status", Since.V2_0, Since.EVER),
        STOP_SIGNAL("stop signals of containers", Since.V2_3, Since.NEVER),
        IMAGE_ID("image_id of containers", Since.V2_3, Since.EVER),
        POD_RESOURCES("UpdatePodSandboxResources", Since.V2_3, Since.NEVER),
        NO_CHECKPOINTS("UNIMPLEMENTED for checkpoints, which it makes", Since.NEVER, Since.NEVER) {
            @Override
            boolean isIn(ContainerdProgram program) {
                return !program.isAtLeast(2, 0);
            }
        },
        WEBSOCKET_V5("WebSocket protocol v5", Since.NEVER, Since.NEVER),
        UPDATE_FAILURES("NOT_FOUND for a change of what is not there", Since.EVER, Since.NEVER),
        POD_STATS("processes, CPU and the interface of a pod as a whole", Since.V1_7, Since.NEVER),
        LESS_THAN_ALL_CAPABILITIES(
                "privileged containers of a root without all capabilities", Since.EVER, Since.NEVER) {
            @Override
            boolean isInCriO() {
                return CriO.rootHasAllCapabilities();
            }
        };

        private final String what;
        private final Since containerd;
        private final Since crio;

        Feature(String what, Since containerd, Since crio) {
            this.what = what;
            this.containerd = containerd;
            this.crio = crio;
        }

        boolean isIn(ContainerdProgram program) {
            return program.isAtLeast(containerd.major, containerd.minor);
        }

        boolean isInCriO() {
            return crio == Since.EVER;
        }

        static Set<Feature> of(Predicate<Feature> has) {
            EnumSet<Feature> all = EnumSet.allOf(Feature.class);
            all.removeIf(has.negate());
            return all;
        }
    }

    /** The version from which on something is there. */
    private enum Since {
        EVER(0, 0),
        V1_7(1, 7),
        V2_0(2, 0),
        V2_2(2, 2),
        V2_3(2, 3),
        NEVER(Integer.MAX_VALUE, 0);

        private final int major;
        private final int minor;

        Since(int major, int minor) {
            this.major = major;
            this.minor = minor;
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
                Feature.of(feature -> feature.isIn(containerd.program())),
                Optional.empty(),
                parts));
    }

    static CriServer crio() throws Exception {
        Path directory = Files.createTempDirectory("cri");
        Deque<Closeable> parts = new ArrayDeque<>();
        Registry registry = registry(directory, parts);
        CriO crio = CriO.startWithEvents(
                Files.createDirectories(directory.resolve("node")),
                new PeerRuntime.Network("gtest1", "10.218.0.0/16"),
                TestImages.PAUSE);
        parts.push(crio::close);
        crio.load(Files.write(directory.resolve("pause.tar"), TestImages.pause().tar()));
        return pulled(new CriServer(
                "CRI-O",
                crio.socket(),
                crio.channel(),
                directory,
                registry,
                Feature.of(Feature::isInCriO),
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
        Assumptions.assumeTrue(features.contains(feature), () -> name + " does not have: " + feature.what);
    }

    boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** Others leave the cgroups of pods to the kubelet: one for all is enough here. */
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
