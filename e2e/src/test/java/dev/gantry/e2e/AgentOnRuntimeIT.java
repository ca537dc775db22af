package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent and {@code gantry runtime} as two processes: both ends of CRI are ours, with a socket between. */
@RequiresRoot
@RequiresTool("nft")
class AgentOnRuntimeIT {
    @Test
    void podsRunOverTheSocketAndOutliveTheRuntimesEnd(@TempDir Path directory) throws Exception {
        try (RuntimeProcess runtime = RuntimeProcess.start(directory.resolve("runtime"));
                AgentProcess agent = AgentProcess.on(runtime.socket(), directory.resolve("node"))) {
            Pods.create(agent, "web", "Always", 1, "trap 'exit 0' TERM; echo begun; while :; do sleep 0.1; done");
            JsonNode before = agent.awaitReady("web");
            execIsAnswered(agent);
            assertThat(agent.gantry("logs", "web").output()).isEqualTo("begun\n");

            runtime.killNine();
            Pods.create(agent, "later", "Never", 1, "exit 0");
            runtime.startAgain();

            agent.awaitPod(
                    "later",
                    "to have ended",
                    pod -> pod.at("/status/phase").asText().equals("Succeeded"));
            JsonNode after = agent.awaitReady("web");
            assertThat(after.at("/status/containerStatuses")).isEqualTo(before.at("/status/containerStatuses"));
            execIsAnswered(agent);
            Pods.delete(agent, "web");
            agent.awaitGone("web");
        }
    }

    private static void execIsAnswered(AgentProcess agent) throws Exception {
        Command command = Command.run(
                Map.of(),
                "one\ntwo\n",
                agent.commandLine("exec", "-i", "web", "--", "sh", "-c", "wc -l; echo err >&2; exit 3"));
        assertThat(command.output().strip()).isEqualTo("2");
        assertThat(command.errors()).startsWith("err\n");
        assertThat(command.exitCode()).isEqualTo(3);
    }
}
