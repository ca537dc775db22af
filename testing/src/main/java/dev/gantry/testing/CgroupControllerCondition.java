package dev.gantry.testing;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

final class CgroupControllerCondition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        String[] wanted = AnnotationSupport.findAnnotation(context.getElement(), RequiresCgroupController.class)
                .map(RequiresCgroupController::value)
                .orElseGet(() -> new String[0]);
        try {
            Optional<MountInfo> mount = Linux.system().mounts().mountInfo().stream()
                    .filter(m ->
                            m.fileSystemType().equals("cgroup2") && m.options().contains("rw"))
                    .findFirst();
            if (mount.isEmpty()) {
                return ConditionEvaluationResult.disabled("no writable cgroup2 file system is mounted");
            }
            return evaluate(mount.get().mountPoint(), wanted);
        } catch (ErrnoException e) {
            return ConditionEvaluationResult.disabled("cannot look at the cgroup2 file system: " + e.getMessage());
        }
    }

    private static ConditionEvaluationResult evaluate(String mountPoint, String[] wanted) throws ErrnoException {
        String controllers = Linux.system()
                .files()
                .readSmallFile(mountPoint + "/cgroup.controllers")
                .strip();
        List<String> missing = new ArrayList<>(List.of(wanted));
        missing.removeAll(List.of(controllers.split(" ", -1)));
        return missing.isEmpty()
                ? ConditionEvaluationResult.enabled("cgroup controllers are there")
                : ConditionEvaluationResult.disabled("%s has no cgroup controller %s, only: %s"
                        .formatted(mountPoint, String.join(", ", missing), controllers));
    }
}
