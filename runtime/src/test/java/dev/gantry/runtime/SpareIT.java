package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made ahead of a pod is used by it, is not relied on, and ends with the runtime. */
@RequiresRoot
class SpareIT {
    @TempDir
    Path directory;

    private RuntimeFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void aPodTakesTheIdThatItsFirstProcessWasMadeFor() throws Exception {
        String command = fixture.awaitSpare().info().commandLine().orElseThrow();

        String sandbox = fixture.run(fixture.pod("web"));

        assertThat(command).contains("/" + sandbox + "/");
    }

    @Test
    void aPodStartsAlthoughTheFirstProcessWasKilled() throws Exception {
        ProcessHandle spare = fixture.awaitSpare();
        assertThat(spare.destroyForcibly()).isTrue();
        spare.onExit().get(10, TimeUnit.SECONDS);

        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));

        assertThat(fixture.shell(id, "hostname")).isEqualTo("web\n");
    }

    @Test
    void theFirstProcessEndsWithTheRuntime() throws Exception {
        ProcessHandle spare = fixture.awaitSpare();

        fixture.runtime().close();

        assertThat(spare.isAlive()).isFalse();
        fixture.reopen();
    }
}
