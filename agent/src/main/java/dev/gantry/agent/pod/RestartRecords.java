package dev.gantry.agent.pod;

import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@link Restarts} beside a pod's other files, so that an agent that is killed in the middle of one leaves it to the next: lines
 * {@code container NAME RUN}, {@code unhealthy NAME RUN}, {@code pod MILLISECONDS request|rule} and {@code before NAME RUN}.
 */
final class RestartRecords {
    private static final Logger log = LoggerFactory.getLogger(RestartRecords.class);
    private static final String FILE = "restarts";
    private static final String CONTAINER = "container";
    private static final String UNHEALTHY = "unhealthy";
    private static final String ROUND = "pod";
    private static final String BEFORE = "before";
    private static final String BY_RULE = "rule";

    private RestartRecords() {}

    /** What was asked for; nothing if there is no record, or none that can be read. */
    static Restarts read(Path podDirectory) {
        Path file = podDirectory.resolve(FILE);
        try {
            return parse(Files.readAllLines(file, StandardCharsets.UTF_8));
        } catch (NoSuchFileException e) {
            return Restarts.NONE;
        } catch (IOException | IllegalArgumentException e) {
            log.atWarn()
                    .addKeyValue("path", file)
                    .addKeyValue("err", String.valueOf(e.getMessage()))
                    .log("Could not read the restarts that were asked for, going on without");
            return Restarts.NONE;
        }
    }

    private static Restarts parse(List<String> lines) {
        Map<String, Integer> containers = new HashMap<>();
        Map<String, Integer> unhealthy = new HashMap<>();
        Map<String, Integer> before = new HashMap<>();
        Optional<Instant> requestedAt = Optional.empty();
        boolean byRule = false;
        for (String line : lines) {
            String[] words = line.split(" ");
            if (words.length == 3 && words[0].equals(ROUND)) {
                requestedAt = Optional.of(Instant.ofEpochMilli(Long.parseLong(words[1])));
                byRule = words[2].equals(BY_RULE);
            } else if (words.length == 3 && words[0].equals(CONTAINER)) {
                containers.put(words[1], Integer.parseInt(words[2]));
            } else if (words.length == 3 && words[0].equals(UNHEALTHY)) {
                unhealthy.put(words[1], Integer.parseInt(words[2]));
            } else if (words.length == 3 && words[0].equals(BEFORE)) {
                before.put(words[1], Integer.parseInt(words[2]));
            } else {
                throw new IllegalArgumentException("unknown line '" + line + "'");
            }
        }
        boolean rule = byRule;
        return new Restarts(containers, unhealthy, requestedAt.map(at -> new Restarts.Round(before, at, rule)));
    }

    static void write(Path podDirectory, Restarts restarts) throws IOException {
        List<String> lines = new ArrayList<>();
        restarts.containers().forEach((name, run) -> lines.add(CONTAINER + " " + name + " " + run));
        restarts.unhealthy().forEach((name, run) -> lines.add(UNHEALTHY + " " + name + " " + run));
        restarts.round().ifPresent(round -> {
            lines.add(ROUND + " " + round.requestedAt().toEpochMilli() + " " + (round.byRule() ? BY_RULE : "request"));
            round.runs().forEach((name, run) -> lines.add(BEFORE + " " + name + " " + run));
        });
        Files.createDirectories(podDirectory);
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line).append('\n'));
        Linux.system().files().replaceFile(podDirectory.resolve(FILE).toString(), text.toString(), 0644, false);
    }
}
