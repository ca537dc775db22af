package dev.gantry.agent.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class LogOutputTest {
    private static final Instant NOON = LocalDateTime.of(2026, 1, 2, 12, 0, 5, 123_456_789)
            .atZone(ZoneId.systemDefault())
            .toInstant();

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Logger log = LoggerFactory.getLogger("dev.gantry.test");

    private void to(boolean journal) {
        LogOutput.replace(new LogOutput(out, journal, Clock.fixed(NOON, ZoneId.systemDefault())));
    }

    private String text() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @AfterEach
    void restore() {
        LogOutput.setLevel("info");
        LogOutput.replace(new LogOutput(System.err, false, Clock.systemUTC()));
    }

    @Test
    void aLineHasLevelTimeMessageAndKeys() {
        to(false);

        log.atInfo()
                .addKeyValue("pod", "default/web")
                .addKeyValue("image", "a b\"c")
                .log("Started container");

        assertThat(text()).isEqualTo("I0102 12:00:05.123456 Started container pod=default/web image=\"a b\\\"c\"\n");
    }

    @Test
    void theJournalGetsThePriorityAndKnowsTheTime() {
        to(true);

        log.atWarn().setCause(new IOException("line one\nline two")).log("Could not pull image, retrying");

        assertThat(text()).isEqualTo("<4>Could not pull image, retrying err=\"line one\\nline two\"\n");
    }

    @Test
    void aFileThatIsNotThereIsNotJustNamed() {
        to(true);

        log.atError()
                .setCause(new NoSuchFileException("/a/pod.json.tmp", "/a/pod.json", null))
                .log("Could not record pod");
        log.atError()
                .setCause(new FileSystemException("/b", null, "No space left on device"))
                .log("Could not write");

        assertThat(text()).isEqualTo("""
                <3>Could not record pod err="/a/pod.json.tmp -> /a/pod.json: no such file or directory"
                <3>Could not write err="/b: No space left on device"
                """);
    }

    @Test
    void whatTheAgentDidNotForeseeComesWithItsStack() {
        to(true);

        log.atError().setCause(new IllegalStateException("bug")).log("Failed");

        assertThat(text())
                .startsWith(
                        "<3>Failed err=bug\n<3>    java.lang.IllegalStateException: bug\n<3>        at dev.gantry.");
    }

    @Test
    void oneEventIsOneLineWhateverIsInIt() {
        to(false);

        log.info("first\nsecond {}", "x\ny");

        assertThat(text()).isEqualTo("I0102 12:00:05.123456 first\\nsecond x\\ny\n");
    }

    @Test
    void levelsAreKeptAndLibrariesSpeakUpFromWarningsOn() {
        to(false);
        Logger library = LoggerFactory.getLogger("io.netty.x");

        log.debug("hidden");
        library.info("hidden");
        LogOutput.setLevel("debug");
        log.debug("shown");
        library.debug("hidden");
        library.warn("shown");

        assertThat(text().lines()).hasSize(2).allMatch(line -> line.endsWith("shown"));
    }
}
