package dev.gantry.runtime;

import dev.gantry.linux.Linux;
import dev.gantry.netns.NetworkNames;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.netns.PodNetwork;
import dev.gantry.netns.PodNetworkConfig;
import java.io.IOException;
import java.nio.file.Path;

/** Opens the pod network that the configuration asks for. */
final class Networks {
    private static final Path STANDARD = Path.of("/var/lib/gantry");

    private Networks() {}

    /** Never fails for what the machine lacks: pods with the host's network need none of ours. */
    static NetworkProvider open(NativeRuntimeConfig config, Linux linux) {
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

    private static NetworkNames names(NativeRuntimeConfig config) {
        return NetworkNames.forRoot(config.root(), config.defaultSandbox() ? config.root() : STANDARD);
    }

    /** Distinguishes what belongs to this root on the host. */
    static String suffix(NativeRuntimeConfig config) {
        return names(config).suffix();
    }
}
