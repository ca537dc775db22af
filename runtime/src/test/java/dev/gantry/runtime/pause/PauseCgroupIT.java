package dev.gantry.runtime.pause;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Signal;
import dev.gantry.testing.RequiresCgroupController;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes are born in their cgroups. */
@RequiresRoot
@RequiresCgroupController
class PauseCgroupIT {
    @TempDir
    Path directory;

    private final Linux linux = Linux.system();
    private Path cgroup = Path.of("/");

    @BeforeEach
    void makeCgroup() throws IOException {
        Path mount = linux.mounts().mountInfo().stream()
                .filter(m -> m.fileSystemType().equals("cgroup2"))
                .map(m -> Path.of(m.mountPoint()))
                .findFirst()
                .orElseThrow();
        cgroup = Files.createTempDirectory(mount, "pause-test-");
        for (String name : new String[] {"pause", "c1", "c1/exec-e1"}) {
            Files.createDirectory(cgroup.resolve(name));
        }
    }

    @AfterEach
    void removeCgroup() throws IOException {
        linux.files().writeSmallFile(cgroup.resolve("cgroup.kill").toString(), "1");
        for (String name : new String[] {"c1/exec-e1", "c1", "pause", ""}) {
            remove(cgroup.resolve(name));
        }
    }

    /** A cgroup is busy until the last of its processes has been reaped. */
    private static void remove(Path directory) throws IOException {
        for (int attempt = 0; ; attempt++) {
            try {
                Files.deleteIfExists(directory);
                return;
            } catch (DirectoryNotEmptyException e) {
                throw e;
            } catch (FileSystemException e) {
                if (attempt == 10_000_000) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
    }

    private Fd open(String name) throws IOException {
        return linux.files().open(cgroup.resolve(name).toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
    }

    private String cgroupOf(int pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/cgroup")).stream()
                .filter(line -> line.startsWith("0::"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void everyoneIsBornInHisCgroupAndAnExecIsEndedByItsOwn() throws Exception {
        try (TestPod pod = new TestPod(directory);
                Fd pauseCgroup = open("pause");
                Fd containerCgroup = open("c1");
                Fd execCgroup = open("c1/exec-e1");
                Fd none = linux.files().open("/dev/null", Fcntl.O_RDWR)) {
            Pause pause = pod.launch(TestPod.ALL, Optional.of(pauseCgroup));
            assertThat(cgroupOf(pause.pid())).endsWith(cgroup.getFileName() + "/pause");

            Stdio silent = new Stdio.Logged(false, Optional.empty());
            try (Fd container = PauseConnection.await(
                            pause.start(pod.container("c1", "exec sleep 1000", silent, Optional.of(containerCgroup))))
                    .pidfd()) {
                assertThat(cgroupOf(linux.processes().pidOfPidfd(container).orElseThrow()))
                        .endsWith("/c1");

                Stdio passed = new Stdio.Passed(none, none, none);
                String script = "trap '' TERM; sleep 1000 & sleep 1000";
                try (Fd exec = PauseConnection.await(
                                pause.start(pod.exec("e1", container, script, passed, Optional.of(execCgroup))))
                        .pidfd()) {
                    assertThat(cgroupOf(linux.processes().pidOfPidfd(exec).orElseThrow()))
                            .endsWith("/c1/exec-e1");
                    linux.files()
                            .writeSmallFile(
                                    cgroup.resolve("c1/exec-e1/cgroup.kill").toString(), "1");

                    assertThat(pod.awaitExit("e1").signal()).isEqualTo(Signal.SIGKILL);
                }
                assertThat(linux.processes().pidOfPidfd(container)).isPresent();
            }
        }
    }

    @Test
    void aCgroupThatTakesNoProcessIsAnErrorThatSaysSo() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd notACgroup = linux.files().open(directory.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            ProcessSpec spec =
                    pod.container("c1", "true", new Stdio.Logged(false, Optional.empty()), Optional.of(notACgroup));

            assertThatExceptionOfType(PauseException.class)
                    .isThrownBy(() -> PauseConnection.await(pod.pause().start(spec)))
                    .withMessage("start c1, clone3 into its namespaces and cgroup: EBADF (Bad file descriptor)")
                    .matches(e -> e.errno() == Errno.EBADF);
        }
    }
}
