package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(20)
class LogResourceTest {
    private static final String PATH = "/api/v1/namespaces/default/pods/web/log";
    private static final String THREE = """
            2026-01-02T03:00:00.000000001Z stdout F one
            2026-01-02T03:01:00.000000001Z stderr F two
            2026-01-02T03:02:00.000000001Z stdout P thr
            2026-01-02T03:02:00.000000002Z stdout F ee
            """;

    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private Path log = Path.of("/unset");
    private Path socket = Path.of("/unset");
    private ApiServer server;

    @BeforeEach
    void start() throws IOException {
        socket = directory.resolve("run/gantry.sock");
        Path root = Files.createDirectories(directory.resolve("pods"));
        log = Files.createDirectories(root.resolve("default_web_1/app")).resolve("0.log");
        engine.put(TestPods.running("web"));
        engine.run("web", "app", log, true, false);
        server = ApiServer.start(socket, engine.backend(root), ApiLimits.STANDARD, TestPods.CLOCK);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private String read(String query) throws IOException {
        String answer = RawClient.get(socket, PATH + query);
        assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("content-type: text/plain");
        return body(answer);
    }

    /** Undoes chunked coding. */
    private static String body(String answer) {
        StringBuilder body = new StringBuilder();
        String rest = answer.substring(answer.indexOf("\r\n\r\n") + 4);
        while (!rest.isEmpty()) {
            int end = rest.indexOf("\r\n");
            int size = Integer.parseInt(rest.substring(0, end), 16);
            body.append(rest, end + 2, end + 2 + size);
            rest = rest.substring(end + 4 + size);
        }
        return body.toString();
    }

    private void write(String lines) throws IOException {
        Files.writeString(log, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    @Test
    void aLogIsWhatTheContainerWrote() throws IOException {
        write(THREE);

        assertThat(read("")).isEqualTo("one\ntwo\nthree\n");
    }

    @Test
    void aLogThatDoesNotExistYetIsEmpty() throws IOException {
        assertThat(read("")).isEmpty();
    }

    @ParameterizedTest(name = "{0} gives {1}")
    @CsvSource({
        "tailLines=0, ''",
        "tailLines=1, three|",
        "tailLines=2, two|three|",
        "tailLines=9, one|two|three|",
        "sinceTime=2026-01-02T03:01:00Z, two|three|",
        "sinceSeconds=245, one|two|three|",
        "sinceSeconds=240, two|three|",
        "limitBytes=5, one|t",
        "stream=Stderr, two|",
        "tailLines=1&timestamps=true, 2026-01-02T03:02:00.000000001Z three|",
    })
    void optionsSelectLines(String query, String expected) throws IOException {
        write(THREE);

        assertThat(read("?" + query)).isEqualTo(expected.replace('|', '\n'));
    }

    @ParameterizedTest(name = "{0} is refused")
    @CsvSource({
        "tailLines=x, 400, takes a whole number",
        "sinceTime=yesterday, 422, takes a time like",
        "limitBytes=0, 422, must be greater than 0",
        "stream=Both, 422, 'takes All, Stdout or Stderr'",
        "container=other, 400, container other is not valid for pod web",
        "previous=true, 400, previous terminated container",
    })
    void mistakesAreTold(String query, int code, String message) throws IOException {
        assertThat(RawClient.get(socket, PATH + "?" + query))
                .startsWith("HTTP/1.1 " + code)
                .contains(message);
    }

    @Test
    void theTailIsFoundBackwardsOverManyBlocks() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            lines.append("2026-01-02T03:00:00.000000001Z stdout F line ")
                    .append(i)
                    .append('\n');
        }
        write(lines.toString());

        assertThat(read("?tailLines=12000").lines().findFirst()).contains("line 8000");
        assertThat(read("?tailLines=3")).isEqualTo("line 19997\nline 19998\nline 19999\n");
    }

    @Test
    void followingShowsWhatIsWrittenAndEndsWithTheContainer() throws IOException {
        write(THREE);

        try (RawClient client = new RawClient(socket)) {
            client.send("GET " + PATH + "?follow=true HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("three");
            write("2026-01-02T03:03:00.000000001Z stdout F four\n");
            client.until("four");
            write("2026-01-02T03:04:00.000000001Z stdout F last words\n");
            engine.put(ended());

            assertThat(client.until("0\r\n\r\n")).contains("last words");
        }
    }

    private static Pod ended() {
        Pod pod = TestPods.running("web");
        return new PodBuilder(pod)
                .editStatus()
                .editFirstContainerStatus()
                .withState(new ContainerStateBuilder()
                        .withNewTerminated()
                        .withExitCode(0)
                        .endTerminated()
                        .build())
                .endContainerStatus()
                .endStatus()
                .build();
    }

    @Test
    void followingGoesOnOverRotations() throws IOException {
        write("2026-01-02T03:00:00.000000001Z stdout F one\n");

        try (RawClient client = new RawClient(socket)) {
            client.send("GET " + PATH + "?follow=true HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("one");
            write("2026-01-02T03:00:01.000000001Z stdout F two\n");
            Files.move(log, log.resolveSibling("0.log.20260102-030405"));
            write("2026-01-02T03:00:02.000000001Z stdout F three\n");
            Files.move(log, log.resolveSibling("0.log.20260102-030406"));
            write("2026-01-02T03:00:03.000000001Z stdout F four\n");

            assertThat(client.until("four\n")).containsSubsequence("one\n", "two\n", "three\n", "four\n");
        }
    }

    @Test
    void whatWasRotatedAndCompressedIsReadFirst() throws IOException {
        gzip("0.log.20260102-030010.gz", lines(0, 10));
        Files.writeString(log.resolveSibling("0.log.20260102-030020"), lines(10, 20));
        Files.writeString(log.resolveSibling("0.log.20260102-030020.gz.tmp"), "half of it");
        Files.writeString(log.resolveSibling("1.log"), lines(90, 95));
        write(lines(20, 25));

        assertThat(read("").lines()).hasSize(25).startsWith("line 0", "line 1").endsWith("line 24");
        assertThat(read("?tailLines=3")).isEqualTo("line 22\nline 23\nline 24\n");
        assertThat(read("?tailLines=5").lines()).hasSize(5).startsWith("line 20");
        assertThat(read("?tailLines=7").lines()).hasSize(7).startsWith("line 18");
        assertThat(read("?tailLines=17").lines())
                .hasSize(17)
                .startsWith("line 8")
                .endsWith("line 24");
        assertThat(read("?tailLines=100").lines()).hasSize(25);
        assertThat(read("?sinceTime=2026-01-02T03:00:18Z").lines()).hasSize(7).startsWith("line 18");
        assertThat(read("?limitBytes=10")).isEqualTo("line 0\nlin");
    }

    @Test
    void aLogWhoseCurrentFileIsMissingIsReadAllTheSame() throws IOException {
        Files.writeString(log.resolveSibling("0.log.20260102-030015"), lines(0, 3));

        assertThat(read("").lines()).hasSize(3);
        assertThat(read("?tailLines=1")).isEqualTo("line 2\n");
    }

    @Test
    void aReaderThatIsSlowerThanRotationAndCompressionMissesNothing() throws IOException {
        Files.writeString(log.resolveSibling("0.log.20260102-030000"), lines(0, 1));
        write(lines(1, 2));

        try (RawClient client = new RawClient(socket)) {
            client.send("GET " + PATH + "?follow=true HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("line 1\n");
            Path directory = Files.createDirectory(log.resolveSibling("elsewhere"));
            Files.writeString(directory.resolve("0.log"), lines(8, 9));
            write(lines(2, 4));
            // All of it while the reader looks once at most: what it follows is renamed last but one.
            gzip("0.log.20260102-030003.gz", lines(4, 6));
            Files.writeString(log.resolveSibling("0.log.20260102-030004"), lines(6, 8));
            Files.move(log, log.resolveSibling("0.log.20260102-030002"));
            Files.move(directory.resolve("0.log"), log);

            String all = client.until("line 8\n");
            for (int i = 2; i <= 8; i++) {
                assertThat(all).containsOnlyOnce("line " + i + "\n");
            }
        }
    }

    private static String lines(int from, int to) {
        StringBuilder lines = new StringBuilder();
        for (int i = from; i < to; i++) {
            lines.append("2026-01-02T03:00:%02d.000000001Z stdout F line %d\n".formatted(i, i));
        }
        return lines.toString();
    }

    private void gzip(String name, String text) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(log.resolveSibling(name)))) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void aLinkInPlaceOfALogIsNotFollowed() throws IOException {
        Path secret = Files.writeString(directory.resolve("secret"), "2026-01-02T03:00:00Z stdout F secret\n");
        Files.createSymbolicLink(log, secret);

        assertThat(RawClient.get(socket, PATH))
                .startsWith("HTTP/1.1 500")
                .contains("is reached over a symbolic link: refused")
                .doesNotContain("F secret");
    }

    @Test
    void aLinkOnTheWayToALogIsNotFollowed() throws IOException {
        Path elsewhere = Files.createDirectories(directory.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("0.log"), "2026-01-02T03:00:00Z stdout F secret\n");
        Path link = directory.resolve("pods/default_web_1/link");
        Files.createSymbolicLink(link, elsewhere);
        engine.run("web", "app", link.resolve("0.log"), false, false);

        assertThat(RawClient.get(socket, PATH)).startsWith("HTTP/1.1 500").doesNotContain("F secret");
    }

    @Test
    void aLogOutsideOfTheLogDirectoryIsNotRead() throws IOException {
        Path secret = Files.writeString(directory.resolve("secret"), "2026-01-02T03:00:00Z stdout F secret\n");
        engine.run("web", "app", secret, false, false);

        assertThat(RawClient.get(socket, PATH)).startsWith("HTTP/1.1 500").doesNotContain("F secret");
    }

    @Test
    void aPipeInPlaceOfALogDoesNotHangTheReader() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", log.toString()).start().waitFor())
                .isZero();

        assertThat(RawClient.get(socket, PATH)).startsWith("HTTP/1.1 500").contains("is no regular file");
    }
}
