package dev.gantry.agent.stream;

import java.util.concurrent.ExecutionException;

/** What futures wrap. */
final class Failures {
    private Failures() {}

    static Throwable cause(ExecutionException e) {
        Throwable cause = e.getCause();
        return cause == null ? e : cause;
    }
}
