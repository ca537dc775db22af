package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.SELinuxOption;
import dev.gantry.images.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The SELinux labels of a container: what CRI names, and the policy's own words for containers where it names nothing.
 *
 * @param process of its processes, {@code user:role:type:level}
 * @param files of its root file system, of what the kernel makes for it, and of volumes that are to be relabelled
 */
public record SeLinuxLabels(String process, String files) {
    /** The categories that policies for containers have. */
    private static final int CATEGORIES = 1024;

    /**
     * Empty if CRI asks for none: then processes have the runtime's.
     *
     * @param podUid decides the level where none is asked for, so that all containers of a pod share it
     */
    public static Optional<SeLinuxLabels> of(SELinuxOption options, String podUid, boolean enabled)
            throws SpecException {
        if (options.equals(SELinuxOption.getDefaultInstance())) {
            return Optional.empty();
        }
        if (!enabled) {
            throw SpecException.unsupported(
                    "selinux_options: SELinux is not enabled on this machine; leave them out to run without labels");
        }
        String level = word("level", options.getLevel(), level(podUid));
        return Optional.of(new SeLinuxLabels(
                "%s:%s:%s:%s"
                        .formatted(
                                word("user", options.getUser(), "system_u"),
                                word("role", options.getRole(), "system_r"),
                                word("type", options.getType(), "container_t"),
                                level),
                "system_u:object_r:container_file_t:" + level));
    }

    /** Gives a file system that is mounted the label of files, after other options of mount(8). A level has commas, so it is quoted. */
    String mountOption() {
        return ",context=\"" + files + '"';
    }

    /** Two different categories, as other pods are unlikely to have: whoever has only one of them reaches nothing of the pod's. */
    private static String level(String podUid) {
        String hex = Digest.of(podUid.getBytes(StandardCharsets.UTF_8)).hex();
        long hash = Long.parseUnsignedLong(hex.substring(0, 16), 16);
        int one = (int) Long.remainderUnsigned(hash, CATEGORIES);
        int other = (int) Long.remainderUnsigned(Long.divideUnsigned(hash, CATEGORIES), CATEGORIES - 1);
        int different = other < one ? other : other + 1;
        return "s0:c%d,c%d".formatted(Math.min(one, different), Math.max(one, different));
    }

    private static String word(String field, String value, String byDefault) throws SpecException {
        if (!value.matches("[A-Za-z0-9_.,:-]{0,255}") || (!field.equals("level") && value.contains(":"))) {
            throw SpecException.invalid("selinux_options.%s '%s': not part of a label", field, value);
        }
        return value.isEmpty() ? byDefault : value;
    }
}
