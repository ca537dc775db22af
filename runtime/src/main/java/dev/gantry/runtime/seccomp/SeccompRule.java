package dev.gantry.runtime.seccomp;

import java.util.List;
import java.util.Set;

/**
 * What happens to some system calls.
 *
 * @param names calls that no architecture knows are skipped, as libseccomp does
 * @param action see {@link SeccompAction}
 * @param arguments all must hold; empty: the rule always applies
 * @param onlyWithCapabilities the rule counts only if the container has all of these
 * @param notWithCapabilities the rule does not count if the container has any of these
 * @param onlyOnArchitectures Docker's spelling; empty: all
 */
record SeccompRule(
        Set<String> names,
        SeccompAction action,
        List<ArgumentCheck> arguments,
        Set<String> onlyWithCapabilities,
        Set<String> notWithCapabilities,
        Set<String> onlyOnArchitectures) {
    SeccompRule {
        names = Set.copyOf(names);
        arguments = List.copyOf(arguments);
        onlyWithCapabilities = Set.copyOf(onlyWithCapabilities);
        notWithCapabilities = Set.copyOf(notWithCapabilities);
        onlyOnArchitectures = Set.copyOf(onlyOnArchitectures);
    }

    boolean counts(Set<String> capabilities, SeccompArchitecture architecture) {
        return capabilities.containsAll(onlyWithCapabilities)
                && notWithCapabilities.stream().noneMatch(capabilities::contains)
                && (onlyOnArchitectures.isEmpty() || onlyOnArchitectures.contains(architecture.profileName()));
    }
}
