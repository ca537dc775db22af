package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Hears what a pause says on its own account. Called on the event loop: must not block. */
public interface PauseListener {
    /**
     * A process ended and all it wrote is in its log. Told once per connection, and again by the next connection's
     * {@link Pause#processes()} until it is acknowledged.
     */
    void exited(ProcessExit exit);

    /**
     * A program that an earlier connection had started is done: the process is running or has failed. Its pidfd belongs
     * to the listener.
     */
    default void startFinished(ProcessState state) {
        state.pidfd().ifPresent(Fd::close);
    }

    /** Writing a log failed, or works again after it had failed. The container's output is drained all the while. */
    void logChanged(String id, LogHealth health);

    /** A reader of attached output was too slow and got cut, so that the container need not wait for it. */
    void attachmentCut(String id);

    /**
     * The connection is gone: pause died, and with it its processes, or another connection took over.
     *
     * @param cause null if the other side closed it in order
     */
    void disconnected(@Nullable IOException cause);
}
