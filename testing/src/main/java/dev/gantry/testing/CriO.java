package dev.gantry.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A CRI-O of our own, with runc and crun as runtime handlers. Debian 12 has no package of it: its
 * programs {@code crio}, {@code conmon} and {@code pinns} are found on the PATH.
 */
public final class CriO extends PeerRuntime {
    private static final Pattern NAME = Pattern.compile("\"org.opencontainers.image.ref.name\" *: *\"([^\"]+)\"");

    private CriO(Path directory, Network network) throws IOException, InterruptedException {
        super("crio", directory, network, "");
    }

    /** Whether its programs, and others that it needs, are on the PATH. */
    public static boolean isHere() {
        String[] programs = RequiresCriO.class.getAnnotation(RequiresTool.class).value();
        return Arrays.stream(programs).allMatch(program -> ToolCondition.isInstalled(program, System.getenv()));
    }

    /** Whether it can run privileged containers here: it gives them every capability that the kernel has. */
    public static boolean rootHasAllCapabilities() {
        try {
            int last = Integer.parseInt(
                    Files.readString(Path.of("/proc/sys/kernel/cap_last_cap")).strip());
            String all = "CapBnd:\t%016x".formatted((1L << (last + 1)) - 1);
            return Files.readAllLines(Path.of("/proc/self/status")).contains(all);
        } catch (IOException e) {
            throw new UncheckedIOException("read this process's capabilities", e);
        }
    }

    /**
     * Starts the daemon and waits until it serves CRI.
     *
     * @param directory for its files; what is mounted below it, by whomever, is seen by the daemon and by this process
     * @param pauseImage name of the image that holds a pod together; {@link #load} brings it
     * @throws IOException if it does not within 30 s; the message says what it printed last
     */
    public static CriO start(Path directory, Network network, String pauseImage)
            throws IOException, InterruptedException {
        return start(directory, network, pauseImage, false);
    }

    /** The same with container events, which it does not send unless told to. */
    public static CriO startWithEvents(Path directory, Network network, String pauseImage)
            throws IOException, InterruptedException {
        return start(directory, network, pauseImage, true);
    }

    private static CriO start(Path directory, Network network, String pauseImage, boolean events)
            throws IOException, InterruptedException {
        Path plugins = plugins();
        CriO crio = new CriO(directory, network);
        Files.writeString(directory.resolve("policy.json"), """
                {"default": [{"type": "insecureAcceptAnything"}]}
                """);
        // Not the machine's own; registries on loopback addresses are insecure to it without a word.
        Files.writeString(directory.resolve("registries.conf"), "");
        Files.createDirectories(directory.resolve("registries.conf.d"));
        Files.createDirectories(directory.resolve("hooks"));
        Files.writeString(
                directory.resolve("crio.conf"), """
                [crio]
                root = "%1$s/root"
                runroot = "%1$s/runroot"
                storage_driver = "overlay"
                log_dir = "%1$s/log"
                version_file = "%1$s/version"
                version_file_persist = "%1$s/version-persist"
                clean_shutdown_file = "%1$s/clean.shutdown"
                [crio.api]
                listen = "%2$s"
                [crio.runtime]
                cgroup_manager = "cgroupfs"
                conmon_cgroup = "pod"
                default_runtime = "runc"
                namespaces_dir = "%1$s/namespaces"
                container_exits_dir = "%1$s/exits"
                container_attach_socket_dir = "%1$s/a"
                hooks_dir = ["%1$s/hooks"]
                apparmor_profile = "unconfined"
                irqbalance_config_restore_file = "disable"
                enable_criu_support = false
                enable_pod_events = %5$s
                [crio.runtime.runtimes.runc]
                runtime_root = "%1$s/runc"
                monitor_cgroup = "pod"
                [crio.runtime.runtimes.crun]
                runtime_root = "%1$s/crun"
                monitor_cgroup = "pod"
                [crio.image]
                pause_image = "%4$s"
                pause_command = ""
                signature_policy = "%1$s/policy.json"
                signature_policy_dir = "%1$s/policies"
                [crio.network]
                network_dir = "%1$s/cni"
                plugin_dirs = ["%3$s"]
                [crio.nri]
                enable_nri = false
                """.formatted(directory, crio.socket(), plugins, pauseImage, events));
        crio.startAgain();
        return crio;
    }

    /**
     * It sets limits of what the kernel lists when it starts, and there is no place for those of cgroup v2 beside cgroup v1. Later
     * the list is whole again: users of their own may not mount what the host does not show whole.
     */
    @Override
    public void startAgain() throws IOException, InterruptedException {
        if (Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
            super.startAgain();
            return;
        }
        Path placed = directory().resolve("cgroups");
        Files.writeString(
                placed, Files.readString(Path.of("/proc/cgroups")).replaceAll("\t0\t(\\d+)\t1\n", "\t0\t$1\t0\n"));
        var unused = run(inside("mount", "--bind", placed.toString(), "/proc/cgroups"));
        super.startAgain();
        unused = run(inside("umount", "/proc/cgroups"));
    }

    @Override
    String[] command() {
        return new String[] {
            "crio",
            "--config",
            directory().resolve("crio.conf").toString(),
            "--config-dir",
            "",
            "--registries-conf",
            directory().resolve("registries.conf").toString(),
            "--registries-conf-dir",
            directory().resolve("registries.conf.d").toString()
        };
    }

    /** It gives conmon a directory below its own. */
    @Override
    boolean keepsPods(String commandLine) {
        return commandLine.contains("conmon") && commandLine.contains(directory() + "/exits");
    }

    /** By skopeo: CRI-O pulls from registries only. */
    @Override
    public void load(Path archive) throws IOException, InterruptedException {
        Matcher name = NAME.matcher(run("tar", "-xOf", archive.toString(), "index.json"));
        if (!name.find()) {
            throw new IOException("find the name of the image in " + archive + ": its index has none");
        }
        var unused = run(inside(
                "skopeo",
                "--insecure-policy",
                "copy",
                "oci-archive:" + archive,
                "containers-storage:[overlay@%1$s/root+%1$s/runroot]%2$s".formatted(directory(), name.group(1))));
    }
}
