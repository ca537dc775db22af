package dev.gantry.probes;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The words for what went wrong with a connection, as events show them. */
class AttemptTest {
    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new NoRouteToHostException("null: /10.0.0.9:80"), "no route to host"),
                Arguments.of(new ConnectException("Connection refused: /10.0.0.9:80"), "connection refused"),
                Arguments.of(
                        new ConnectException(
                                "connect(..) failed with error(-22): Invalid argument: /[fe80:0:0:0:0:0:0:1]:80"),
                        "invalid argument"),
                Arguments.of(new UnknownHostException("web.test"), "no such host web.test"),
                Arguments.of(
                        new IOException("recvAddress(..) failed with error(-104): Connection reset by peer"),
                        "connection reset by peer"),
                Arguments.of(new IOException("see: /etc/hosts"), "see: /etc/hosts"),
                Arguments.of(new IOException(), "IOException"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void whatWentWrongIsSaidInWordsOfTheSystem(Throwable cause, String words) {
        assertThat(Attempt.reason(cause)).isEqualTo(words);
    }
}
