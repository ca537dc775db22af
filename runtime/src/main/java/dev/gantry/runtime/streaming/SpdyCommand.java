package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.channel.Channel;
import io.netty.handler.codec.spdy.SpdySynStreamFrame;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/** Exec and attach over SPDY: a stream for each of error, stdin, stdout, stderr and resize. */
final class SpdyCommand extends SpdyStreams implements RemoteCommand.Client {
    private static final String ERROR = "error";
    private static final String STDIN = "stdin";
    private static final String STDOUT = "stdout";
    private static final String STDERR = "stderr";
    private static final String RESIZE = "resize";

    private final StreamProtocol protocol;
    private final RemoteCommand command;
    private final Set<String> expected = new HashSet<>();
    private final Map<String, Integer> idByType = new HashMap<>();
    private final Map<Integer, String> typeById = new HashMap<>();

    SpdyCommand(
            Channel connection,
            StreamProtocol protocol,
            ContainerIo io,
            StreamingRequest request,
            StreamingRequest.Streams streams,
            Executor threads) {
        super(connection);
        this.protocol = protocol;
        expected.add(ERROR);
        addIf(streams.stdin(), STDIN);
        addIf(streams.stdout(), STDOUT);
        addIf(streams.stderr(), STDERR);
        addIf(streams.tty() && protocol.hasResize(), RESIZE);
        command = new RemoteCommand(
                io, request, streams, threads, wanted -> connection.config().setAutoRead(wanted), this);
    }

    private void addIf(boolean wanted, String type) {
        if (wanted) {
            expected.add(type);
        }
    }

    @Override
    boolean opened(int streamId, SpdySynStreamFrame frame) {
        String type = String.valueOf(frame.headers().getAsString("streamtype"));
        if (!expected.contains(type) || idByType.putIfAbsent(type, streamId) != null) {
            return false;
        }
        typeById.put(streamId, type);
        return true;
    }

    @Override
    void started() {
        if (idByType.size() == expected.size()) {
            complete();
            command.start();
        }
    }

    @Override
    void received(int streamId, byte[] bytes) {
        String type = typeById.get(streamId);
        if (STDIN.equals(type)) {
            command.stdin(bytes);
        } else if (RESIZE.equals(type)) {
            command.resize(bytes);
        }
    }

    @Override
    void finished(int streamId) {
        if (STDIN.equals(typeById.get(streamId))) {
            command.stdinClosed();
        }
    }

    @Override
    void reset(int streamId) {
        finished(streamId);
    }

    @Override
    void hungUp() {
        command.hangUp();
    }

    @Override
    public void output(RemoteCommand.Output stream, byte[] bytes, int length) throws IOException, InterruptedException {
        Integer id = idByType.get(stream == RemoteCommand.Output.STDOUT ? STDOUT : STDERR);
        if (id != null) {
            send(id, bytes, length);
        }
    }

    @Override
    public void finish(RemoteCommand.Outcome outcome) {
        connection().eventLoop().execute(() -> {
            for (String type : new String[] {STDOUT, STDERR}) {
                Integer id = idByType.get(type);
                if (id != null) {
                    end(id, new byte[0]);
                }
            }
            byte[] status = protocol.hasExitCodes() ? outcome.toStatus() : outcome.toText();
            Integer error = idByType.get(ERROR);
            if (error == null) {
                disconnect();
            } else {
                end(error, status).addListener(done -> Wire.finish(connection()));
            }
        });
    }
}
