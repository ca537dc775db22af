package dev.gantry.runtime.streaming;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * An exec or attach between a container and a remote client, whatever the client speaks. Outputs are written to their ends before
 * the exit status is.
 */
final class RemoteCommand {
    private static final int BUFFER_BYTES = 32 << 10;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The client's side. Called by threads that may block. */
    interface Client {
        /** Sends output and waits until it has left, so that a slow client slows the process and not this machine's memory. */
        void output(Output stream, byte[] bytes, int length) throws IOException, InterruptedException;

        /** Sends the outcome and hangs up; the last call. */
        void finish(Outcome outcome);
    }

    /** The process's outputs. */
    enum Output {
        STDOUT,
        STDERR
    }

    /**
     * How it ended.
     *
     * @param exitCode 0 to 255; -1 where it could not be run
     * @param message why it could not be run; empty otherwise
     */
    record Outcome(int exitCode, String message) {
        /** {@code metav1.Status} as version 4 of the protocol puts it on the error channel. */
        byte[] toStatus() {
            var status = JSON.createObjectNode();
            status.putObject("metadata");
            if (exitCode == 0) {
                status.put("status", "Success");
            } else if (exitCode > 0) {
                status.put("status", "Failure");
                status.put("message", "command terminated with non-zero exit code: exit status " + exitCode);
                status.put("reason", "NonZeroExitCode");
                status.putObject("details")
                        .putArray("causes")
                        .addObject()
                        .put("reason", "ExitCode")
                        .put("message", Integer.toString(exitCode));
            } else {
                status.put("status", "Failure");
                status.put("message", message);
                status.put("reason", "InternalError");
                status.put("code", 500);
            }
            return status.toString().getBytes(StandardCharsets.UTF_8);
        }

        /** The text that versions before 4 put there; nothing on success. */
        byte[] toText() {
            String text = exitCode == 0
                    ? ""
                    : exitCode > 0 ? "command terminated with non-zero exit code: exit status " + exitCode : message;
            return text.getBytes(StandardCharsets.UTF_8);
        }
    }

    private final ContainerIo io;
    private final StreamingRequest request;
    private final StreamingRequest.Streams wanted;
    private final Executor threads;
    private final Client client;
    private final InputQueue input;
    private final CountDownLatch outputs = new CountDownLatch(2);
    private @Nullable ContainerStreams streams;
    private @Nullable Size early;
    private boolean hungUp;

    /** Of a terminal, in characters. */
    private record Size(int columns, int rows) {}

    /**
     * Prepares a session.
     *
     * @param threads for up to four tasks that block as long as the session lives
     * @param source is asked to pause when the process does not read
     */
    RemoteCommand(
            ContainerIo io,
            StreamingRequest request,
            StreamingRequest.Streams wanted,
            Executor threads,
            InputQueue.Source source,
            Client client) {
        this.io = io;
        this.request = request;
        this.wanted = wanted;
        this.threads = threads;
        this.client = client;
        input = new InputQueue(source);
    }

    /** Begins; returns at once. */
    void start() {
        threads.execute(this::run);
    }

    void stdin(byte[] bytes) {
        input.add(bytes);
    }

    void stdinClosed() {
        input.end();
    }

    /**
     * A message of the resize channel, {@code {"Width":80,"Height":24}}, or several, of which the last counts. What is not
     * one is ignored, as a lost resize harms nothing.
     */
    void resize(byte[] message) {
        try (MappingIterator<JsonNode> sizes = JSON.readerFor(JsonNode.class).readValues(message)) {
            JsonNode size = JSON.missingNode();
            while (sizes.hasNextValue()) {
                size = sizes.nextValue();
            }
            int columns = size.path("Width").asInt();
            int rows = size.path("Height").asInt();
            if (columns > 0 && columns <= 0xffff && rows > 0 && rows <= 0xffff) {
                resize(new Size(columns, rows));
            }
        } catch (JsonProcessingException e) {
            // not a size
        } catch (IOException e) {
            // the terminal is gone, and the session about to end
        }
    }

    private void resize(Size size) throws IOException {
        ContainerStreams open;
        synchronized (this) {
            open = streams;
            if (open == null) {
                early = size;
            }
        }
        if (open != null) {
            open.resize(size.columns, size.rows);
        }
    }

    /** The client is gone: ends the process of an exec, leaves that of an attach. */
    void hangUp() {
        ContainerStreams open;
        synchronized (this) {
            hungUp = true;
            open = streams;
        }
        // Before the input ends: a process that is told end-of-file first may end by itself, as if the client had said
        // so.
        if (open != null) {
            open.close();
        }
        input.end();
    }

    private void run() {
        try (ContainerStreams opened = open()) {
            synchronized (this) {
                if (hungUp) {
                    return;
                }
                streams = opened;
                // A client tells its size at once, before there is a terminal.
                if (early != null) {
                    opened.resize(early.columns, early.rows);
                }
            }
            if (wanted.stdin()) {
                threads.execute(() -> copyInput(opened));
            }
            threads.execute(() -> copyOutput(Output.STDOUT, opened.stdout(), wanted.stdout()));
            threads.execute(() -> copyOutput(Output.STDERR, opened.stderr(), wanted.stderr()));
            int exitCode = opened.exit().get();
            outputs.await();
            client.finish(new Outcome(exitCode, ""));
        } catch (IOException | RuntimeException e) {
            client.finish(new Outcome(-1, String.valueOf(e.getMessage())));
        } catch (ExecutionException e) {
            client.finish(new Outcome(-1, String.valueOf(e.getCause())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            client.finish(new Outcome(-1, "the runtime is stopping"));
        } finally {
            input.end();
        }
    }

    private ContainerStreams open() throws IOException {
        if (request instanceof StreamingRequest.Exec exec) {
            return io.exec(exec.request());
        }
        return io.attach(
                new AttachRequest(((StreamingRequest.Attach) request).containerId(), wanted.stdin(), wanted.tty()));
    }

    private void copyInput(ContainerStreams to) {
        try {
            input.drainTo(to.stdin());
        } catch (IOException e) {
            // The process closed its input or ended; its exit is reported elsewhere.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void copyOutput(Output which, InputStream from, boolean send) {
        try {
            byte[] buffer = new byte[BUFFER_BYTES];
            int length = from.read(buffer);
            while (length >= 0) {
                if (send && length > 0) {
                    client.output(which, buffer, length);
                }
                length = from.read(buffer);
            }
        } catch (IOException e) {
            // Either side hung up: the other one is told by the session's end.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            outputs.countDown();
        }
    }
}
