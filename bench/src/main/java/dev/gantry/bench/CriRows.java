package dev.gantry.bench;

import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.testing.Containerd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.stream.Stream;

/** The rows that every runtime with CRI can be measured by. */
final class CriRows {
    private static final int WARM_UP = 3;
    /** A JVM compiles what runs often, on its way: after some hundred pods it is as quick as it stays. */
    private static final int WARM_UP_PODS_OF_JVM = 100;

    /** The kernel takes a pod's network down in the background, holding the lock that making the next one needs. */
    private static final long SETTLE_MILLIS = 200;

    private static final int IN_A_ROW = 20;

    private static final int EXECS = 3;
    private static final int MEMORY_PODS = 10;
    private static final long LOG_BYTES = 256L << 20;

    private final List<Peer> peers;
    private final Report report;

    /** @param peers Gantry first, then those it is compared with, runc as the first of them */
    CriRows(List<Peer> peers, Report report) {
        this.peers = peers;
        this.report = report;
    }

    /**
     * Start, exec, stop: the peers take turns, so that what else the machine does hits all of them.
     *
     * @param besides further peers, which no bound is about
     */
    void podLife(int rounds, Peer... besides) throws InterruptedException {
        List<Peer> all = new ArrayList<>(peers);
        all.addAll(List.of(besides));
        new CriRows(all, report).lifeByTurns(rounds);
    }

    private void lifeByTurns(int rounds) throws InterruptedException {
        List<Life> inRow = lives();
        List<Life> rested = lives();
        StringJoiner first = new StringJoiner(", ", "the first pod of a process: ", "");
        for (int round = -WARM_UP; round < rounds; round++) {
            for (int index = 0; index < peers.size(); index++) {
                Peer peer = peers.get(index);
                Thread.sleep(SETTLE_MILLIS);
                int pods = round < 0 && isJvm(peer) ? WARM_UP_PODS_OF_JVM : IN_A_ROW;
                for (int turn = 0; turn <= pods; turn++) {
                    List<Life> lives = turn == 0 ? rested : inRow;
                    double started = live(peer, lives.get(index), round >= 0);
                    if (round == -WARM_UP && turn == 0) {
                        first.add("%s %.0f ms".formatted(peer.name(), started));
                    }
                }
            }
        }
        Life ours = inRow.get(0);
        compare(
                "pod start: sandbox, network, container",
                inRow,
                life -> life.start,
                10,
                15,
                "%s, p50: RunPodSandbox %.1f ms, CreateContainer %.1f ms, StartContainer %.1f ms"
                        .formatted(peers.get(0).name(), ours.sandbox.p50(), ours.create.p50(), ours.container.p50()),
                first.toString());
        compare("pod start after %d ms of rest".formatted(SETTLE_MILLIS), rested, life -> life.start, 10, 0);
        compare("pod stop and removal, exits on SIGTERM", inRow, life -> life.stop, 20, 0);
        compare("exec of /bin/true", inRow, life -> life.exec, 4, 10);
    }

    /** What the lives of one runtime's pods took. */
    private static final class Life {
        private final Samples start = new Samples();
        private final Samples sandbox = new Samples();
        private final Samples create = new Samples();
        private final Samples container = new Samples();
        private final Samples exec = new Samples();
        private final Samples stop = new Samples();
    }

    private static boolean isJvm(Peer peer) {
        return peer.name().startsWith(Bench.GANTRY);
    }

    /** Returns how long its start took. */
    private static double live(Peer peer, Life life, boolean counts) {
        BenchPod pod = BenchPod.start(peer, BenchPod.OBEDIENT);
        BenchPod.StartTimes times = pod.startTimes();
        double[] execs = new double[EXECS];
        for (int i = 0; i < EXECS; i++) {
            long begin = System.nanoTime();
            pod.exec("/bin/true");
            execs[i] = millisSince(begin);
        }
        long begin = System.nanoTime();
        pod.remove();
        double stopped = millisSince(begin);
        if (!counts) {
            return times.total();
        }
        life.start.add(times.total());
        life.sandbox.add(times.sandbox());
        life.create.add(times.create());
        life.container.add(times.start());
        for (double exec : execs) {
            life.exec.add(exec);
        }
        life.stop.add(stopped);
        return times.total();
    }

    private List<Life> lives() {
        return peers.stream().map(peer -> new Life()).toList();
    }

    private void compare(
            String title,
            List<Life> lives,
            Function<Life, Samples> kind,
            double boundMillis,
            double boundFactor,
            String... notes) {
        List<Samples> samples = lives.stream().map(kind).toList();
        Report.Row row = report.row(
                title,
                "<= %.0f ms%s"
                        .formatted(boundMillis, boundFactor == 0 ? "" : ", >= %.0fx runc".formatted(boundFactor)));
        for (int index = 0; index < peers.size(); index++) {
            row.millis(peers.get(index).name(), samples.get(index));
        }
        double ours = samples.get(0).p50();
        boolean met = ours <= boundMillis;
        if (peers.size() > 1) {
            double factor = samples.get(1).p50() / ours;
            row.note("%.1f times faster than %s".formatted(factor, peers.get(1).name()));
            met &= factor >= boundFactor;
        }
        for (String note : notes) {
            row.note(note);
        }
        row.verdict(met);
        row.done();
    }

