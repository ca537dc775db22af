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
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A container runtime of others as a child process: own configuration, state, socket and bridge, in a mount namespace of its own. */
public abstract sealed class PeerRuntime implements AutoCloseable permits Containerd, CriO {
    private static final List<Path> CNI_PLUGINS = List.of(Path.of("/usr/lib/cni"), Path.of("/opt/cni/bin"));

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final String name;
    private final Path directory;
    private final Network network;
    private final CriEventLoops loops;
    private final ManagedChannel channel;
    private final Process holder;
    private Process daemon;

    /**
     * The network of its pods, by the CNI plugin {@code bridge}.
     *
     * @param bridge name of the interface on the host, removed at the end
     * @param subnet such as {@code 10.213.0.0/16}
     */
    public record Network(String bridge, String subnet) {
        /** The configuration, with these plugins after the bridge. */
        private String conflist(Path directory, String more) {
            return """
                    {"cniVersion": "0.4.0", "name": "%1$s", "plugins": [
                      {"type": "bridge", "bridge": "%1$s", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                       "ipam": {"type": "host-local", "dataDir": "%2$s", "ranges": [[{"subnet": "%3$s"}]],
                                "routes": [{"dst": "0.0.0.0/0"}]}}%4$s]}
                    """.formatted(bridge, directory.resolve("addresses"), subnet, more);
        }
    }

    /**
     * Prepares what all of them need; the daemon is not started yet.
     *
     * @param name of the daemon's program
     * @param plugins of CNI after the bridge, each with a comma before it
     */
    PeerRuntime(String name, Path directory, Network network, String plugins) throws IOException, InterruptedException {
        this.name = name;
        this.directory = directory;
        this.network = network;
        // Users of a pod's own, too, pass through it to their files.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        Files.writeString(
                Files.createDirectories(directory.resolve("cni")).resolve("10-pods.conflist"),
                network.conflist(directory, plugins));
        this.holder = mountNamespace();
        this.daemon = holder;
        this.loops = CriEventLoops.open(1);
        this.channel = CriTransport.unixChannel(socket(), loops);
    }

    /** Where the CNI plugins are. */
    static Path plugins() throws IOException {
        return CNI_PLUGINS.stream()
                .filter(folder -> Files.isExecutable(folder.resolve("bridge")))
                .findFirst()
                .orElseThrow(() -> new IOException("find the CNI plugin 'bridge' in " + CNI_PLUGINS
                        + ": none; install the Debian package containernetworking-plugins"));
    }

    /**
     * A process in a mount namespace of its own, without the cgroup v2 tree beside cgroup v1 that some machines have: crun refuses
     * such a mix, and runc needs v2's controllers if it finds v2. Mounts are shared there, as on a host with systemd, and those
     * below the directory also with this process, as if it were on that host.
     */
    private Process mountNamespace() throws IOException, InterruptedException {
        String path = directory.toString();
        run("mount", "--bind", path, path);
        run("mount", "--make-rshared", path);
        Process process = new ProcessBuilder(
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
        String line = process.inputReader().readLine();
        if (!"made".equals(line)) {
            process.destroyForcibly();
            throw new IOException("make a mount namespace for " + name + ": " + line);
        }
        return process;
    }

    static String run(String... words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(
                    "%s: exit code %d, %s".formatted(String.join(" ", words), process.exitValue(), output.strip()));
        }
        return output;
    }

    /** The words that run a command where the daemon is. */
    String[] inside(String... words) {
        List<String> line = new ArrayList<>(List.of("nsenter", "--mount=/proc/" + holder.pid() + "/ns/mnt", "--"));
        line.addAll(List.of(words));
        return line.toArray(String[]::new);
    }

    /** The words that start the daemon. */
    abstract String[] command();

    /** Whether a process belongs to pods of this daemon, by its command line. */
    abstract boolean keepsPods(String commandLine);

    /** Loads an archive of images, an OCI layout, into the store that CRI sees. */
    public abstract void load(Path archive) throws IOException, InterruptedException;

    /** Starts the daemon and waits until it serves CRI. Pods of a daemon before are its own. */
    public void startAgain() throws IOException, InterruptedException {
        daemon = new ProcessBuilder(inside(command()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
        awaitReady();
    }

    /** Ends the daemon without a chance to tidy up. Its pods run on. */
    public void killNine() throws InterruptedException {
        daemon.destroyForcibly();
        daemon.waitFor();
    }

    /** What the program is called. */
    public String name() {
        return name;
    }

    /** Where everything of it is. */
    Path directory() {
        return directory;
    }

    /** Where it serves CRI. */
    public Path socket() {
        return directory.resolve(name + ".sock");
    }

    private Path log() {
        return directory.resolve(name + ".log");
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
                    throw new IOException("start " + name + "; its last words: " + words, notYet);
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private String lastWords() {
        try {
            List<String> log = Files.readAllLines(log());
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

    /** Command lines of the processes that hold its pods together. */
    public List<String> keepers() {
        return ProcessHandle.allProcesses()
                .map(process -> process.info().commandLine().orElse(""))
                .filter(this::keepsPods)
                .toList();
    }

    @Override
    public void close() throws IOException {
        channel.shutdownNow();
        loops.close();
        end(daemon);
        endKeepers();
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
    private void endKeepers() {
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            if (keepsPods(process.info().commandLine().orElse(""))) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
    }
}
