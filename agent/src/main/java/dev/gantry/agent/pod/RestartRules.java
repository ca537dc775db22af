package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerRestartRule;
import io.fabric8.kubernetes.api.model.ContainerRestartRuleOnExitCodes;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a container that ended runs again: the first of its {@code restartPolicyRules} that matches the exit code, else its
 * own restart policy, else the pod's (KEP-5307). An init container that has done its work does not run again.
 */
final class RestartRules {
    private static final String RESTART_ALL = "RestartAllContainers";

    private RestartRules() {}

    static boolean restarts(PodState state, Container container, ObservedContainer run, ContainerRun.Exited exited) {
        return state.restarts().isUnhealthy(run)
                ? restartsUnhealthy(state.pod(), container)
                : restarts(state.pod(), container, exited.exitCode());
    }

    /** Whether a container that is ended because of its probes runs again: whatever its exit code, and no rule is asked. */
    static boolean restartsUnhealthy(Pod pod, Container container) {
        return PodContainers.isSidecar(pod, container)
                || !policy(pod, container).equals("Never");
    }

    static boolean restarts(Pod pod, Container container, int exitCode) {
        if (PodContainers.isSidecar(pod, container)) {
            return true;
        }
        if (PodContainers.isInit(pod, container) && exitCode == 0 && !restartsPod(container, exitCode)) {
            return false;
        }
        if (action(container, exitCode).isPresent()) {
            return true;
        }
        return switch (policy(pod, container)) {
            case "Never" -> false;
            case "OnFailure" -> exitCode != 0;
            default -> true;
        };
    }

    /** Whether an exit has the whole pod begin anew (KEP-5532). */
    static boolean restartsPod(Container container, int exitCode) {
        return action(container, exitCode).filter(RESTART_ALL::equals).isPresent();
    }

    /** Of the first rule that matches. */
    private static Optional<String> action(Container container, int exitCode) {
        List<ContainerRestartRule> rules =
                container.getRestartPolicyRules() == null ? List.of() : container.getRestartPolicyRules();
        return rules.stream()
                .filter(rule -> matches(rule.getExitCodes(), exitCode))
                .map(ContainerRestartRule::getAction)
                .findFirst();
    }

    private static String policy(Pod pod, Container container) {
        String own = container.getRestartPolicy();
        String policy = own == null || own.isEmpty() ? pod.getSpec().getRestartPolicy() : own;
        return policy == null ? "Always" : policy;
    }

    private static boolean matches(@Nullable ContainerRestartRuleOnExitCodes codes, int exitCode) {
        if (codes == null) {
            return false;
        }
        boolean listed = codes.getValues() != null && codes.getValues().contains(exitCode);
        return "NotIn".equals(codes.getOperator()) != listed;
    }
}
