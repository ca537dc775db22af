package dev.gantry.agent.api;

/** A manifest that cannot be accepted; the message names file, line, field and what was expected. */
public final class ManifestException extends Exception {
    private static final long serialVersionUID = 1;

    public ManifestException(String message) {
        super(message);
    }
}
