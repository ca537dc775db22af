package dev.gantry.testing;

import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StatusRequest;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A containerd of our own: own configuration, state, socket and bridge, with runc and crun as runtime handlers. */
public final class Containerd implements AutoCloseable {
    private static final List<Path> CNI_PLUGINS = List.of(Path.of("/usr/lib/cni"), Path.of("/opt/cni/bin"));

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Path directory;
    private final Network network;
    private final Path socket;
    private final CriEventLoops loops;
    private final ManagedChannel channel;
    private final Process holder;
    private Process daemon;

    private Containerd(
            Path directory, Network network, Path socket, CriEventLoops loops, ManagedChannel channel, Process holder) {
        this.directory = directory;
        this.network = network;
        this.socket = socket;
        this.loops = loops;
        this.channel = channel;
        this.holder = holder;
        this.daemon = holder;
    }

    /**
     * The network of its pods, by the CNI plugin {@code bridge}.
     *
     * @param bridge name of the interface on the host, removed at the end
     * @param subnet such as {@code 10.213.0.0/16}
     */
    public record Network(String bridge, String subnet) {}

    /**
     * Starts the daemon and waits until it serves CRI.
     *
     * @param directory for its files; what is mounted below it, by whomever, is seen by the daemon and by this process
     * @param pauseImage name of the image that holds a pod together; {@link #load} brings it
     * @throws IOException if it does not within 30 s; the message says what it printed last
     */
    public static Containerd start(Path directory, Network network, String pauseImage)
            throws IOException, InterruptedException {
        Path plugins = CNI_PLUGINS.stream()
                .filter(folder -> Files.isExecutable(folder.resolve("bridge")))
                .findFirst()
                .orElseThrow(() -> new IOException("find the CNI plugin 'bridge' in " + CNI_PLUGINS
                        + ": none; install the Debian package containernetworking-plugins"));
        Path socket = directory.resolve("containerd.sock");
        Path configuration = Files.createDirectories(directory.resolve("cni"));
        Files.writeString(configuration.resolve("10-pods.conflist"), """
                {"cniVersion": "0.4.0", "name": "%1$s", "plugins": [
                  {"type": "bridge", "bridge": "%1$s", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                   "ipam": {"type": "host-local", "dataDir": "%2$s", "ranges": [[{"subnet": "%3$s"}]],
                            "routes": [{"dst": "0.0.0.0/0"}]}},
                  {"type": "portmap", "capabilities": {"portMappings": true}}]}
                """.formatted(
                        network.bridge(), directory.resolve("addresses"), network.subnet()));
        Files.writeString(directory.resolve("config.toml"), """
                version = 2
                root = "%1$s/root"
                state = "%1$s/state"
                oom_score = 0
                [grpc]
                  address = "%2$s"
                [plugins."io.containerd.grpc.v1.cri"]
                  sandbox_image = "%4$s"
                  disable_apparmor = true
                  restrict_oom_score_adj = true
                  [plugins."io.containerd.grpc.v1.cri".cni]
                    bin_dir = "%3$s"
                    conf_dir = "%1$s/cni"
                  [plugins."io.containerd.grpc.v1.cri".containerd]
                    snapshotter = "overlayfs"
                    default_runtime_name = "runc"
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                      runtime_type = "io.containerd.runc.v2"
                      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                        BinaryName = "runc"
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
                      runtime_type = "io.containerd.runc.v2"
                      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
                        BinaryName = "crun"
                """.formatted(directory, socket, plugins, pauseImage));
        Process holder = mountNamespace(directory);
        CriEventLoops loops = CriEventLoops.open(1);
        ManagedChannel channel = CriTransport.unixChannel(socket, loops);
        Containerd containerd = new Containerd(directory, network, socket, loops, channel, holder);
        containerd.startAgain();
        return containerd;
    }

    /**
     * A process in a mount namespace of its own, without the cgroup v2 tree beside cgroup v1 that some machines have: crun refuses
     * such a mix, and runc needs v2's controllers if it finds v2. Mounts are shared there, as on a host with systemd, and those
     * below the directory also with this process, as if it were on that host.
     */
    private static Process mountNamespace(Path directory) throws IOException, InterruptedException {
        String path = directory.toString();
        run("mount", "--bind", path, path);
        run("mount", "--make-rshared", path);
        Process holder = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "--propagation",
                        "unchanged",
                        "sh",
                        "-c",
                        "mount --make-private /sys/fs/cgroup; mount --make-private /sys/fs/cgroup/unified;"
                                + " ! grep -q '^[^ ]* /sys/fs/cgroup/unified ' /proc/mounts || umount /sys/fs/cgroup/unified || exit 1;"
                                + " mount --make-rshared / && echo made && exec sleep infinity")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String line = holder.inputReader().readLine();
        if (!"made".equals(line)) {
            holder.destroyForcibly();
            throw new IOException("make a mount namespace for containerd: " + line);
        }
        return holder;
    }

    private static String run(String... words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(
                    "%s: exit code %d, %s".formatted(String.join(" ", words), process.exitValue(), output.strip()));
        }
        return output;
    }

    /** Starts the daemon and waits until it serves CRI. Pods of a daemon before are its own. */
    public void startAgain() throws IOException, InterruptedException {
        daemon = new ProcessBuilder(
                        "nsenter",
                        "--mount=/proc/" + holder.pid() + "/ns/mnt",
                        "--",
                        "containerd",
                        "--config",
                        directory.resolve("config.toml").toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("containerd.log").toFile()))
                .start();
        awaitReady();
    }

    /** Ends the daemon without a chance to tidy up. Its pods run on. */
    public void killNine() throws InterruptedException {
        daemon.destroyForcibly();
        daemon.waitFor();
    }

    /** Where it serves CRI. */
    public Path socket() {
        return socket;
    }

    private void awaitReady() throws IOException, InterruptedException {
        RuntimeServiceGrpc.RuntimeServiceBlockingStub runtime = RuntimeServiceGrpc.newBlockingStub(channel);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            channel.resetConnectBackoff();
            try {
                var unused = runtime.withDeadlineAfter(5, TimeUnit.SECONDS).status(StatusRequest.getDefaultInstance());
                return;
            } catch (StatusRuntimeException notYet) {
                if (System.nanoTime() > end || !daemon.isAlive()) {
                    String words = lastWords();
                    close();
                    throw new IOException("start containerd; its last words: " + words, notYet);
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private String lastWords() {
        try {
            List<String> log = Files.readAllLines(directory.resolve("containerd.log"));
            return String.join("\n", log.subList(Math.max(0, log.size() - 10), log.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** To its CRI; closed with the daemon. */
    public Channel channel() {
        return channel;
    }

    /** The id of the daemon's process. */
    public long pid() {
        return daemon.pid();
    }

    /** Loads an archive of images into the store that CRI sees. */
    public void load(Path archive) throws IOException, InterruptedException {
        var unused = run(
                "ctr",
                "--address",
                socket.toString(),
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--all-platforms",
                archive.toString());
    }

    @Override
    public void close() throws IOException {
        channel.shutdownNow();
        loops.close();
        end(daemon);
        endShims();
        end(holder);
        try {
            var unused = new ProcessBuilder("umount", "--recursive", "--lazy", directory.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
            unused = new ProcessBuilder("ip", "link", "delete", network.bridge())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void end(Process process) throws IOException {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("wait for the end of process " + process.pid(), e);
        }
    }

    /** Of pods that a test has left. */
    private void endShims() throws IOException {
        String own = "-address " + socket;
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            if (process.info().commandLine().orElse("").contains(own)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
    }
}
