package dev.gantry.bench;

import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import io.grpc.Channel;
import java.nio.file.Path;

/** A runtime that is measured: what CRI is spoken to, and how its pods and images are told from others'. */
final class Peer {
    private final String name;
    private final String handler;
    private final Path logs;
    private final Channel channel;

    /**
     * @param name the column in the report
     * @param handler the CRI runtime handler that its pods ask for; empty for the default
     * @param logs an existing folder for the logs of its pods
     */
    Peer(String name, String handler, Path logs, Channel channel) {
        this.name = name;
        this.handler = handler;
        this.logs = logs;
        this.channel = channel;
    }

    String name() {
        return name;
    }

    String handler() {
        return handler;
    }

    Path logs() {
        return logs;
    }

    RuntimeServiceGrpc.RuntimeServiceBlockingStub runtime() {
        return RuntimeServiceGrpc.newBlockingStub(channel);
    }

    ImageServiceGrpc.ImageServiceBlockingStub images() {
        return ImageServiceGrpc.newBlockingStub(channel);
    }
}
