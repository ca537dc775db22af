package dev.gantry.agent.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What connects pods.
 *
 * @param kind {@code builtin}, {@code cni} or {@code none}
 * @param cniConfDir empty: the usual one
 * @param cniBinDirs searched in order; empty: the usual ones
 */
public record NetworkConfig(String kind, Optional<Path> cniConfDir, List<Path> cniBinDirs) {
    private static final String KIND = "network";
    private static final String BIN_DIR = "cniBinDir";
    private static final String BUILT_IN = "builtin";
    private static final String CNI = "cni";

    public NetworkConfig {
        cniBinDirs = List.copyOf(cniBinDirs);
    }

    static NetworkConfig read(Settings settings) {
        String kind = settings.get(KIND).orElse(BUILT_IN);
        List<Path> programs = new ArrayList<>();
        for (String directory : settings.list(BIN_DIR)) {
            if (!directory.startsWith("/")) {
                String origin = settings.origin(BIN_DIR);
                settings.error(
                        origin,
                        origin.startsWith("--") ? "" : BIN_DIR,
                        "expected absolute paths, found '" + directory + "'");
            } else {
                programs.add(Path.of(directory));
            }
        }
        if (settings.get("containerRuntimeEndpoint").isPresent()
                && settings.get(KIND).isPresent()) {
            settings.ignored(KIND, KIND + ", since the runtime of containerRuntimeEndpoint connects its pods itself");
        } else if (!kind.equals(CNI)) {
            for (String field : List.of("cniConfDir", BIN_DIR)) {
                if (settings.get(field).isPresent()) {
                    settings.ignored(field, field + ", which is for network: cni");
                }
            }
        }
        return new NetworkConfig(kind, settings.get("cniConfDir").map(Path::of), programs);
    }
}
