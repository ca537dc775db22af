package dev.gantry.runtime;

import dev.gantry.linux.Linux;
import dev.gantry.netns.LoopbackNetwork;
import dev.gantry.netns.NetworkNames;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.netns.PodNetwork;
import dev.gantry.netns.PodNetworkConfig;
import dev.gantry.netns.cni.CniNetwork;
import dev.gantry.netns.cni.CniSettings;
import java.io.IOException;
import java.nio.file.Path;

/** Opens the pod network that the configuration asks for. */
final class Networks {
    private static final Path STANDARD = Path.of("/var/lib/gantry");

    private Networks() {}

    /**
     * Never fails for what the machine lacks: pods with the host's network need none of ours.
     *
     * @throws IOException if what an earlier run left cannot be read
     */
    static NetworkProvider open(NativeRuntimeConfig config, Linux linux) throws IOException {
        CniSettings cni = cni(config);
        return switch (config.network().kind()) {
            case CNI -> CniNetwork.open(linux, cni);
            case BUILT_IN -> afterPlugins(builtIn(config, linux), cni, linux);
            case NONE -> afterPlugins(new LoopbackNetwork(linux), cni, linux);
        };
    }

    /** What plugins did for an earlier run, they have to undo, whoever connects pods now. */
    private static NetworkProvider afterPlugins(NetworkProvider now, CniSettings cni, Linux linux) throws IOException {
        return CniNetwork.hasAttachments(cni) ? new FormerNetwork(now, CniNetwork.open(linux, cni)) : now;
    }

    private static NetworkProvider builtIn(NativeRuntimeConfig config, Linux linux) {
        try {
            return PodNetwork.open(
                    linux,
                    new PodNetworkConfig(
                            config.root().resolve("network"),
                            names(config),
                            PodNetworkConfig.parsePodCidrs(String.join(",", config.podCidrs()))));
        } catch (IOException e) {
            return new UnavailableNetwork(String.valueOf(e.getMessage()));
        }
    }

    private static CniSettings cni(NativeRuntimeConfig config) {
        PodNetworkChoice choice = config.network();
        return CniSettings.of(
                choice.cniConfDir(),
                choice.cniBinDirs(),
                config.root().resolve("cni/results"),
                config.podCidrs(),
                // Of several runtimes on a machine none knows all that is in use.
                config.defaultSandbox());
    }

    private static NetworkNames names(NativeRuntimeConfig config) {
        return NetworkNames.forRoot(config.root(), config.defaultSandbox() ? config.root() : STANDARD);
    }

    /** Distinguishes what belongs to this root on the host. */
    static String suffix(NativeRuntimeConfig config) {
        return names(config).suffix();
    }
}
