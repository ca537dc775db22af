package dev.gantry.agent.cli;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A print stream that remembers why it could not be written to. */
final class StandardOutput extends PrintStream {
    private static final int BUFFER_BYTES = 64 * 1024;

    private final Sink sink;

    private StandardOutput(Sink sink) {
        super(new BufferedOutputStream(sink, BUFFER_BYTES), false, StandardCharsets.UTF_8);
        this.sink = sink;
    }

    /** Onto a stream, in UTF-8 whatever the locale says, because names and log lines are. */
    static StandardOutput onto(OutputStream out) {
        return new StandardOutput(new Sink(out));
    }

    /** Whether whoever read it has gone. */
    boolean isAbandoned() {
        return reason().equals("Broken pipe");
    }

    /** What the kernel said at the first failure; empty if there was none. */
    String reason() {
        IOException failure = sink.failure;
        return failure == null ? "" : String.valueOf(failure.getMessage());
    }

    private static final class Sink extends FilterOutputStream {
        private volatile @Nullable IOException failure;

        Sink(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }
    }
}
