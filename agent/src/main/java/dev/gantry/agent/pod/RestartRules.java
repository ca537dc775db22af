package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerRestartRule;
import io.fabric8.kubernetes.api.model.ContainerRestartRuleOnExitCodes;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a container that ended runs again: the first of its {@code restartPolicyRules} that matches the exit code, else its
 * own restart policy, else the pod's (KEP-5307). An init container that has done its work does not run again.
 */
final class RestartRules {
    private RestartRules() {}

    static boolean restarts(Pod pod, Container container, int exitCode) {
        if (PodContainers.isSidecar(pod, container)) {
            return true;
        }
        if (PodContainers.isInit(pod, container) && exitCode == 0) {
            return false;
        }
        List<ContainerRestartRule> rules =
                container.getRestartPolicyRules() == null ? List.of() : container.getRestartPolicyRules();
        if (rules.stream()
                .anyMatch(rule -> "Restart".equals(rule.getAction()) && matches(rule.getExitCodes(), exitCode))) {
            return true;
        }
        return switch (policy(pod, container)) {
            case "Never" -> false;
            case "OnFailure" -> exitCode != 0;
            default -> true;
        };
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
