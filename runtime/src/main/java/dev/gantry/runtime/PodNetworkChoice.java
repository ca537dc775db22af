package dev.gantry.runtime;

import java.nio.file.Path;
import java.util.List;

/**
 * What connects pods.
 *
 * @param cniConfDir with plugins: the directory of their configuration lists
 * @param cniBinDirs with plugins: where their programs are, searched in order
 */
public record PodNetworkChoice(Kind kind, Path cniConfDir, List<Path> cniBinDirs) {
    /** The kubelet's runtimes' directories, and Debian's. */
    public static final List<Path> CNI_BIN_DIRS = List.of(Path.of("/opt/cni/bin"), Path.of("/usr/lib/cni"));

    public static final Path CNI_CONF_DIR = Path.of("/etc/cni/net.d");

    public static final PodNetworkChoice BUILT_IN = of(Kind.BUILT_IN);

    public static final PodNetworkChoice CNI = of(Kind.CNI);

    /** Ways to connect pods. */
    public enum Kind {
        /** A bridge, made without any program. */
        BUILT_IN,
        /** Plugins by the Container Network Interface. */
        CNI,
        /** Nothing: pods have their loopback interface, or the host's network. */
        NONE
    }

    public PodNetworkChoice {
        cniBinDirs = List.copyOf(cniBinDirs);
    }

    public static PodNetworkChoice of(Kind kind) {
        return new PodNetworkChoice(kind, CNI_CONF_DIR, CNI_BIN_DIRS);
    }
}
