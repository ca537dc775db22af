package dev.gantry.agent.config;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where one agent keeps its things.
 *
 * @param root the directory given by {@code --root}; {@code /} for the system's own places
 * @param configFile read if it exists
 * @param manifests the directory of static pods
 * @param state survives reboots: images, volumes, address pool
 * @param run gone at reboot: sockets, sandbox records, the lock
 * @param podLogs the kubelet's log layout below it
 */
public record NodePaths(Path root, Path configFile, Path manifests, Path state, Path run, Path podLogs) {

    /** The places of a node: {@code /var/lib/gantry} and so on; for a user who is not root, those of the XDG base directory specification. */
    public static NodePaths ofSystem(Map<String, String> environment) {
        if ("root".equals(System.getProperty("user.name"))) {
            return new NodePaths(
                    Path.of("/"),
                    Path.of("/etc/gantry/config.yaml"),
                    Path.of("/etc/kubernetes/manifests"),
                    Path.of("/var/lib/gantry"),
                    Path.of("/run/gantry"),
                    Path.of("/var/log/pods"));
        }
        Path home = Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")));
        Path config = xdg(environment, "XDG_CONFIG_HOME", home.resolve(".config"));
        Path state = xdg(environment, "XDG_DATA_HOME", home.resolve(".local/share"));
        String runtimeDir = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        Path run = runtimeDir.startsWith("/") ? Path.of(runtimeDir, "gantry") : state.resolve("run");
        return new NodePaths(
                Path.of("/"),
                config.resolve("config.yaml"),
                config.resolve("manifests"),
                state,
                run,
                state.resolve("log/pods"));
    }

    private static Path xdg(Map<String, String> environment, String variable, Path otherwise) {
        String value = environment.getOrDefault(variable, "");
        return (value.startsWith("/") ? Path.of(value) : otherwise).resolve("gantry");
    }

    /** Everything below one directory, so that agents can run side by side. */
    public static NodePaths under(Path directory) {
        Path root = directory.toAbsolutePath().normalize();
        if (root.getNameCount() == 0) {
            return ofSystem(System.getenv());
        }
        return new NodePaths(
                root,
                root.resolve("config.yaml"),
                root.resolve("manifests"),
                root.resolve("lib"),
                root.resolve("run"),
                root.resolve("log/pods"));
    }

    /** Whether this is the machine's one agent rather than one under {@code --root}. */
    public boolean isSystem() {
        return root.getNameCount() == 0;
    }

    /** The local API's socket. */
    public Path socket() {
        return run.resolve("gantry.sock");
    }

    /** Where the built-in runtime serves CRI. */
    public Path criSocket() {
        return run.resolve("cri.sock");
    }

    /** Held by the agent while it runs. */
    public Path lock() {
        return run.resolve("gantry.lock");
    }

    /** The image store. */
    public Path images() {
        return state.resolve("images");
    }

    public NodePaths withState(Path directory) {
        return new NodePaths(root, configFile, manifests, directory, run, podLogs);
    }

    public NodePaths withManifests(Path directory) {
        return new NodePaths(root, configFile, directory, state, run, podLogs);
    }

    public NodePaths withPodLogs(Path directory) {
        return new NodePaths(root, configFile, manifests, state, run, directory);
    }
}
