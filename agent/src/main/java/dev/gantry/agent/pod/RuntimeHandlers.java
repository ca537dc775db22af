package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.cri.v1.RuntimeHandler;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * With which of its runtime's handlers a pod runs. Without an API server there are no RuntimeClass objects: the name of
 * a class is that of its handler.
 */
final class RuntimeHandlers {
    /** In the kubelet's words. */
    private static final String NO_STRICT_GROUPS = "SupplementalGroupsPolicy=Strict is not supported in this node";

    private RuntimeHandlers() {}

    /** The handler of a pod; the node's if it names no class. */
    static String of(Pod pod, String nodes) {
        String name = pod.getSpec().getRuntimeClassName();
        return name == null || name.isEmpty() ? nodes : name;
    }

    /**
     * Asks the runtime whether it has what the pod wants of it; a runtime that does not know user namespaces would
     * ignore them, and run the pod's root as the host's; one that does not know the policy of groups would add the image's.
     *
     * @return fails with a {@link StartFailedException}
     */
    static CompletableFuture<?> check(CriRuntime runtime, Pod pod, String handler) {
        boolean ownUsers = SecurityContexts.hasOwnUsers(pod);
        boolean strictGroups = SecurityContexts.hasStrictGroups(pod);
        if (!ownUsers && !strictGroups && handler.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        return runtime.abilities()
                .thenCompose(abilities -> objection(abilities.getRuntimeHandlersList(), handler, ownUsers)
                        .or(() -> strictGroups && !abilities.getFeatures().getSupplementalGroupsPolicy()
                                ? Optional.of(NO_STRICT_GROUPS)
                                : Optional.empty())
                        .<CompletableFuture<?>>map(reason -> CompletableFuture.failedFuture(
                                new StartFailedException("CreatePodSandboxError", reason, null)))
                        .orElseGet(() -> CompletableFuture.completedFuture(null)));
    }

    static Optional<String> objection(List<RuntimeHandler> handlers, String name, boolean ownUsers) {
        Optional<RuntimeHandler> handler =
                handlers.stream().filter(one -> one.getName().equals(name)).findFirst();
        // A runtime of the time before it told them knows itself which it has.
        if (handler.isEmpty() && !handlers.isEmpty()) {
            return Optional.of("RuntimeClass \"%s\" not found: the runtime's handlers are %s"
                    .formatted(
                            name,
                            handlers.stream()
                                    .map(RuntimeHandler::getName)
                                    .filter(one -> !one.isEmpty())
                                    .sorted()
                                    .toList()));
        }
        boolean supported = handler.isPresent() && handler.get().getFeatures().getUserNamespaces();
        return ownUsers && !supported
                ? Optional.of(
                        "RuntimeClass handler \"%s\" does not support user namespaces, which hostUsers: false asks for"
                                .formatted(name))
                : Optional.empty();
    }
}
