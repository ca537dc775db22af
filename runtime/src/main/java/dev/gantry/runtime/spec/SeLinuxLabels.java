package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.SELinuxOption;
import java.util.Optional;

/**
 * The SELinux labels of a container: what CRI names, and the policy's own words for containers where it names nothing.
 *
 * @param process of its processes, {@code user:role:type:level}
 * @param files of its root file system
 */
public record SeLinuxLabels(String process, String files) {
    private static final String LEVEL = "s0";

    /** Empty if CRI asks for none: then processes have the runtime's. */
    static Optional<SeLinuxLabels> of(SELinuxOption options, boolean enabled) throws SpecException {
        if (options.equals(SELinuxOption.getDefaultInstance())) {
            return Optional.empty();
        }
        if (!enabled) {
            throw SpecException.unsupported(
                    "selinux_options: SELinux is not enabled on this machine; leave them out to run without labels");
        }
        String level = word("level", options.getLevel(), LEVEL);
        return Optional.of(new SeLinuxLabels(
                "%s:%s:%s:%s"
                        .formatted(
                                word("user", options.getUser(), "system_u"),
                                word("role", options.getRole(), "system_r"),
                                word("type", options.getType(), "container_t"),
                                level),
                "system_u:object_r:container_file_t:" + level));
    }

    private static String word(String field, String value, String byDefault) throws SpecException {
        if (!value.matches("[A-Za-z0-9_.,:-]{0,255}") || (!field.equals("level") && value.contains(":"))) {
            throw SpecException.invalid("selinux_options.%s '%s': not part of a label", field, value);
        }
        return value.isEmpty() ? byDefault : value;
    }
}
