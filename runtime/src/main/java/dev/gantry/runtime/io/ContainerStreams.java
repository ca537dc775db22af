package dev.gantry.runtime.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;

/**
 * The ends of an exec, an attach or a forwarded connection.
 *
 * <p>Reads and writes block the calling thread; {@link #close} from another thread ends them. Closing {@link #stdin}
 * alone passes end-of-file on.
 */
public interface ContainerStreams extends AutoCloseable {
    /** Bytes to the process; refuses writes where no stdin was asked for. */
    OutputStream stdin();

    InputStream stdout();

    /** Empty with a terminal. */
    InputStream stderr();

    /** Tells the terminal its size in characters; ignored without one. */
    void resize(int columns, int rows) throws IOException;

    /** Exit code 0–255 of the process, 128 + signal if it was killed; completes after its end. Cancelling does nothing. */
    CompletableFuture<Integer> exit();

    @Override
    void close();
}
