package dev.gantry.netns;

import dev.gantry.linux.Fd;
import java.util.List;
import java.util.Optional;

/**
 * Whom to connect.
 *
 * @param sandboxId letters, digits, {@code _}, {@code .} and {@code -}
 * @param namespace of the pod, for messages
 * @param name of the pod, for messages
 * @param uid of the pod, for messages
 * @param netns the sandbox's network namespace; stays the caller's
 * @param prepared the same namespace, if it was made ahead
 * @param hints for plugins
 */
public record PodNetworkRequest(
        String sandboxId,
        String namespace,
        String name,
        String uid,
        Fd netns,
        List<PortMapping> portMappings,
        Optional<PreparedNamespace> prepared,
        NetworkHints hints) {
    public PodNetworkRequest {
        portMappings = List.copyOf(portMappings);
        if (!sandboxId.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")) {
            throw new IllegalArgumentException("not a sandbox id: '" + sandboxId + "'");
        }
    }

    /** A pod whose namespace was made with it. */
    public PodNetworkRequest(
            String sandboxId, String namespace, String name, String uid, Fd netns, List<PortMapping> portMappings) {
        this(sandboxId, namespace, name, uid, netns, portMappings, Optional.empty(), NetworkHints.NONE);
    }

    /** {@code default/web}. */
    public String pod() {
        return namespace + "/" + name;
    }
}
