package dev.gantry.agent.config;

import dev.gantry.agent.pod.IdRanges;
import dev.gantry.agent.pod.SysctlAdmission;
import java.util.List;
import java.util.Map;

/**
 * What the configuration says of what pods are given and may ask for.
 *
 * @param seccompDefault whether pods that name no seccomp profile get the runtime's own; unlike the kubelet's, true by default
 * @param allowedUnsafeSysctls names, or beginnings of names followed by {@code *}
 * @param nodeLabels beside the standard ones
 * @param idsPerPod how many users a pod with {@code hostUsers: false} has; a multiple of 65536
 */
public record SecurityConfig(
        boolean seccompDefault, List<String> allowedUnsafeSysctls, Map<String, String> nodeLabels, int idsPerPod) {
    private static final int MOST_IDS = 1 << 30;

    public SecurityConfig {
        allowedUnsafeSysctls = List.copyOf(allowedUnsafeSysctls);
        nodeLabels = Map.copyOf(nodeLabels);
    }

    static SecurityConfig read(Settings settings) {
        List<String> sysctls = settings.list("allowedUnsafeSysctls");
        for (String pattern : sysctls) {
            SysctlAdmission.invalidPattern(pattern)
                    .ifPresent(wrong ->
                            settings.error(settings.origin("allowedUnsafeSysctls"), "allowedUnsafeSysctls", wrong));
        }
        Map<String, String> labels = settings.map("nodeLabels");
        labels.forEach((key, value) -> {
            if (!key.matches("([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
                    || !value.matches("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")) {
                settings.error(
                        settings.origin("nodeLabels"),
                        "nodeLabels",
                        "expected labels like {disk: ssd}, found '" + key + "=" + value + "'");
            }
        });
        long ids = Long.parseLong(settings.get("userNamespaces.idsPerPod").orElse(Integer.toString(IdRanges.UNIT)));
        if (ids < IdRanges.UNIT || ids > MOST_IDS || ids % IdRanges.UNIT != 0) {
            settings.error(
                    settings.origin("userNamespaces.idsPerPod"),
                    "userNamespaces.idsPerPod",
                    "expected a multiple of %d up to %d, found %d".formatted(IdRanges.UNIT, MOST_IDS, ids));
            ids = IdRanges.UNIT;
        }
        return new SecurityConfig(
                settings.get("seccompDefault").orElse("true").equals("true"), sysctls, labels, (int) ids);
    }
}
