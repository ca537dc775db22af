package dev.gantry.bench;

import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.e2e.AgentProcess;
import dev.gantry.e2e.Registry;
import dev.gantry.e2e.RuntimeProcess;
import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
import dev.gantry.runtime.NativeRuntime;
import dev.gantry.runtime.NativeRuntimeConfig;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.PeerRuntime;
import io.grpc.Channel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Runs all rows and prints the table. See {@code bench/README.md}. */
public final class Bench {
    static final String GANTRY = "Gantry";
    private static final String SOCKET = "Gantry by socket";
    private static final String RUNC = "containerd + runc";
    private static final String CRUN = "containerd + crun";

    private Bench() {}

    /**
     * Measures.
     *
     * @param arguments the folder of this module, a folder for everything that is made, and the names of the groups of
     *     rows to measure: {@code cri}, {@code agent}, {@code pull}, {@code many},
     *     {@code probes}; none means all. {@code alone}
     *     measures Gantry's life of a pod without the others, for a profiler
     */
    public static void main(String[] arguments) throws Exception {
        Path module = Path.of(arguments[0]);
        Path work = Path.of(arguments[1]);
        List<String> groups = arguments.length > 2
                ? List.of(arguments).subList(2, arguments.length)
                : List.of("cri", "pull", "agent", "many", "probes");
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Report report = new Report(out, List.of(GANTRY, RUNC, CRUN, SOCKET));
        report.header();
        if (groups.contains("cri") || groups.contains("pull")) {
            peers(module, work, report, groups);
        }
        if (groups.contains("alone")) {
            alone(work, report);
        }
        AgentRows agent = new AgentRows(Files.createDirectories(work.resolve("agents")), report, GANTRY);
        if (groups.contains("agent")) {
            agent.firstContainer(10);
            agent.commandLine(20);
            agent.restart(20);
        }
        if (groups.contains("many")) {
            agent.many(300);
        }
        if (groups.contains("probes")) {
            new ProbeRows(report, GANTRY).measure();
        }
        report.summary();
        System.exit(0);
    }

    private static void alone(Path work, Report report) throws IOException, InterruptedException {
        Path ours = work.resolve("gantry");
        try (NativeRuntime runtime =
                NativeRuntime.open(NativeRuntimeConfig.under(ours).withImageArchives(archives()))) {
            new CriRows(List.of(gantry(GANTRY, ours, runtime.channel())), report).podLife(15);
        }
    }

    private static Path archives() {
        return AgentProcess.launcher().resolveSibling("../share/images").normalize();
    }

    private static Peer gantry(String name, Path root, Channel channel) throws IOException {
        Peer gantry = new Peer(name, "", Files.createDirectories(root.resolve("logs")), channel);
        var unused = gantry.images()
                .pullImage(PullImageRequest.newBuilder()
                        .setImage(ImageSpec.newBuilder().setImage(DemoImage.NAME))
                        .build());
        return gantry;
    }

    private static Peer peer(String name, String handler, Containerd containerd, Path work) {
        return new Peer(name, handler, work.resolve("containerd/logs"), containerd.channel());
    }

    private static void peers(Path module, Path work, Report report, List<String> groups)
            throws IOException, InterruptedException {
        Path archives = archives();
        Path pause = Files.write(
                work.resolve("pause.tar"),
                PauseImage.create(module.resolve("src/main/c/pause.c"), work).tar());
        Path ours = work.resolve("gantry");
        NativeRuntimeConfig config = NativeRuntimeConfig.under(ours).withImageArchives(archives);
        try (Containerd containerd = Containerd.start(
                        Files.createDirectories(work.resolve("containerd")),
                        new PeerRuntime.Network("bench0", "10.213.0.0/16"),
                        PauseImage.NAME);
                NativeRuntime runtime = NativeRuntime.open(config)) {
            containerd.load(pause);
            containerd.load(archives.resolve("gantry-demo-1.tar"));
            List<Peer> peers = List.of(
                    gantry(GANTRY, ours, runtime.channel()),
                    peer(RUNC, "runc", containerd, work),
                    peer(CRUN, "crun", containerd, work));
            peers.forEach(peer -> peer.logs().toFile().mkdirs());
            CriRows rows = new CriRows(peers, report);
            if (groups.contains("cri")) {
                try (RuntimeProcess server = RuntimeProcess.start(work.resolve("server"))) {
                    rows.podLife(7, gantry(SOCKET, work.resolve("server"), server.channel()));
                }
                rows.memory(containerd);
                rows.log(work);
            }
            if (groups.contains("pull")) {
                try (Registry registry = Registry.plain(work.resolve("registry"))) {
                    OciArchive image = BigImage.create("localhost/bench-big:1");
                    registry.push("big", image);
                    rows.pull(registry.reference("big"), 200);
                }
            }
        }
    }
}
