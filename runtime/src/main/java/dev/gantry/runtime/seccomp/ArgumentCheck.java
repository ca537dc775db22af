package dev.gantry.runtime.seccomp;

/**
 * A comparison of one argument, unsigned.
 *
 * @param index 0 to 5
 * @param value the operand; the mask for {@link Operator#MASKED_EQ}
 * @param second what the masked argument must equal, otherwise unused
 */
record ArgumentCheck(int index, Operator operator, long value, long second) {
    ArgumentCheck {
        if (index < 0 || index > 5) {
            throw new IllegalArgumentException("argument index %d: a system call has 0 to 5".formatted(index));
        }
    }

    /** SCMP_CMP_… of OCI profiles. */
    enum Operator {
        NE,
        LT,
        LE,
        EQ,
        GE,
        GT,
        MASKED_EQ
    }
}
