package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class ContainerLifecycleIT {
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
    void aContainerRunsToItsEndAndItsOutputIsLogged() throws Exception {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);
        ContainerConfig config = RuntimeFixture.container(pod, "app", "sh", "-c", "echo hello; echo oops >&2; exit 3");

        String id = fixture.startNew(sandbox, pod, config);
        ContainerStatus status = fixture.awaitExit(id);

        assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        assertThat(status.getExitCode()).isEqualTo(3);
        assertThat(status.getReason()).isEqualTo("Error");
        assertThat(fixture.log(pod, "app")).containsExactlyInAnyOrder("hello", "oops");
    }

    @Test
    void aRunningContainerAnswersExecAndStopsWithinItsGrace() throws Exception {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(pod, "app", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.01; done"));

        assertThat(fixture.shell(id, "hostname; cat /proc/1/comm")).isEqualTo("web\nsh\n");
        fixture.stop(id, 20);

        assertThat(fixture.status(id).getExitCode()).isEqualTo(7);
    }
}
