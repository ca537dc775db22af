package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The other JDKs of this machine: what is built and what runs with them, as it would where they are the only ones. */
@RequiresRoot
class OtherJdksIT {
    private static final Path JDKS = Path.of("/usr/lib/jvm");

    /** Homes of JDKs of Java 17 or later, without the one that runs this. */
    private static List<Path> others() throws IOException {
        if (!Files.isDirectory(JDKS)) {
            return List.of();
        }
        TreeSet<Path> homes = new TreeSet<>();
        try (Stream<Path> entries = Files.list(JDKS)) {
            for (Path entry : entries.toList()) {
                if (Files.isReadable(entry.resolve("release")) && Files.isExecutable(entry.resolve("bin/javac"))) {
                    homes.add(entry.toRealPath());
                }
            }
        }
        homes.remove(Path.of(System.getProperty("java.home")).toRealPath());
        homes.removeIf(home -> version(home) < 17);
        return List.copyOf(homes);
    }

    /** As the build does. */
    private static void train(Path script, Path jdk, Path installation) throws IOException, InterruptedException {
        Path log = installation.resolveSibling(installation.getFileName() + ".log");
        ProcessBuilder builder = new ProcessBuilder(script.toString(), installation.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("JAVA_HOME", jdk.toString());
        Process process = builder.start();
        boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        process.destroy();
        assertThat(ended && process.exitValue() == 0)
                .as("%s with %s: %s", script, jdk, Files.readString(log))
                .isTrue();
    }

    private static int version(Path home) {
        try (Stream<String> lines = Files.lines(home.resolve("release"))) {
            return lines.filter(line -> line.matches("JAVA_VERSION=\"[0-9]+.*"))
                    .map(line -> Integer.parseInt(line.replaceAll("JAVA_VERSION=\"([0-9]+).*", "$1")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    @Test
    void itsArchivesAreMadeAndUsed(@TempDir Path directory) throws Exception {
        List<Path> jdks = others();
        Assumptions.assumeFalse(jdks.isEmpty(), "there is no other JDK of Java 17 or later in " + JDKS);
        Path built = AgentProcess.launcher().resolve("../..").normalize();
        for (Path jdk : jdks) {
            Path copy = directory.resolve(jdk.getFileName());
            Command.run(Map.of(), "", "cp", "-a", built.toString(), copy.toString());
            Command.run(Map.of(), "", "rm", "-r", copy.resolve("share/classes").toString(), copy + "/lib/archives");

            train(built.resolve("../../train").normalize(), jdk, copy);

            assertThat(Files.readString(copy.resolve("lib/archives/jdk"))).isEqualTo(jdk + "\n");
            assertThat(copy.resolve("lib/archives/agent.jsa")).isNotEmptyFile();
            Command loaded = Command.run(
                    Map.of("GANTRY_JAVA_OPTIONS", "-Xshare:on -Xlog:class+load"),
                    "",
                    copy.resolve("bin/gantry").toString(),
                    "version");
            assertThat(loaded.output())
                    .as("%s: %s", jdk, loaded)
                    .contains("dev.gantry.agent.main.Gantry source: shared objects file");
        }
    }
}
