package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentLockTest {
    @TempDir
    Path directory;

    @Test
    void aSecondAgentIsToldWhoHoldsTheDirectory() throws IOException {
        Path lock = directory.resolve("run/gantry.lock");

        AgentLock first = AgentLock.take(lock);
        try (first) {
            assertThatThrownBy(() -> AgentLock.take(lock))
                    .isInstanceOf(IOException.class)
                    .hasMessage("another agent (pid " + ProcessHandle.current().pid() + ") runs on "
                            + directory.resolve("run") + "; stop it, or choose another directory with --root");
        }
        AgentLock.take(lock).close();

        assertThat(Files.readString(lock)).isEqualTo(ProcessHandle.current().pid() + "\n");
    }
}
