package dev.gantry.images.toml;

import java.io.IOException;

/** A text that is no TOML, or not of the kind that was expected. The message says what is wrong, not where: that is {@link #line}. */
public final class TomlFormatException extends IOException {
    private final int line;

    public TomlFormatException(int line, String message) {
        super(message);
        this.line = line;
    }

    /** From 1. */
    public int line() {
        return line;
    }
}
