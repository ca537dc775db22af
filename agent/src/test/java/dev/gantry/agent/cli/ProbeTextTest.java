package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbeTextTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"httpGet": {"path": "/ok", "port": "http", "scheme": "HTTP"}}          | http-get http://:http/ok
            {"httpGet": {"host": "a", "path": "ok", "port": 8443, "scheme": "HTTPS"}} | http-get https://a:8443/ok
            {"exec": {"command": ["test", "-e", "/x"]}}                             | exec [test -e /x]
            {"tcpSocket": {"port": 5432}}                                           | tcp-socket :5432
            {"grpc": {"port": 9000, "service": "db"}}                               | grpc <pod>:9000 db
            """)
    void probes(String probe, String text) throws IOException {
        String timed = probe.substring(0, probe.length() - 1)
                + ", \"initialDelaySeconds\": 3, \"timeoutSeconds\": 1, \"periodSeconds\": 10,"
                + " \"successThreshold\": 1, \"failureThreshold\": 2}";

        assertThat(ProbeText.of(Json.parse(timed)))
                .isEqualTo(text + " delay=3s timeout=1s period=10s #success=1 #failure=2");
    }
}
