package dev.gantry.agent.config;

import java.util.List;

/** A configuration that cannot be followed; each error names file, line and field, or the flag. */
public final class ConfigException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<String> errors;

    ConfigException(List<String> errors) {
        super(String.join("\n", errors));
        this.errors = List.copyOf(errors);
    }

    public List<String> errors() {
        return errors;
    }
}
