package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.config.ConfigException;
import dev.gantry.agent.config.NodePaths;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PodRuntimeTest {
    @TempDir
    Path directory;

    /** A kubelet's {@code /kubepods.slice/…} is at the top, also where systemd delegates a part of the tree to this process. */
    @Test
    void aRuntimeAloneWorksWhereItsClientsNameCgroups() throws ConfigException {
        assertThat(rootOfCgroups(system(), Map.of())).contains(Path.of("/"));
    }

    @Test
    void unlessItIsToldOtherwise() throws ConfigException {
        assertThat(rootOfCgroups(system(), Map.of("cgroup-root", "/gantry.slice")))
                .contains(Path.of("/gantry.slice"));
    }

    @Test
    void oneUnderADirectoryOfItsOwnKeepsToItself() throws ConfigException {
        assertThat(rootOfCgroups(NodePaths.under(directory), Map.of())).isEmpty();
    }

    @Test
    void anAgentFindsWhatIsDelegatedToIt() throws ConfigException {
        assertThat(PodRuntime.nativeConfig(AgentConfig.load(system(), Map.of())).cgroupRoot())
                .isEmpty();
    }

    private NodePaths system() {
        return new NodePaths(
                Path.of("/"),
                directory.resolve("config.yaml"),
                directory.resolve("manifests"),
                directory.resolve("state"),
                directory.resolve("run"),
                directory.resolve("logs"));
    }

    private static Optional<Path> rootOfCgroups(NodePaths paths, Map<String, String> flags) throws ConfigException {
        return PodRuntime.standaloneConfig(AgentConfig.load(paths, flags)).cgroupRoot();
    }
}
