package dev.gantry.runtime.program;

/**
 * One argument of a step, as encoded.
 *
 * @param kind one of the constants here; the numbers are the format's, see docs/pause.md
 * @param value the number itself, an offset in the data, or a slot
 * @param text as shown in an explanation
 */
record Arg(int kind, long value, String text) {
    static final int IMMEDIATE = 0;
    static final int DATA = 1;
    static final int SLOT = 2;

    static final Arg NULL = new Arg(IMMEDIATE, 0, "NULL");

    static Arg immediate(long value) {
        return new Arg(IMMEDIATE, value, Long.toString(value));
    }

    static Arg immediate(long value, String text) {
        return new Arg(IMMEDIATE, value, text);
    }

    static Arg octal(int mode) {
        return new Arg(IMMEDIATE, mode, mode == 0 ? "0" : "0" + Integer.toOctalString(mode));
    }
}
