package dev.gantry.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

final class ToolCondition implements ExecutionCondition {
    private static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        List<String> missing = new ArrayList<>();
        AnnotationSupport.findRepeatableAnnotations(context.getElement(), RequiresTool.class)
                .forEach(annotation -> {
                    for (String tool : annotation.value()) {
                        if (!isInstalled(tool, System.getenv())) {
                            missing.add(tool);
                        }
                    }
                });
        return missing.isEmpty()
                ? ConditionEvaluationResult.enabled("tools are there")
                : ConditionEvaluationResult.disabled("not installed: " + String.join(", ", missing));
    }

    /** Looks in /sbin and the like too, where an ordinary user's PATH does not. */
    static boolean isInstalled(String tool, Map<String, String> environment) {
        if (tool.startsWith("/")) {
            return Files.isExecutable(Path.of(tool));
        }
        String named = System.getProperty("gantry." + tool, "");
        if (!named.isEmpty()) {
            return Files.isExecutable(Path.of(named));
        }
        String path = environment.getOrDefault("PATH", "") + ":" + DEFAULT_PATH;
        for (String directory : path.split(":", -1)) {
            if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, tool))) {
                return true;
            }
        }
        return false;
    }
}
