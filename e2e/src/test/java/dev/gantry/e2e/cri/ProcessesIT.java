package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.ReopenContainerLogRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** Commands in containers, logs and volumes. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
class ProcessesIT {
    private static final String TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{1,9}(Z|[+-][0-9:]{5})";

    private final CriServer cri;
    private final CriPod pod;

    ProcessesIT(CriServer cri) {
        this.cri = cri;
        this.pod = CriPod.run(cri);
    }

    @AfterEach
    void removePod() {
        pod.close();
    }

    // ---- exec

    @Test
    void bothOutputsAndTheExitCodeOfACommandComeBack() {
        ExecSyncResponse response = pod.exec(pod.sleeper("main"), "sh", "-c", "echo out; echo err >&2; exit 5");

        assertThat(response.getStdout().toStringUtf8()).isEqualTo("out\n");
        assertThat(response.getStderr().toStringUtf8()).isEqualTo("err\n");
        assertThat(response.getExitCode()).isEqualTo(5);
    }

    @Test
    void aCommandThatTakesTooLongIsKilledWithItsChildren() {
        String id = pod.sleeper("main");
        ExecSyncRequest request = ExecSyncRequest.newBuilder()
                .setContainerId(id)
                .addAllCmd(List.of("sh", "-c", "sleep 4321"))
                .setTimeout(1)
                .build();

        if (cri.has(Feature.EXEC_FAILURES)) {
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> cri.runtime().execSync(request))
                    .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
        } else {
            ExecSyncResponse response = cri.runtime().execSync(request);
            assertThat(response.getStderr().toStringUtf8()).isEqualTo("command timed out");
            assertThat(response.getExitCode()).isEqualTo(-1);
        }
        assertThat(pod.shell(id, "ps | grep 'slee[p] 4321'")).isEmpty();
    }

    @Test
    void muchOutputComesWhole() {
        ExecSyncResponse response = pod.exec(pod.sleeper("main"), "sh", "-c", "head -c 3000000 /dev/zero");

        assertThat(response.getStdout().size()).isEqualTo(3_000_000);
    }

    @Test
    void outputBeyond16MebibytesIsDroppedAndTheCommandGoesOn() {
        cri.requires(Feature.EXEC_LIMIT);
        ExecSyncResponse response =
                pod.exec(pod.sleeper("main"), "sh", "-c", "head -c 20000000 /dev/zero; echo done >&2");

        // As much as a client takes in one message, gRPC's part of it left aside.
        assertThat(response.getStdout().size()).isBetween((16 << 20) - 4096, 16 << 20);
        assertThat(response.getStderr().toStringUtf8()).isEqualTo("done\n");
    }

    @Test
    void aCommandNeedsARunningContainer() throws Exception {
        cri.requires(Feature.EXEC_FAILURES);
        String created = pod.create(pod.container("created", "true"));
        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> pod.exec(created, "true"));
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.exec("no-such-container", "true"))
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND));
    }

    @Test
    void aCommandThatIsNotThereIsAnErrorWithItsName() {
        String id = pod.sleeper("main");

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.exec(id, "/no/such/program"))
                .withMessageContaining("/no/such/program");
    }

    // ---- logs

    @Test
    void aLogHasALineForEachLineWithItsTimeAndStream() throws Exception {
        pod.awaitExit(pod.started(pod.container("main", "sh", "-c", "echo out; sleep 0.1; echo err >&2")));

        List<String> lines = Files.readAllLines(pod.logPath("main.log"));
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0)).matches(TIME + " stdout F out");
        assertThat(lines.get(1)).matches(TIME + " stderr F err");
    }

    @Test
    void aLineWithoutAnEndIsPartial() throws Exception {
        pod.awaitExit(pod.started(pod.container("main", "sh", "-c", "printf 'no newline'")));

        assertThat(Files.readAllLines(pod.logPath("main.log")))
                .singleElement()
                .asString()
                .matches(TIME + " stdout [PF] no newline");
    }

    @Test
    void aLogGoesOnInANewFileAfterARotation() throws Exception {
        String id = pod.started(pod.container("main", "sh", "-c", "while :; do echo tick; sleep 0.05; done"));
        pod.awaitLog("main.log", "tick");
        Path rotated = pod.logPath("main.log.1");
        Files.move(pod.logPath("main.log"), rotated);

        var unused = cri.runtime()
                .reopenContainerLog(ReopenContainerLogRequest.newBuilder()
                        .setContainerId(id)
                        .build());

        pod.awaitLog("main.log", "tick");
        assertThat(rotated).content().contains("tick");
    }

    @Test
    void aLogOfWhatDoesNotRunIsNotReopened() throws Exception {
        String id = pod.started(pod.container("main", "true"));
        pod.awaitExit(id);
        Files.delete(pod.logPath("main.log"));

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> cri.runtime()
                        .reopenContainerLog(ReopenContainerLogRequest.newBuilder()
                                .setContainerId(id)
                                .build()));
        assertThat(pod.logPath("main.log")).doesNotExist();
    }

    // ---- volumes

    @Test
    void aHostDirectoryIsSeenInTheContainerAndShownInItsStatus() throws Exception {
        Path directory = hostDirectory();
        Mount mount = mount(directory).build();
        String id = pod.sleeper(config -> config.addMounts(mount));

        assertThat(pod.shell(id, "cat /mnt/file; echo from inside > /mnt/other"))
                .isEqualTo("from outside");
        assertThat(directory.resolve("other")).hasContent("from inside");
        assertThat(pod.status(id).getMountsList())
                .anySatisfy(shown -> assertThat(shown.getContainerPath()).isEqualTo("/mnt"));
    }

    @Test
    void aSymbolicLinkOnTheHostIsFollowed() throws Exception {
        Path link = Files.createSymbolicLink(
                cri.directory().resolve(UUID.randomUUID().toString()), hostDirectory());

        assertThat(pod.shell(pod.sleeper(config -> config.addMounts(mount(link))), "cat /mnt/file"))
                .isEqualTo("from outside");
    }

    @Test
    void aReadOnlyMountIsReadOnly() throws Exception {
        Path directory = hostDirectory();
        String id = pod.sleeper(config -> config.addMounts(mount(directory).setReadonly(true)));

        assertThat(pod.shell(id, "cat /mnt/file; touch /mnt/other")).contains("from outside", "Read-only file system");
    }

    @Test
    void recursiveReadOnlyNeedsReadOnlyAndPrivatePropagation() throws Exception {
        cri.requires(Feature.RECURSIVE_READ_ONLY);
        Path directory = hostDirectory();
        String id = pod.sleeper(
                config -> config.addMounts(mount(directory).setReadonly(true).setRecursiveReadOnly(true)));
        assertThat(pod.shell(id, "touch /mnt/other")).contains("Read-only file system");

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.create(pod.container("writable", "true")
                        .addMounts(mount(directory).setRecursiveReadOnly(true))));
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.create(pod.container("shared", "true")
                        .addMounts(mount(directory)
                                .setReadonly(true)
                                .setRecursiveReadOnly(true)
                                .setPropagation(dev.gantry.cri.v1.MountPropagation.PROPAGATION_HOST_TO_CONTAINER))));
    }

    private static Mount.Builder mount(Path directory) {
        return Mount.newBuilder().setHostPath(directory.toString()).setContainerPath("/mnt");
    }

    private Path hostDirectory() throws IOException {
        Path directory =
                Files.createDirectory(cri.directory().resolve(UUID.randomUUID().toString()));
        Files.writeString(directory.resolve("file"), "from outside\n");
        return directory;
    }
}
