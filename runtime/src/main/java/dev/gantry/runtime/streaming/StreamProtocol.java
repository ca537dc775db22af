package dev.gantry.runtime.streaming;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Versions of the remote command protocol ({@code k8s.io/apimachinery/pkg/util/remotecommand}).
 *
 * <p>Version 1 is the first, 2 fixed it, 3 brought resizing, 4 exit codes, and 5 (WebSocket only) closes single channels.
 */
enum StreamProtocol {
    V5("v5.channel.k8s.io", "", 5, false),
    V4("v4.channel.k8s.io", "v4.channel.k8s.io", 4, false),
    V4_BASE64("v4.base64.channel.k8s.io", "", 4, true),
    V3("", "v3.channel.k8s.io", 3, false),
    V2("", "v2.channel.k8s.io", 2, false),
    V1("channel.k8s.io", "channel.k8s.io", 1, false),
    V1_BASE64("base64.channel.k8s.io", "", 1, true);

    private final String webSocketName;
    private final String spdyName;
    private final int version;
    private final boolean base64;

    StreamProtocol(String webSocketName, String spdyName, int version, boolean base64) {
        this.webSocketName = webSocketName;
        this.spdyName = spdyName;
        this.version = version;
        this.base64 = base64;
    }

    /** The name in {@code Sec-WebSocket-Protocol}. */
    String webSocketName() {
        return webSocketName;
    }

    /** The name in {@code X-Stream-Protocol-Version}. */
    String spdyName() {
        return spdyName;
    }

    boolean hasExitCodes() {
        return version >= 4;
    }

    boolean hasResize() {
        return version >= 3;
    }

    boolean closesChannels() {
        return version >= 5;
    }

    /** Whether messages are text: a digit for the channel and base64. */
    boolean isBase64() {
        return base64;
    }

    /** The newest that the client offers over WebSocket; a client that offers none gets version 1. */
    static Optional<StreamProtocol> forWebSocket(Collection<String> offered) {
        return offered.isEmpty()
                ? Optional.of(V1)
                : Arrays.stream(values())
                        .filter(each -> !each.webSocketName.isEmpty() && offered.contains(each.webSocketName))
                        .findFirst();
    }

    /** The newest that the client offers over SPDY; a client that offers none gets version 1. */
    static Optional<StreamProtocol> forSpdy(Collection<String> offered) {
        return offered.isEmpty()
                ? Optional.of(V1)
                : Arrays.stream(values())
                        .filter(each -> !each.spdyName.isEmpty() && offered.contains(each.spdyName))
                        .findFirst();
    }

    /** What a SPDY client may offer. */
    static List<String> spdyNames() {
        return Arrays.stream(values())
                .map(StreamProtocol::spdyName)
                .filter(name -> !name.isEmpty())
                .toList();
    }
}
