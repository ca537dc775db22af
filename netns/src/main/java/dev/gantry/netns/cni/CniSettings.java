package dev.gantry.netns.cni;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Where plugins and their configuration are, and what they are told of this node.
 *
 * @param configurations directory of configuration lists, {@code /etc/cni/net.d}
 * @param programs directories of plugins, searched in order, {@code CNI_PATH}
 * @param results what this runtime added and has not deleted yet; must survive reboots, as the plugins' own state does
 * @param neighbours where other runtimes keep the same ({@code /var/lib/cni/results}): what they added is no garbage
 * @param namespaces where pods' network namespaces are mounted for the plugins, {@code /run/netns}
 * @param podCidrs the node's ranges for pods, for plugins with the capability {@code ipRanges}; empty: the plugins know
 * @param collectsGarbage whether this runtime may tell plugins to forget all attachments that it does not know of
 * @param deadline for each run of a plugin
 */
public record CniSettings(
        Path configurations,
        List<Path> programs,
        Path results,
        Path neighbours,
        Path namespaces,
        List<String> podCidrs,
        boolean collectsGarbage,
        Duration deadline) {
    /** The kubelet waits four minutes for a pod's sandbox: chains are short, and their usual run takes milliseconds. */
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    public CniSettings {
        programs = List.copyOf(programs);
        podCidrs = List.copyOf(podCidrs);
    }

    /** Of a machine with the usual directories for what plugins share. */
    public static CniSettings of(
            Path configurations, List<Path> programs, Path results, List<String> podCidrs, boolean collectsGarbage) {
        return new CniSettings(
                configurations,
                programs,
                results,
                Path.of("/var/lib/cni/results"),
                Path.of("/run/netns"),
                podCidrs,
                collectsGarbage,
                DEADLINE);
    }
}
