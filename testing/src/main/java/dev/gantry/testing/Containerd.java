package dev.gantry.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A containerd of our own, with runc and crun as runtime handlers. */
public final class Containerd extends PeerRuntime {
    private Containerd(Path directory, Network network) throws IOException, InterruptedException {
        super("containerd", directory, network, """
                , {"type": "portmap", "capabilities": {"portMappings": true}}""");
    }

    /**
     * Starts the daemon and waits until it serves CRI.
     *
     * @param directory for its files; what is mounted below it, by whomever, is seen by the daemon and by this process
     * @param pauseImage name of the image that holds a pod together; {@link #load} brings it
     * @throws IOException if it does not within 30 s; the message says what it printed last
     */
    public static Containerd start(Path directory, Network network, String pauseImage)
            throws IOException, InterruptedException {
        Path plugins = plugins();
        Containerd containerd = new Containerd(directory, network);
        Files.writeString(
                directory.resolve("config.toml"), """
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
                """.formatted(directory, containerd.socket(), plugins, pauseImage));
        containerd.startAgain();
        return containerd;
    }

    @Override
    String[] command() {
        return new String[] {
            "containerd", "--config", directory().resolve("config.toml").toString()
        };
    }

    /** It gives its shims the address of its socket. */
    @Override
    boolean keepsPods(String commandLine) {
        return commandLine.contains("-address " + socket());
    }

    @Override
    public void load(Path archive) throws IOException, InterruptedException {
        var unused = run(
                "ctr",
                "--address",
                socket().toString(),
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--all-platforms",
                archive.toString());
    }
}
