package dev.gantry.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A containerd of our own, with runc and crun as runtime handlers. */
public final class Containerd extends PeerRuntime {
    private final ContainerdProgram program;

    private Containerd(ContainerdProgram program, Path directory, Network network)
            throws IOException, InterruptedException {
        super("containerd", directory, network, """
                , {"type": "portmap", "capabilities": {"portMappings": true}}""");
        this.program = program;
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
        ContainerdProgram program = ContainerdProgram.ofThisMachine();
        Containerd containerd = new Containerd(program, directory, network);
        Files.writeString(
                directory.resolve("config.toml"),
                program.configuration(directory, containerd.socket(), plugins, pauseImage));
        containerd.startAgain();
        return containerd;
    }

    /** Which it is. */
    public ContainerdProgram program() {
        return program;
    }

    @Override
    String[] command() {
        return new String[] {
            "env",
            "PATH=" + program.path(System.getenv().getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")),
            program.daemon(),
            "--config",
            directory().resolve("config.toml").toString()
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
                program.beside("ctr"),
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
