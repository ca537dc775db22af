package dev.gantry.runtime.seccomp;

/**
 * A filter's verdict in the kernel's encoding.
 *
 * @param returned SECCOMP_RET_… with its data in the low 16 bits: linux/seccomp.h
 */
record SeccompAction(int returned) {
    static final SeccompAction ALLOW = new SeccompAction(0x7fff0000);
    static final SeccompAction LOG = new SeccompAction(0x7ffc0000);
    static final SeccompAction TRAP = new SeccompAction(0x00030000);
    static final SeccompAction KILL_THREAD = new SeccompAction(0x00000000);
    static final SeccompAction KILL_PROCESS = new SeccompAction(0x80000000);

    /** errno.h */
    static final int EPERM = 1;

    static final SeccompAction ENOSYS = errno(38);

    static SeccompAction errno(int number) {
        if (number < 0 || number > 4095) {
            throw new IllegalArgumentException("seccomp errno %d: must be 0 to 4095".formatted(number));
        }
        return new SeccompAction(0x00050000 | number);
    }

    static SeccompAction trace(int data) {
        return new SeccompAction(0x7ff00000 | (data & 0xffff));
    }
}
