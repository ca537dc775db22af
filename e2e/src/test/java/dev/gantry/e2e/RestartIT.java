package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container that fails, as its owner sees it; the times of the backoff are tested with a clock of the tests. */
@RequiresRoot
class RestartIT {
    @Test
    void aFailingContainerIsRestartedAtOnceAndThenWaitsInCrashLoopBackOff(@TempDir Path directory) throws Exception {
        try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            Pods.create(agent, "crash", "Always", 1, "echo broken >&2; exit 1");

            JsonNode pod = agent.awaitPod(
                    "crash",
                    "to wait after its first restart",
                    found ->
                            found.at("/status/containerStatuses/0/restartCount").asInt() == 1
                                    && found.at("/status/containerStatuses/0/state/waiting/reason")
                                            .asText()
                                            .equals("CrashLoopBackOff"));

            JsonNode container = pod.at("/status/containerStatuses/0");
            assertThat(container.at("/lastState/terminated/exitCode").asInt()).isEqualTo(1);
            assertThat(container.at("/lastState/terminated/reason").asText()).isEqualTo("Error");
            assertThat(container.at("/state/waiting/message").asText())
                    .startsWith("back-off 10s restarting failed container=main");
            // Ten seconds later it is in the next round.
            Pattern row = Pattern.compile("crash +0/1 +CrashLoopBackOff +[0-9]+ ");
            Await.until(
                    Duration.ofSeconds(60),
                    "a row of the table that says so",
                    () -> row.matcher(agent.gantry("get", "pods").output()).find(),
                    agent::log);
            assertThat(agent.gantry("logs", "crash", "-p").output()).isEqualTo("broken\n");
            Await.until(
                    Duration.ofSeconds(10),
                    "an event of the backoff",
                    () -> agent.gantry("events").output().contains("BackOff"),
                    agent::log);
            assertThat(agent.gantry("describe", "pod", "crash").output()).contains("Exit Code:");
        }
    }

    @Test
    void aContainerThatIsDoneIsNotStartedAgainUnlessItsPodSaysSo(@TempDir Path directory) throws Exception {
        try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            Pods.create(agent, "done", "OnFailure", 1, "exit 0");
            Pods.create(agent, "failed", "Never", 1, "exit 5");

            agent.awaitPod("done", "to have succeeded", pod -> phase(pod).equals("Succeeded"));
            JsonNode failed =
                    agent.awaitPod("failed", "to have failed", pod -> phase(pod).equals("Failed"));

            assertThat(failed.at("/status/containerStatuses/0/state/terminated/exitCode")
                            .asInt())
                    .isEqualTo(5);
            assertThat(failed.at("/status/containerStatuses/0/restartCount").asInt())
                    .isZero();
        }
    }

    private static String phase(JsonNode pod) {
        return pod.at("/status/phase").asText();
    }
}
