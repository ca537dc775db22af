package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxStatsRequest;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.ReopenContainerLogRequest;
import dev.gantry.testing.RequiresCgroupController;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
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
                RuntimeFixture.container(
                        pod, "app", "sh", "-c", "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.01; done"));

        assertThat(fixture.shell(id, "until [ -e /ready ]; do sleep 0.01; done; hostname; cat /proc/1/comm"))
                .isEqualTo("web\nsh\n");
        fixture.stop(id, 20);

        assertThat(fixture.status(id).getExitCode()).isEqualTo(7);
    }

    @Test
    @RequiresCgroupController("memory")
    void aContainerThatNeedsMoreMemoryThanItMayIsOomKilled() throws Exception {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);
        ContainerConfig.Builder config =
                RuntimeFixture.container(pod, "app", List.of("sh", "-c", "x=$(yes | head -c 200000000)"));
        config.getLinuxBuilder().getResourcesBuilder().setMemoryLimitInBytes(16 << 20);

        ContainerStatus status = fixture.awaitExit(fixture.startNew(sandbox, pod, config.build()));

        assertThat(status.getExitCode()).isEqualTo(137);
        assertThat(status.getReason()).isEqualTo("OOMKilled");
    }

    @Test
    void askingAgainForTheSameNameIsToldWhoHasIt() {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.run(pod))
                .withMessageStartingWith("ALREADY_EXISTS")
                .withMessageContaining(sandbox);

        fixture.removePod(sandbox);
        assertThat(fixture.run(pod)).isNotEqualTo(sandbox);
    }

    @Test
    void stoppingAndRemovingCanBeRepeatedAndUnknownIdsAreNoError() {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));

        fixture.stop(id, 0);
        fixture.stop(id, 0);
        fixture.stop("no-such-container", 0);
        for (int i = 0; i < 2; i++) {
            fixture.cri()
                    .removeContainer(RemoveContainerRequest.newBuilder()
                            .setContainerId(id)
                            .build());
            fixture.removePod(sandbox);
        }

        assertThat(fixture.cri()
                        .listContainers(ListContainersRequest.getDefaultInstance())
                        .getContainersList())
                .isEmpty();
    }

    @Test
    void aFailedPodLeavesNothingAndItsNameIsFree() {
        PodSandboxConfig bad = fixture.pod("web", builder -> {
            builder.getLinuxBuilder().putSysctls("net.ipv4.no_such_setting", "1");
            return builder;
        });

        for (int i = 0; i < 2; i++) {
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> fixture.run(bad))
                    .withMessageContaining("open sysctl net/ipv4/no_such_setting: ENOENT");
        }

        assertThat(fixture.config().run().resolve("sandboxes")).isEmptyDirectory();
    }

    @Test
    void aRotatedLogLosesNoLine() throws Exception {
        PodSandboxConfig pod = fixture.pod("web", RuntimeFixture::hostNetwork);
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(
                        pod,
                        "app",
                        "sh",
                        "-c",
                        "i=0; until [ $i -gt 20000 ] && [ -e /enough ]; do echo $i; i=$((i+1)); done"));
        Path log = Path.of(pod.getLogDirectory(), "app.log");
        Path rotated = Path.of(pod.getLogDirectory(), "app.log.1");
        Files.move(log, rotated);
        fixture.cri()
                .reopenContainerLog(ReopenContainerLogRequest.newBuilder()
                        .setContainerId(id)
                        .build());
        fixture.shell(id, "touch /enough");
        fixture.awaitExit(id);

        List<String> lines = new ArrayList<>();
        for (Path file : List.of(rotated, log)) {
            for (String line : Files.readAllLines(file)) {
                lines.add(line.split(" ", 4)[3]);
            }
        }
        assertThat(lines)
                .hasSizeGreaterThan(20000)
                .isEqualTo(IntStream.range(0, lines.size())
                        .mapToObj(String::valueOf)
                        .toList());
    }

    @Test
    void statisticsCountWhatRuns() {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id =
                fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sh", "-c", "while :; do :; done"));

        fixture.shell(id, "head -c 100000 /dev/zero > /file");
        var stats = fixture.cri()
                .containerStats(
                        ContainerStatsRequest.newBuilder().setContainerId(id).build())
                .getStats();
        var podStats = fixture.cri()
                .podSandboxStats(PodSandboxStatsRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .build())
                .getStats();

        assertThat(stats.getCpu().getUsageCoreNanoSeconds().getValue()).isPositive();
        assertThat(stats.getWritableLayer().getUsedBytes().getValue()).isGreaterThanOrEqualTo(100000);
        assertThat(podStats.getLinux().getProcess().getProcessCount().getValue())
                .isGreaterThanOrEqualTo(2);
        assertThat(podStats.getLinux().getNetwork().getDefaultInterface().getName())
                .isEqualTo("eth0");
        assertThat(podStats.getLinux().getContainersList()).hasSize(1);
    }

    @Test
    void theProgramsOfAContainerCanBeRead() throws Exception {
        PodSandboxConfig pod = fixture.pod("web");

        String text = fixture.runtime().explain(pod, RuntimeFixture.container(pod, "app", "sleep", "1"));

        assertThat(text)
                .contains("sethostname(\"web\"", "pivot_root(\".\", \".\")", "# mount proc on /proc", "execve(");
        assertThat(fixture.config().run().resolve("sandboxes")).isEmptyDirectory();
    }
}
