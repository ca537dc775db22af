package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.runtime.io.ContainerIo;
import io.grpc.ManagedChannel;
import java.io.IOException;

/**
 * The container runtime inside this process: CRI v1 on an in-process server, and beside it what CRI has no words for.
 *
 * <p>Opening adopts the pods that an earlier run left, closing leaves them running.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class NativeRuntime implements AutoCloseable {
    private NativeRuntime() {}

    /**
     * Adopts what runs, frees what is orphaned and starts to serve.
     *
     * @throws IOException if the directories cannot be used, or another runtime uses them
     */
    public static NativeRuntime open(NativeRuntimeConfig config) throws IOException {
        throw new IOException("open the native runtime at '%s': not built in".formatted(config.root()));
    }

    /** Name of the in-process server, unique per runtime in this JVM. */
    public String serverName() {
        throw new IllegalStateException("closed");
    }

    /** A channel to {@link #serverName}; closed with the runtime. */
    public ManagedChannel channel() {
        throw new IllegalStateException("closed");
    }

    /** Exec, attach and port-forward with live streams. */
    public ContainerIo io() {
        throw new IllegalStateException("closed");
    }

    /**
     * The syscall program of a container as readable text; changes nothing and needs no privileges.
     *
     * @throws IOException if the image is not present or the configuration cannot be compiled
     */
    public String explain(PodSandboxConfig sandbox, ContainerConfig container) throws IOException {
        throw new IOException("explain '%s' of '%s': closed"
                .formatted(
                        container.getMetadata().getName(), sandbox.getMetadata().getName()));
    }

    /** Stops serving. Pods keep running and the next {@link #open} adopts them. */
    @Override
    public void close() {}
}
