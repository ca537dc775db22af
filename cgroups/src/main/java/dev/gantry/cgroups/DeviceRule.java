package dev.gantry.cgroups;

/**
 * One line of a device list, as in cgroup v1 and OCI; of several that match, the last holds.
 *
 * @param type which nodes it speaks of
 * @param major -1 for any
 * @param minor -1 for any
 */
public record DeviceRule(boolean allow, Type type, int major, int minor, boolean read, boolean write, boolean mknod) {
    public static final int ANY = -1;

    /** Kinds of nodes; the numbers are {@code BPF_DEVCG_DEV_*}. */
    public enum Type {
        ALL(0),
        BLOCK(1),
        CHARACTER(2);

        private final int bpfNumber;

        Type(int bpfNumber) {
            this.bpfNumber = bpfNumber;
        }

        int bpfNumber() {
            return bpfNumber;
        }
    }

    public DeviceRule {
        if (major < ANY || minor < ANY) {
            throw new IllegalArgumentException("device number %d:%d".formatted(major, minor));
        }
    }

    /**
     * Allows what a line such as {@code c 1:3 rwm} says.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static DeviceRule allow(String line) {
        return parse(true, line);
    }

    public static DeviceRule deny(String line) {
        return parse(false, line);
    }

    private static DeviceRule parse(boolean allow, String line) {
        if (!line.matches("[abc] ([0-9]+|\\*):([0-9]+|\\*) [rwm]{1,3}")) {
            throw new IllegalArgumentException("device rule \"%s\": expected e.g. c 1:3 rwm".formatted(line));
        }
        String[] words = line.split(" ", -1);
        String[] numbers = words[1].split(":", -1);
        Type type = words[0].equals("a") ? Type.ALL : words[0].equals("b") ? Type.BLOCK : Type.CHARACTER;
        return new DeviceRule(
                allow,
                type,
                number(numbers[0]),
                number(numbers[1]),
                words[2].indexOf('r') >= 0,
                words[2].indexOf('w') >= 0,
                words[2].indexOf('m') >= 0);
    }

    private static int number(String text) {
        return text.equals("*") ? ANY : Integer.parseInt(text);
    }

    /** {@code BPF_DEVCG_ACC_*}. */
    int accessMask() {
        return (mknod ? 1 : 0) | (read ? 2 : 0) | (write ? 4 : 0);
    }
}
