package dev.gantry.agent.pod;

import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.netns.NetworkNames;
import dev.gantry.runtime.NativeRuntime;
import dev.gantry.runtime.NativeRuntimeConfig;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.CriO;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.PeerRuntime;
import io.grpc.Channel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A runtime in which engines of tests run real pods, everything below one directory. */
interface TestRuntime {
    /** Busybox; the user {@code web} (1000, group 1001) is in group 4000. */
    String IMAGE = "example.test/demo:1";

    /** The same, to be run as the user {@code web}. */
    String OF_WEB = "example.test/web:1";

    /** The same, to be run as {@code toor}, another name of root. */
    String OF_TOOR = "example.test/toor:1";

    Channel channel();

    /** What pods are told of the node. */
    NodeFacts node();

    /** Ends it without a chance to tidy up; its pods go on. */
    void die() throws Exception;

    void startAgain() throws Exception;

    void close() throws Exception;

    /** Opens one. */
    interface Factory {
        TestRuntime open(Path directory) throws Exception;
    }

    private static List<Path> archives(Path directory) throws Exception {
        Path archives = Files.createDirectories(directory.resolve("archives"));
        return List.of(
                image(IMAGE).writeArchive(archives.resolve("demo.tar")),
                image(OF_WEB).user("web").writeArchive(archives.resolve("web.tar")),
                image(OF_TOOR).user("toor").writeArchive(archives.resolve("toor.tar")));
    }

    private static OciImages.Image image(String name) {
        return OciImages.image(name)
                .busybox()
                // A path comes once in a layer, or CRI-O's store refuses it.
                .nextLayer()
                .file("/etc/passwd", """
                        root:x:0:0:root:/root:/bin/sh
                        toor:x:0:0:root:/root:/bin/sh
                        web:x:1000:1001:web:/home/web:/bin/sh
                        """)
                .file("/etc/group", "root:x:0:\nweb:x:1001:\nlogs:x:4000:web\n")
                .cmd("sh");
    }

    /** Gantry's own. */
    static TestRuntime gantry(Path directory) throws Exception {
        archives(directory);
        return new Gantry(NativeRuntimeConfig.under(directory).withImageArchives(directory.resolve("archives")));
    }

    /** Debian's containerd, with runc. */
    static TestRuntime containerd(Path directory) throws Exception {
        return peer(directory, Containerd::start);
    }

    /** CRI-O, with runc and events. */
    static TestRuntime crio(Path directory) throws Exception {
        return peer(directory, CriO::startWithEvents);
    }

    /** Starts a runtime of others. */
    interface PeerFactory {
        PeerRuntime start(Path directory, PeerRuntime.Network network, String pauseImage) throws Exception;
    }

    private static TestRuntime peer(Path directory, PeerFactory factory) throws Exception {
        String pause = "example.test/pause:1";
        // The files of pods lie below the directory, too: it is the daemon's as well.
        PeerRuntime peer = factory.start(directory, new PeerRuntime.Network("gantry-pods-it", "10.216.0.0/16"), pause);
        try {
            peer.load(OciImages.image(pause)
                    .busybox()
                    .entrypoint("sleep", "2147483647")
                    .writeArchive(directory.resolve("pause.tar")));
            for (Path archive : archives(directory)) {
                peer.load(archive);
            }
        } catch (Exception e) {
            peer.close();
            throw e;
        }
        return new OnPeer(peer);
    }

    /** Gantry's own, in this process. */
    final class Gantry implements TestRuntime {
        private final NativeRuntimeConfig config;
        private NativeRuntime runtime;

        Gantry(NativeRuntimeConfig config) throws Exception {
            this.config = config;
            this.runtime = NativeRuntime.open(config);
        }

        @Override
        public Channel channel() {
            return runtime.channel();
        }

        @Override
        public NodeFacts node() {
            return new NodeFacts("node-1", List.of("192.0.2.1"), 8L << 30, 2);
        }

        @Override
        public void die() {
            runtime.close();
        }

        @Override
        public void startAgain() throws Exception {
            runtime = NativeRuntime.open(config);
        }

        @Override
        public void close() throws Exception {
            runtime.close();
            // A root that is thrown away leaves its bridge and table, which a real one keeps for the next start.
            NetworkNames names = NetworkNames.forRoot(config.root(), Path.of("/var/lib/gantry"));
            run("ip", "link", "delete", names.bridge());
            run("nft", "delete", "table", "inet", names.table());
        }

        private static void run(String... command) throws Exception {
            var unused = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        }
    }

    /** A daemon beside. */
    final class OnPeer implements TestRuntime {
        private final PeerRuntime peer;

        OnPeer(PeerRuntime peer) {
            this.peer = peer;
        }

        @Override
        public Channel channel() {
            return peer.channel();
        }

        /** Of cgroups it is told what the host has. */
        @Override
        public NodeFacts node() {
            return new NodeFacts(
                    "node-1",
                    List.of("192.0.2.1"),
                    NodeResources.of(8L << 30, 2),
                    ResourcePolicy.DEFAULT.withUnified(Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))));
        }

        @Override
        public void die() throws Exception {
            peer.killNine();
        }

        @Override
        public void startAgain() throws Exception {
            peer.startAgain();
        }

        @Override
        public void close() throws Exception {
            peer.close();
        }
    }
}