    /** Memory of all that is neither the container nor the daemon. */
    void memory(Containerd containerd) throws IOException {
        Report.Row row = report.row("memory beside the container, per pod (Pss)", "<= 0.5 MB");
        for (Peer peer : peers) {
            Set<Long> before = ProcessTable.all();
            long daemonBefore = ProcessTable.pssKilobytes(containerd.pid());
            List<BenchPod> pods = new ArrayList<>();
            try {
                for (int i = 0; i < MEMORY_PODS; i++) {
                    pods.add(BenchPod.start(peer, BenchPod.OBEDIENT));
                }
                Set<Long> added = ProcessTable.all();
                added.removeAll(before);
                long total = 0;
                for (long pid : added) {
                    if (isHelper(pid)) {
                        total += ProcessTable.pssKilobytes(pid);
                    }
                }
                double megabytes = total / 1024.0 / MEMORY_PODS;
                row.value(peer.name(), "%.2f MB".formatted(megabytes));
                if (peer == peers.get(0)) {
                    row.verdict(megabytes <= 0.5);
                } else {
                    long daemon = ProcessTable.pssKilobytes(containerd.pid()) - daemonBefore;
                    row.note("%s: and its daemon grew by %.2f MB per pod"
                            .formatted(peer.name(), daemon / 1024.0 / MEMORY_PODS));
                }
            } finally {
                pods.forEach(BenchPod::remove);
            }
        }
        row.done();
    }

    /** Shims and pause processes, by their own names or their place: those of other programs do not count. */
    private static boolean isHelper(long pid) {
        String command = ProcessTable.commandLine(pid);
        return command.contains("containerd-shim")
                || command.equals("/pause")
                || ProcessHandle.of(pid)
                        .flatMap(ProcessHandle::parent)
                        .map(parent -> parent.pid() == ProcessHandle.current().pid())
                        .orElse(false);
    }

    /** How fast a container's output gets into its log file. */
    void log(Path directory) throws IOException, InterruptedException {
        Report.Row row = report.row("container stdout to log file", ">= containerd");
        Path data = directory.resolve("lines");
        byte[] line = ("x".repeat(99) + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] block = new String(line, StandardCharsets.US_ASCII).repeat(1000).getBytes(StandardCharsets.US_ASCII);
        try (var out = Files.newOutputStream(data)) {
            for (long written = 0; written < LOG_BYTES; written += block.length) {
                out.write(block);
            }
        }
        List<Double> speeds = new ArrayList<>();
        for (Peer peer : peers) {
            Samples speed = new Samples();
            for (int round = 0; round < 3; round++) {
                BenchPod pod = BenchPod.start(
                        peer,
                        List.of("/bin/sh", "-c", "cat /lines; echo end"),
                        Mount.newBuilder()
                                .setHostPath(data.toString())
                                .setContainerPath("/lines")
                                .setReadonly(true)
                                .build());
                var status = pod.awaitExit();
                long nanos = status.getFinishedAt() - status.getStartedAt();
                speed.add(Files.size(data) / 1e6 / (nanos / 1e9));
                pod.remove();
                deleteLogs(peer);
            }
            speeds.add(speed.p50());
            row.value(peer.name(), "%.0f MB/s".formatted(speed.p50()));
        }
        Files.delete(data);
        double ours = speeds.get(0);
        row.verdict(speeds.stream().allMatch(other -> ours >= other));
        row.done();
    }

    private static void deleteLogs(Peer peer) throws IOException {
        try (Stream<Path> logs = Files.walk(peer.logs())) {
            for (Path file : logs.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Pull and unpack of a big image. */
    void pull(String reference, long megabytes) {
        Report.Row row = report.row("pull and unpack of a %d MB image".formatted(megabytes), ">= containerd");
        List<Double> seconds = new ArrayList<>();
        ImageSpec image = ImageSpec.newBuilder().setImage(reference).build();
        // Both handlers of containerd share one image service: one measurement stands for both.
        for (Peer peer : peers.subList(0, Math.min(2, peers.size()))) {
            Samples samples = new Samples();
            for (int round = 0; round < 3; round++) {
                long begin = System.nanoTime();
                pull(peer, image);
                samples.add(millisSince(begin) / 1000);
                remove(peer, image);
            }
            seconds.add(samples.p50());
            row.value(peer.name(), "%.2f s, %.0f MB/s".formatted(samples.p50(), megabytes / samples.p50()));
        }
        double ours = seconds.get(0);
        row.verdict(seconds.stream().allMatch(other -> ours <= other));
        row.done();
    }

    private static void pull(Peer peer, ImageSpec image) {
        var unused = peer.images()
                .pullImage(PullImageRequest.newBuilder().setImage(image).build());
    }

    private static void remove(Peer peer, ImageSpec image) {
        var unused = peer.images()
                .removeImage(RemoveImageRequest.newBuilder().setImage(image).build());
    }

    private static double millisSince(long begin) {
        return (System.nanoTime() - begin) / 1e6;
    }
}
