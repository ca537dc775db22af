package dev.gantry.agent.cli;

import java.util.Locale;
import java.util.StringJoiner;

/** A probe in one line, as kubectl describes it. */
final class ProbeText {
    private ProbeText() {}

    /** {@code exec [cat /tmp/healthy] delay=5s timeout=1s period=5s #success=1 #failure=3}; empty if there is no probe. */
    static String of(Json probe) {
        if (!probe.isPresent()) {
            return "";
        }
        return action(probe) + " delay=" + probe.number("initialDelaySeconds") + "s timeout="
                + probe.number("timeoutSeconds") + "s period=" + probe.number("periodSeconds") + "s #success="
                + probe.number("successThreshold") + " #failure=" + probe.number("failureThreshold");
    }

    private static String action(Json probe) {
        if (probe.at("exec").isPresent()) {
            StringJoiner words = new StringJoiner(" ", "exec [", "]");
            probe.items("exec", "command").forEach(word -> words.add(word.text()));
            return words.toString();
        }
        Json get = probe.at("httpGet");
        if (get.isPresent()) {
            String scheme =
                    get.text("scheme").isEmpty() ? "http" : get.text("scheme").toLowerCase(Locale.ROOT);
            String path = get.text("path");
            return "http-get " + scheme + "://" + get.text("host") + ":" + get.text("port")
                    + (path.startsWith("/") ? path : "/" + path);
        }
        Json socket = probe.at("tcpSocket");
        if (socket.isPresent()) {
            return "tcp-socket " + socket.text("host") + ":" + socket.text("port");
        }
        Json grpc = probe.at("grpc");
        return "grpc <pod>:" + grpc.text("port") + " " + grpc.text("service");
    }
}
