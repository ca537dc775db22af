package dev.gantry.agent.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page about events lists what the code records, no more and no less. */
class EventsPageTest {
    private static final Path PAGE = Path.of("../docs/events.md");
    private static final Path SOURCES = Path.of("src/main/java");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| ([A-Z]\\w+) \\| (Normal|Warning) \\|");
    /** A warning or not, and the reason: how all events are recorded. */
    private static final Pattern RECORDED = Pattern.compile("\\b(true|false),\\s*\"([A-Z][A-Za-z]+)\"\\s*[,)]");

    /** What becomes of the node's conditions. */
    private static final Pattern NODE = Pattern.compile("\"(NodeReady|NodeNotReady|NodeHas\\w+)\"");

    private static final Pattern REASON = Pattern.compile("\"([A-Z][A-Za-z]+)\"");
    /** Made from two words. */
    private static final Set<String> COMPOSED = Set.of("ResizeDeferred", "ResizeInfeasible");

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            // Conditions have reasons in the same form, and so have the headings of tables.
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.endsWith("PodConditions.java"))
                    .filter(file -> !file.startsWith(SOURCES.resolve("dev/gantry/agent/cli")))
                    .toList();
        }
    }

    private static Set<String> rows() throws IOException {
        return matches(ROW, Files.readString(PAGE)).stream()
                .map(match -> match.group(1) + " " + match.group(2))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<java.util.regex.MatchResult> matches(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.results().toList();
    }

    @Test
    void everyReasonThatIsRecordedIsOnThePage() throws IOException {
        Set<String> recorded = new TreeSet<>();
        for (Path source : sources()) {
            matches(NODE, Files.readString(source)).forEach(match -> recorded.add(match.group(1) + " Normal"));
            matches(RECORDED, Files.readString(source))
                    .forEach(match ->
                            recorded.add(match.group(2) + (match.group(1).equals("true") ? " Warning" : " Normal")));
        }

        assertThat(recorded)
                .hasSizeGreaterThan(20)
                .contains("Killing Normal", "FailedKillPod Warning", "NodeHasDiskPressure Normal");
        assertThat(rows()).containsAll(recorded);
    }

    @Test
    void everyReasonOnThePageIsInTheCode() throws IOException {
        Set<String> known = new TreeSet<>(COMPOSED);
        for (Path source : sources()) {
            matches(REASON, Files.readString(source)).forEach(match -> known.add(match.group(1)));
        }

        assertThat(rows()).isNotEmpty().allSatisfy(row -> assertThat(known).contains(row.split(" ")[0]));
    }
}
