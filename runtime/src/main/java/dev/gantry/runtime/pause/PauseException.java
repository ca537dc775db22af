package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import java.io.IOException;

/** Pause refused a message: {@code rotate 3f2a…: ESRCH (No such process)}. */
public final class PauseException extends IOException {
    private static final long serialVersionUID = 1;

    private final Errno errno;

    public PauseException(String request, int errno) {
        super(request + ": " + Errno.of(errno) + " (" + Errno.of(errno).text() + ")");
        this.errno = Errno.of(errno);
    }

    public Errno errno() {
        return errno;
    }
}
