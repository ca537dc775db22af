package dev.gantry.agent.stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.runtime.io.ContainerStreams;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;

/** An exec, an attach or a forwarded port, as streams of one connection. */
final class RemoteStreams implements ContainerStreams {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TYPE = "streamtype";

    /** What the error stream says at most. */
    private static final int MAX_STATUS = 64 << 10;

    private final SpdyConnection connection;
    private final Optional<OutputStream> stdin;
    private final InputStream stdout;
    private final InputStream stderr;
    private final Optional<SpdyStream> resize;
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();

    private RemoteStreams(
            SpdyConnection connection,
            Optional<OutputStream> stdin,
            InputStream stdout,
            InputStream stderr,
            Optional<SpdyStream> resize) {
        this.connection = connection;
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
        this.resize = resize;
    }

    /** Opens the streams of the remote command protocol, version 4. */
    static RemoteStreams command(SpdyConnection connection, boolean stdin, boolean tty, Executor pool)
            throws IOException {
        SpdyStream error = connection.open(Map.of(TYPE, "error"));
        Optional<SpdyStream> in = stdin ? Optional.of(connection.open(Map.of(TYPE, "stdin"))) : Optional.empty();
        SpdyStream out = connection.open(Map.of(TYPE, "stdout"));
        Optional<SpdyStream> err = tty ? Optional.empty() : Optional.of(connection.open(Map.of(TYPE, "stderr")));
        Optional<SpdyStream> size = tty ? Optional.of(connection.open(Map.of(TYPE, "resize"))) : Optional.empty();
        connection.awaitOpened(error);
        connection.awaitOpened(out);
        for (SpdyStream stream : java.util.stream.Stream.of(in, err, size)
                .flatMap(Optional::stream)
                .toList()) {
            connection.awaitOpened(stream);
        }
        RemoteStreams streams = new RemoteStreams(
                connection,
                in.map(SpdyStream::output),
                out.input(),
                err.map(SpdyStream::input).orElse(InputStream.nullInputStream()),
                size);
        pool.execute(() -> streams.follow(error.input(), RemoteStreams::exitCode));
        return streams;
    }

    /** Opens the pair of streams that is one forwarded connection. */
    static RemoteStreams port(SpdyConnection connection, int port, Executor pool) throws IOException {
        String number = Integer.toString(port);
        SpdyStream error = connection.open(Map.of(TYPE, "error", "port", number, "requestid", "0"));
        SpdyStream data = connection.open(Map.of(TYPE, "data", "port", number, "requestid", "0"));
        connection.awaitOpened(error);
        connection.awaitOpened(data);
        error.output().close();
        RemoteStreams streams = new RemoteStreams(
                connection, Optional.of(data.output()), data.input(), InputStream.nullInputStream(), Optional.empty());
        pool.execute(() -> streams.follow(error.input(), text -> {
            if (!text.isEmpty()) {
                throw new IllegalStateException(text);
            }
            return 0;
        }));
        return streams;
    }

    /** Reads the error stream, which ends with the command or the connection. */
    private void follow(InputStream error, Function<String, Integer> meaning) {
        try {
            String text = new String(error.readNBytes(MAX_STATUS), StandardCharsets.UTF_8);
            exit.complete(meaning.apply(text));
        } catch (IOException | IllegalStateException e) {
            exit.completeExceptionally(e instanceof IOException ? e : new IOException(e.getMessage(), e));
        }
    }

    /** From the {@code metav1.Status} at the end. */
    static int exitCode(String status) {
        if (status.isEmpty()) {
            throw new IllegalStateException("the runtime ended the streams without an exit code");
        }
        JsonNode json;
        try {
            json = JSON.readTree(status);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(status, e);
        }
        if (json.path("status").asText().equals("Success")) {
            return 0;
        }
        if (json.path("reason").asText().equals("NonZeroExitCode")) {
            for (JsonNode cause : json.path("details").path("causes")) {
                if (cause.path("reason").asText().equals("ExitCode")
                        && cause.path("message").asText().matches("[0-9]{1,9}")) {
                    return Integer.parseInt(cause.path("message").asText());
                }
            }
        }
        throw new IllegalStateException(json.path("message").asText(status));
    }

    @Override
    public OutputStream stdin() {
        return stdin.orElseGet(Refusing::new);
    }

    @Override
    public InputStream stdout() {
        return stdout;
    }

    @Override
    public InputStream stderr() {
        return stderr;
    }

    @Override
    public void resize(int columns, int rows) throws IOException {
        if (resize.isPresent()) {
            resize.get()
                    .output()
                    .write("{\"Width\":%d,\"Height\":%d}"
                            .formatted(columns, rows)
                            .getBytes(StandardCharsets.US_ASCII));
        }
    }

    @Override
    public CompletableFuture<Integer> exit() {
        return exit.copy();
    }

    @Override
    public void close() {
        connection.close();
    }

    /** Where no stdin was asked for. */
    private static final class Refusing extends OutputStream {
        @Override
        public void write(int value) throws IOException {
            throw new IOException("no stdin was asked for");
        }
    }
}
