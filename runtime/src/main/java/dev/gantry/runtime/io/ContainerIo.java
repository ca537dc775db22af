package dev.gantry.runtime.io;

import java.io.IOException;

/**
 * Live byte streams to what runs in a pod, for callers in this process.
 *
 * <p>Implementations may be called by any thread. Every call opens something that the caller closes.
 */
public interface ContainerIo {
    /**
     * Starts a process in a running container. Closing the streams before it has ended kills it and everything it
     * started.
     *
     * @throws IOException if there is no such running container or the process cannot be started; the message names
     *     the step
     */
    ContainerStreams exec(ExecRequest request) throws IOException;

    /**
     * Joins the streams of a container's own process: output from now on, and its stdin if it was created with one.
     * Closing detaches and harms nothing. A reader that is too slow is cut off, never the container.
     */
    ContainerStreams attach(AttachRequest request) throws IOException;

    /**
     * Connects to {@code localhost:port} inside the pod, IPv4 first, then IPv6. {@code stderr} is empty, {@code exit}
     * completes with 0 when the peer closes.
     *
     * @param port 1 to 65535
     */
    ContainerStreams portForward(String podSandboxId, int port) throws IOException;
}
