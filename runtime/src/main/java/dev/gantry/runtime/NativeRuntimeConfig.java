package dev.gantry.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Where the native runtime keeps its things and what it may use.
 *
 * @param root durable state: {@code images/}, {@code network/}, {@code seccomp/} (Localhost profiles)
 * @param run state that a reboot may take: sandbox records and sockets
 * @param network what connects pods
 * @param podCidrs the node's ranges for pods, at most one of each family; empty: the built-in network chooses
 * @param cgroupRoot a cgroup v2 directory that is ours, absolute; empty: discover one
 * @param systemdCgroupNames name pod cgroups as systemd slices instead of plain directories
 * @param images where images come from
 * @param defaultSandbox whether {@code root} and {@code run} are the machine's usual ones; otherwise bridge and
 *     nftables names get a suffix so that agents can run side by side
 * @param handlers names of runtime handlers accepted beside the empty one; all mean this runtime
 */
public record NativeRuntimeConfig(
        Path root,
        Path run,
        PodNetworkChoice network,
        List<String> podCidrs,
        Optional<Path> cgroupRoot,
        boolean systemdCgroupNames,
        ImageChoice images,
        boolean defaultSandbox,
        List<String> handlers) {
    public NativeRuntimeConfig {
        Objects.requireNonNull(root, "root");
        Objects.requireNonNull(run, "run");
        podCidrs = List.copyOf(podCidrs);
        handlers = List.copyOf(handlers);
    }

    /** The machine's own runtime: {@code /var/lib/gantry} and {@code /run/gantry}. */
    public static NativeRuntimeConfig standard() {
        return new NativeRuntimeConfig(
                Path.of("/var/lib/gantry"),
                Path.of("/run/gantry"),
                PodNetworkChoice.BUILT_IN,
                List.of(),
                Optional.empty(),
                false,
                ImageChoice.REGISTRIES,
                true,
                List.of("gantry"));
    }

    /** Everything below one directory, as {@code --root} asks; names on the host get a suffix. */
    public static NativeRuntimeConfig under(Path directory) {
        return new NativeRuntimeConfig(
                directory.resolve("var/lib/gantry"),
                directory.resolve("run"),
                PodNetworkChoice.BUILT_IN,
                List.of(),
                Optional.empty(),
                false,
                ImageChoice.REGISTRIES,
                false,
                List.of("gantry"));
    }

    public NativeRuntimeConfig withNetwork(PodNetworkChoice choice) {
        return new NativeRuntimeConfig(
                root, run, choice, podCidrs, cgroupRoot, systemdCgroupNames, images, defaultSandbox, handlers);
    }

    public NativeRuntimeConfig withPodCidrs(List<String> cidrs) {
        return new NativeRuntimeConfig(
                root, run, network, cidrs, cgroupRoot, systemdCgroupNames, images, defaultSandbox, handlers);
    }

    public NativeRuntimeConfig withCgroupRoot(Path directory) {
        return new NativeRuntimeConfig(
                root,
                run,
                network,
                podCidrs,
                Optional.of(directory),
                systemdCgroupNames,
                images,
                defaultSandbox,
                handlers);
    }

    public NativeRuntimeConfig withSystemdCgroupNames() {
        return new NativeRuntimeConfig(
                root, run, network, podCidrs, cgroupRoot, true, images, defaultSandbox, handlers);
    }

    public NativeRuntimeConfig withImageArchives(Path directory) {
        return new NativeRuntimeConfig(
                root,
                run,
                network,
                podCidrs,
                cgroupRoot,
                systemdCgroupNames,
                new ImageChoice(Optional.of(directory), images.registryConfig()),
                defaultSandbox,
                handlers);
    }
}
