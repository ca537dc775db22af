package dev.gantry.testing;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Linux;
import dev.gantry.linux.LinuxCapability;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

final class RootCondition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Linux linux = Linux.system();
        int uid = linux.processes().geteuid();
        if (uid != 0) {
            return ConditionEvaluationResult.disabled("needs root, but runs as uid " + uid);
        }
        try {
            return linux.security().capget().isEffective(LinuxCapability.CAP_SYS_ADMIN)
                    ? ConditionEvaluationResult.enabled("root with CAP_SYS_ADMIN")
                    : ConditionEvaluationResult.disabled("needs CAP_SYS_ADMIN, which this root lacks");
        } catch (ErrnoException e) {
            return ConditionEvaluationResult.disabled("cannot tell its capabilities: " + e.getMessage());
        }
    }
}
