package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The runtime goes and comes back; pods must not notice, and nobody else more than they have to. */
@RequiresRoot
class RuntimeRecoveryIT {
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

    private String pid(String container) {
        return fixture.cri()
                .containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(container)
                        .setVerbose(true)
                        .build())
                .getInfoOrThrow("info")
                .replaceAll("\\{\"pid\":(\\d+),.*", "$1");
    }

    @Test
    void aRunningPodIsTakenOverAsItIs() throws Exception {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(
                        pod, "app", "sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"));
        String created = fixture.create(sandbox, pod, RuntimeFixture.container(pod, "later", "echo", "late"));
        String pid = pid(id);
        ContainerStatus before = fixture.status(id);
        String ip = ip(sandbox);

        fixture.reopen();

        assertThat(fixture.status(id)).isEqualTo(before);
        assertThat(pid(id)).isEqualTo(pid);
        assertThat(ip(sandbox)).isEqualTo(ip);
        assertThat(fixture.shell(id, "hostname")).isEqualTo("web\n");
        fixture.start(created);
        assertThat(fixture.awaitExit(created).getReason()).isEqualTo("Completed");
        fixture.stop(id, 0);
        assertThat(fixture.status(id).getExitCode()).isEqualTo(137);
        List<String> lines = fixture.log(pod, "app");
        for (int i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).isEqualTo(Integer.toString(i));
        }
    }

    private String ip(String sandbox) {
        return fixture.cri()
                .podSandboxStatus(PodSandboxStatusRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .build())
                .getStatus()
                .getNetwork()
                .getIp();
    }

    @Test
    void anExitInBetweenIsReportedWithItsCodeAndTime() throws Exception {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);
        Path go = directory.resolve("go");
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(
                                pod,
                                "app",
                                List.of("sh", "-c", "while [ ! -e /host/go ]; do sleep 0.01; done; exit 42"))
                        .addMounts(dev.gantry.cri.v1.Mount.newBuilder()
                                .setContainerPath("/host")
                                .setHostPath(directory.toString()))
                        .build());
        Path processes = Path.of("/proc/" + pid(id));
        fixture.runtime().close();
        long before = System.currentTimeMillis();
        Files.createFile(go);
        while (Files.exists(processes)) {
            Thread.onSpinWait();
        }
        long after = System.currentTimeMillis();

        fixture.reopen();

        ContainerStatus status = fixture.status(id);
        assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        assertThat(status.getExitCode()).isEqualTo(42);
        assertThat(status.getFinishedAt() / 1_000_000).isBetween(before, after + 50);
    }

    @Test
    void aPodThatDiedInBetweenIsNotReadyAndCanBeRemoved() throws Exception {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));
        String pause = fixture.cri()
                .podSandboxStatus(PodSandboxStatusRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .setVerbose(true)
                        .build())
                .getInfoOrThrow("info")
                .replaceAll("\\{\"pid\":(\\d+),.*", "$1");
        Path process = Path.of("/proc/" + pid(id));
        fixture.runtime().close();
        ProcessHandle.of(Long.parseLong(pause)).orElseThrow().destroyForcibly();
        while (Files.exists(process)) {
            Thread.onSpinWait();
        }

        fixture.reopen();

        assertThat(fixture.cri()
                        .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                        .getItems(0)
                        .getState())
                .isEqualTo(PodSandboxState.SANDBOX_NOTREADY);
        assertThat(fixture.status(id).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        fixture.removePod(sandbox);
        assertThat(fixture.cri()
                        .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                        .getItemsList())
                .isEmpty();
    }
}
