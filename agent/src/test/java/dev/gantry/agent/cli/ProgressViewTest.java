package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressViewTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    private ProgressView view(boolean terminal) {
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        Console console = new Console(
                InputStream.nullInputStream(),
                stream,
                stream,
                false,
                terminal,
                terminal,
                false,
                Map.of("COLUMNS", "100"));
        return new ProgressView(console, "app:1", false, nanos::get);
    }

    private String taken() {
        String text = out.toString(StandardCharsets.UTF_8);
        out.reset();
        return text;
    }

    private static String layer(int n, String state, long done, long total) {
        return "{\"digest\":\"sha256:%064d\",\"state\":\"%s\",\"bytesDone\":%d,\"bytesTotal\":%d}"
                .formatted(n, state, done, total);
    }

    private static String line(long done, long total, long rate, int layersDone, List<String> layers) {
        return ("{\"progress\":{\"phase\":\"fetching\",\"bytesDone\":%d,\"bytesTotal\":%d,\"bytesPerSecond\":%d,\"layersDone\":%d,"
                        + "\"layersTotal\":%d,\"layers\":[%s]}}")
                .formatted(done, total, rate, layersDone, layers.size(), String.join(",", layers));
    }

    private static String plain(String text) {
        return text.replace("\u001b[K", "").replace("\u001b[J", "");
    }

    @Test
    void aTerminalSeesEachLayerWithBytesAndTheWholeWithRateAndTime() {
        ProgressView view = view(true);

        view.line(line(
                3_000_000,
                9_000_000,
                2_000_000,
                1,
                List.of(
                        layer(1, "present", 0, 500),
                        layer(2, "fetching", 3_000_000, 6_000_000),
                        layer(3, "waiting", 0, 3_000_000))));

        assertThat(plain(taken())).isEqualTo("""
                app:1: fetching, 3.00MB/9.00MB, 2.00MB/s, 3s left, layers 1/3
                  000000000000  already here
                  000000000000  [===============>              ]  3.00MB/6.00MB
                  000000000000  waiting  3.00MB
                """);
        view.line(line(6_000_000, 9_000_000, 0, 1, List.of(layer(2, "fetching", 6_000_000, 6_000_000))));
        assertThat(plain(taken())).isEqualTo("""
                \r\u001b[4Aapp:1: fetching, 6.00MB/9.00MB, 0B/s, layers 1/1
                  000000000000  unpacking  6.00MB
                """);
    }

    @Test
    void ofManyLayersThoseThatMoveAreShown() {
        List<String> layers = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            layers.add(layer(i, i < 20 ? "done" : i < 24 ? "fetching" : "waiting", 1, 2));
        }

        view(true).line(line(1, 2, 3, 20, layers));

        List<String> rows = taken().lines().toList();
        assertThat(rows).hasSize(1 + 12 + 1 + 1);
        assertThat(rows.stream().filter(row -> row.contains("[="))).hasSize(4);
        assertThat(rows.get(13)).contains("and 28 more");
    }

    @Test
    void elsewhereEachLayerIsALineAndTheWholeOneEveryFiveSeconds() {
        ProgressView view = view(false);
        List<String> first = List.of(layer(1, "present", 0, 0), layer(2, "fetching", 1, 6_000_000));

        view.line(line(0, 6_000_000, 0, 1, first));
        nanos.addAndGet(4_900_000_000L);
        view.line(line(2_000_000, 6_000_000, 500_000, 1, first));
        nanos.addAndGet(100_000_000L);
        view.line(line(2_500_000, 6_000_000, 500_000, 1, first));
        view.line(line(
                6_000_000,
                6_000_000,
                500_000,
                2,
                List.of(layer(1, "present", 0, 0), layer(2, "done", 6_000_000, 6_000_000))));

        assertThat(taken()).isEqualTo("""
                app:1: fetching, 6.00MB in 2 layers
                app:1: sha256:%064d already here
                app:1: 2.50MB/6.00MB, 500kB/s, 7s left, layers 1/2
                app:1: sha256:%064d done
                """.formatted(1, 2));
    }

    @Test
    void aLineThatDoesNotFitIsCut() throws IOException {
        ProgressView view = view(true);

        view.line("{\"progress\":{\"phase\":\"" + "x".repeat(200) + "\"}}");

        assertThat(plain(taken()).strip()).hasSize(99);
    }
}
