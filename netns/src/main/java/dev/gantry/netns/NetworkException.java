package dev.gantry.netns;

import java.io.IOException;

/** A pod cannot have the network it asks for; the message names the remedy. */
public final class NetworkException extends IOException {
    private static final long serialVersionUID = 1;

    public NetworkException(String message) {
        super(message);
    }

    public NetworkException(String message, Throwable cause) {
        super(message, cause);
    }
}
