package dev.gantry.runtime.program;

/** A number that a step takes: known when the program is made, or the result of an earlier step, or a passed descriptor. */
public final class Value {
    /** Relative paths start at the working directory. */
    public static final Value AT_FDCWD = named(-100, "AT_FDCWD");

    final Arg arg;

    private Value(Arg arg) {
        this.arg = arg;
    }

    public static Value of(long number) {
        return new Value(Arg.immediate(number));
    }

    /** A constant that {@link Program#explain()} shows as {@code text}. */
    public static Value named(long number, String text) {
        return new Value(Arg.immediate(number, text));
    }

    static Value slot(int slot, String text) {
        return new Value(new Arg(Arg.SLOT, slot, text));
    }

    @Override
    public String toString() {
        return arg.text();
    }
}
