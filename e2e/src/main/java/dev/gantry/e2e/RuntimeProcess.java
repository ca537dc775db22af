package dev.gantry.e2e;

import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.VersionRequest;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code gantry runtime} of our own: a child process with everything below one directory, and a client of its socket. */
public final class RuntimeProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Path root;
    private final List<String> wrapper;
    private final CriEventLoops loops = CriEventLoops.open(1);
    private final ManagedChannel channel;
    private Process process;

    private RuntimeProcess(Path root, List<String> wrapper, Process process) {
        this.root = root;
        this.wrapper = wrapper;
        this.process = process;
        this.channel = CriTransport.unixChannel(socket(), loops);
    }

    /** Starts one and waits until it serves. */
    public static RuntimeProcess start(Path root) throws IOException, InterruptedException {
        return start(root, List.of());
    }

    /**
     * Starts one and waits until it serves.
     *
     * @param wrapper words of a command that ends by becoming the words after it
     */
    public static RuntimeProcess start(Path root, List<String> wrapper) throws IOException, InterruptedException {
        Files.createDirectories(root);
        RuntimeProcess runtime = new RuntimeProcess(root, wrapper, launch(root, wrapper));
        runtime.awaitServing();
        return runtime;
    }

    private static Process launch(Path root, List<String> wrapper) throws IOException {
        List<String> words = new ArrayList<>(wrapper);
        words.addAll(List.of(AgentProcess.launcher().toString(), "--root", root.toString(), "runtime"));
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        root.resolve("runtime.log").toFile()))
                .start();
    }

    private void awaitServing() throws InterruptedException {
        Await.until(PATIENCE, "the runtime to serve on " + socket(), this::serves, this::log);
    }

    private boolean serves() throws IOException {
        try {
            // Not to wait for the channel's own patience between attempts to connect.
            channel.resetConnectBackoff();
            var unused = RuntimeServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(5, TimeUnit.SECONDS)
                    .version(VersionRequest.getDefaultInstance());
            return true;
        } catch (StatusRuntimeException e) {
            throw new IOException(e);
        }
    }

    /** To its CRI; lives as long as this, also over restarts of the process. */
    public Channel channel() {
        return channel;
    }

    /** Where it serves. */
    public Path socket() {
        return root.resolve("run/cri.sock");
    }

    /** The id of the process. */
    public long pid() {
        return process.pid();
    }

    /** What it has printed. */
    public String log() {
        try {
            return Files.readString(root.resolve("runtime.log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Ends it without a chance to tidy up. */
    public void killNine() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Starts it again and waits until it serves. */
    public void startAgain() throws IOException, InterruptedException {
        process = launch(root, wrapper);
        awaitServing();
    }

    /** Ends it; its pods stay. */
    @Override
    public void close() throws IOException {
        channel.shutdownNow();
        loops.close();
        Command.end(process);
    }
}
