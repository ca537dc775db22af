package dev.gantry.runtime.spec;

/** A configuration that cannot be honoured. The message names the field and what was expected. */
@SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency of its own
public final class SpecException extends Exception {
    /** What a caller may decide on. */
    public enum Kind {
        /** The configuration is wrong whatever the machine. */
        INVALID,
        /** The configuration asks for what this runtime or machine does not offer. */
        UNSUPPORTED
    }

    private final Kind kind;

    private SpecException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public static SpecException invalid(String message, Object... operands) {
        return new SpecException(Kind.INVALID, message.formatted(operands));
    }

    public static SpecException unsupported(String message, Object... operands) {
        return new SpecException(Kind.UNSUPPORTED, message.formatted(operands));
    }

    public Kind kind() {
        return kind;
    }
}
