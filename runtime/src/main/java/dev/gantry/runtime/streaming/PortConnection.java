package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import java.io.IOException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** One forwarded connection between a client's pair of streams and a port of a pod. */
final class PortConnection {
    private static final int BUFFER_BYTES = 32 << 10;

    /** The client's side. Called by threads that may block. */
    interface Client {
        void data(byte[] bytes, int length) throws IOException, InterruptedException;

        /**
         * The connection has ended.
         *
         * @param error why it could not be made; empty if it was, however it ended: clients take any error as one of all
         *     their connections, and hang up
         */
        void ended(String error);
    }

    private final ContainerIo io;
    private final String podSandboxId;
    private final int port;
    private final Executor threads;
    private final Client client;
    private final InputQueue input;
    private @Nullable ContainerStreams streams;
    private boolean hungUp;

    PortConnection(
            ContainerIo io, String podSandboxId, int port, Executor threads, InputQueue.Source source, Client client) {
        this.io = io;
        this.podSandboxId = podSandboxId;
        this.port = port;
        this.threads = threads;
        this.client = client;
        input = new InputQueue(source);
    }

    void start() {
        threads.execute(this::run);
    }

    void data(byte[] bytes) {
        input.add(bytes);
    }

    /** The client sends no more; what the pod still answers is passed on. */
    void dataEnded() {
        input.end();
    }

    void hangUp() {
        ContainerStreams open;
        synchronized (this) {
            hungUp = true;
            open = streams;
        }
        if (open != null) {
            open.close();
        }
        input.end();
    }

    private void run() {
        String error = "";
        try (ContainerStreams opened = io.portForward(podSandboxId, port)) {
            synchronized (this) {
                if (hungUp) {
                    return;
                }
                streams = opened;
            }
            threads.execute(() -> copyInput(opened));
            copyOutput(opened);
        } catch (IOException | RuntimeException e) {
            error = "forward port %d to pod %s: %s".formatted(port, podSandboxId, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            input.end();
            client.ended(error);
        }
    }

    private void copyOutput(ContainerStreams from) throws InterruptedException {
        try {
            byte[] buffer = new byte[BUFFER_BYTES];
            int length = from.stdout().read(buffer);
            while (length >= 0) {
                client.data(buffer, length);
                length = from.stdout().read(buffer);
            }
        } catch (IOException e) {
            // Reset by the pod, or the client is gone.
        }
    }

    private void copyInput(ContainerStreams to) {
        try {
            input.drainTo(to.stdin());
        } catch (IOException e) {
            // The pod closed the connection; the reading side tells the client.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
