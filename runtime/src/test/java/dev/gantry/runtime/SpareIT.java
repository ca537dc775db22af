package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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

    private Stream<ProcessHandle> pauses() {
        String sandboxes = fixture.config().run().resolve("sandboxes").toString();
        return ProcessHandle.current()
                .children()
                .filter(child -> child.info().commandLine().orElse("").contains(sandboxes));
    }

    private ProcessHandle awaitSpare() {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (true) {
            Optional<ProcessHandle> spare = pauses().findAny();
            if (spare.isPresent()) {
                return spare.get();
            }
            assertThat(System.nanoTime()).as("time for the spare").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void aPodTakesTheIdThatItsFirstProcessWasMadeFor() throws Exception {
        String command = awaitSpare().info().commandLine().orElseThrow();

        String sandbox = fixture.run(fixture.pod("web"));

        assertThat(command).contains("/" + sandbox + "/");
    }

    @Test
    void aPodStartsAlthoughTheFirstProcessWasKilled() throws Exception {
        ProcessHandle spare = awaitSpare();
        assertThat(spare.destroyForcibly()).isTrue();
        spare.onExit().get(10, TimeUnit.SECONDS);

        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));

        assertThat(fixture.shell(id, "hostname")).isEqualTo("web\n");
    }

    @Test
    void theFirstProcessEndsWithTheRuntime() throws Exception {
        ProcessHandle spare = awaitSpare();

        fixture.runtime().close();

        assertThat(spare.isAlive()).isFalse();
        fixture.reopen();
    }
}
