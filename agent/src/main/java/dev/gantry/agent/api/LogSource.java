package dev.gantry.agent.api;

import java.io.IOException;

/** An open file of a log. */
interface LogSource extends AutoCloseable {
    /** Bytes read into the array from an offset, which only grows from call to call; 0 or less at the end. */
    int read(byte[] bytes, long offset) throws IOException;

    @Override
    void close() throws IOException;
}
