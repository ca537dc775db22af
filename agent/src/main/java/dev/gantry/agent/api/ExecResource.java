package dev.gantry.agent.api;

import dev.gantry.agent.pod.ContainerRef;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;

/** {@code /api/v1/namespaces/…/pods/…/exec} and {@code /attach}, as WebSockets. */
final class ExecResource {
    private final PodEngine engine;
    private final ContainerIo io;
    private final ApiLimits limits;
    private final Executor workers;

    ExecResource(PodEngine engine, ContainerIo io, ApiLimits limits, Executor workers) {
        this.engine = engine;
        this.io = io;
        this.limits = limits;
        this.workers = workers;
    }

    void exec(Exchange exchange, String namespace, String pod) throws ApiException, IOException {
        Request request = exchange.request();
        List<String> command = request.query().getOrDefault("command", List.of());
        if (command.isEmpty()) {
            throw ApiException.badRequest("you must specify at least one command for the container");
        }
        boolean stdin = request.flag("stdin") || request.flag("input");
        boolean tty = request.flag("tty");
        boolean stdout = request.flag("stdout") || request.flag("output");
        boolean stderr = request.flag("stderr") || request.flag("error");
        if (tty && stderr) {
            throw ApiException.badRequest("tty and stderr cannot both be true");
        }
        if (!stdin && !stdout && !stderr) {
            throw ApiException.badRequest("you must specify at least one of stdin, stdout, stderr");
        }
        String protocol = protocol(request);
        ContainerRef container = running(namespace, pod, request);
        ContainerStreams streams = io.exec(new ExecRequest(container.id(), command, stdin, tty));
        ExecSession.start(exchange, protocol, streams, stdin, tty, limits, workers);
    }

    void attach(Exchange exchange, String namespace, String pod) throws ApiException, IOException {
        Request request = exchange.request();
        boolean stdin = request.flag("stdin") || request.flag("input");
        String protocol = protocol(request);
        ContainerRef container = running(namespace, pod, request);
        if (stdin && !container.stdin()) {
            throw ApiException.badRequest("container " + container.container() + " was started without stdin: true");
        }
        ContainerStreams streams = io.attach(new AttachRequest(container.id(), stdin, container.tty()));
        ExecSession.start(exchange, protocol, streams, stdin, container.tty(), limits, workers);
    }

    private ContainerRef running(String namespace, String pod, Request request) throws ApiException {
        ContainerRef container = LogResource.find(engine, namespace, pod, request.parameter("container"), false);
        if (!container.running()) {
            throw ApiException.badRequest("container " + container.container() + " of pod " + pod + " does not run");
        }
        return container;
    }

    /** The sub-protocol to speak, the newest that both know. */
    private static String protocol(Request request) throws ApiException {
        if (!request.headers().containsValue(HttpHeaderNames.UPGRADE, "websocket", true)) {
            throw ApiException.badRequest(
                    "exec and attach need a WebSocket: Upgrade: websocket, Sec-WebSocket-Protocol: v5.channel.k8s.io");
        }
        List<String> offered = List.of(request.headers()
                .get(HttpHeaderNames.SEC_WEBSOCKET_PROTOCOL, "")
                .replace(" ", "")
                .split(","));
        for (String known : ExecSession.PROTOCOLS) {
            if (offered.contains(known)) {
                return known;
            }
        }
        throw ApiException.of(
                403, "Forbidden", "no sub-protocol that is known here was offered; known are " + ExecSession.PROTOCOLS);
    }
}
