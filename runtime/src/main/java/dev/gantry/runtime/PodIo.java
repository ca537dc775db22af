package dev.gantry.runtime;

import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import java.io.IOException;

/** Live streams to our pods. */
final class PodIo implements ContainerIo {
    private final Pods pods;

    PodIo(Pods pods) {
        this.pods = pods;
    }

    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        throw new IOException("TODO " + pods);
    }

    @Override
    public ContainerStreams attach(AttachRequest request) throws IOException {
        throw new IOException("TODO");
    }

    @Override
    public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
        throw new IOException("TODO");
    }
}
