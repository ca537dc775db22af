package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ExecRequest;
import java.util.List;

/** What a one-time URL stands for. */
public sealed interface StreamingRequest {
    /** First segment of the URL's path. */
    String path();

    /** Which streams a remote command has; {@code tty} sends both outputs as stdout. */
    record Streams(boolean stdin, boolean stdout, boolean stderr, boolean tty) {
        public Streams {
            if (tty && stderr) {
                throw new IllegalArgumentException("tty and stderr cannot both be true: a terminal has one output");
            }
            if (!stdin && !stdout && !stderr) {
                throw new IllegalArgumentException("one of stdin, stdout and stderr must be true");
            }
        }
    }

    /** Runs a process. */
    record Exec(ExecRequest request, Streams streams) implements StreamingRequest {
        @Override
        public String path() {
            return "exec";
        }
    }

    /** Joins a container's own process. */
    record Attach(String containerId, Streams streams) implements StreamingRequest {
        @Override
        public String path() {
            return "attach";
        }
    }

    /**
     * Connects to ports of a pod.
     *
     * @param ports what WebSocket clients may use, in the order of their channels; SPDY clients name a port in each stream
     */
    record PortForward(String podSandboxId, List<Integer> ports) implements StreamingRequest {
        public PortForward {
            ports = List.copyOf(ports);
        }

        @Override
        public String path() {
            return "portforward";
        }
    }
}
