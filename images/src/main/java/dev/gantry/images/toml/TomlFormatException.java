package dev.gantry.images.toml;

import java.io.IOException;

/** A text that is no TOML, or a value that is not of the kind that was expected. */
public final class TomlFormatException extends IOException {
    /**
     * Says where and what.
     *
     * @param where a line, or a field by its path; empty for the whole text
     */
    public TomlFormatException(String where, String message) {
        super(where.isEmpty() ? message : where + ": " + message);
    }
}
