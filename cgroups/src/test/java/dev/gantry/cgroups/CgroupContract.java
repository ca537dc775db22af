package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Errno;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the real cgroup2 file system and the fake one of the unit tests both do. */
abstract class CgroupContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** A tree of its own for each test. */
    abstract CgroupTree tree();

    /** A pid that can be moved and killed. */
    abstract int process() throws IOException;

    @Test
    void aNewCgroupIsEmptyAndHasWhatItsParentHandsDown() throws IOException {
        PodCgroup pod = tree().pod(QosClass.BURSTABLE, "u");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        assertThat(pod.container("c").controllers()).isEqualTo(tree().availableControllers());
        assertThat(pod.container("c").isPopulated()).isFalse();
        assertThat(pod.container("c").processes()).isEmpty();
        assertThat(pod.cgroup().children()).hasSize(1);
    }

    @Test
    void aKeeperKeepsTheControllersOfContainers() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        pod.createKeeper("s");
        pod.createContainer("c", CgroupResources.NONE);
        for (Controller controller : tree().availableControllers()) {
            assertThatExceptionOfType(CgroupException.class)
                    .isThrownBy(() -> takeFrom(pod, controller))
                    .extracting(CgroupException::errno)
                    .isEqualTo(Errno.EBUSY);
        }
        assertThat(pod.container("c").controllers()).isEqualTo(tree().availableControllers());

        assertThat(pod.keeper("s").tryRemove()).isTrue();
        for (Controller controller : tree().availableControllers()) {
            takeFrom(pod, controller);
        }
        assertThat(pod.container("c").controllers()).isEmpty();
    }

    /** As systemd does. */
    private static void takeFrom(PodCgroup pod, Controller controller) throws CgroupException {
        pod.cgroup().write("cgroup.subtree_control", "-" + controller.kernelName());
    }

    @Test
    void creatingTwiceIsCreatingOnce() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        pod.create(CgroupResources.NONE);
        assertThat(pod.cgroup().exists()).isTrue();
    }

    @Test
    void aProcessKeepsItsCgroupFromRemovalUntilItIsKilled() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        int pid = process();
        pod.container("c").addProcess(pid);
        assertThat(pod.container("c").processes()).containsExactly(pid);
        assertThat(pod.cgroup().allProcesses()).containsExactly(pid);
        assertThat(pod.cgroup().isPopulated()).isTrue();
        assertThat(pod.cgroup().tryRemove()).isFalse();
        pod.remove(PATIENCE);
        assertThat(pod.cgroup().exists()).isFalse();
    }

    @Test
    void aParentThatHandsControllersDownHoldsNoProcess() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        if (!pod.cgroup().enabledControllers().isEmpty()) {
            int pid = process();
            assertThatExceptionOfType(CgroupException.class)
                    .isThrownBy(() -> pod.cgroup().addProcess(pid))
                    .withMessageContaining("only its children may hold")
                    .extracting(CgroupException::errno)
                    .isEqualTo(Errno.EBUSY);
        }
    }

    @Test
    void anExecLivesBesideTheFirstProcessOfItsContainer() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        Cgroup exec = pod.container("c").child("exec-1");
        exec.create();
        int first = process();
        int second = process();
        pod.container("c").addProcess(first);
        exec.addProcess(second);
        exec.kill();
        assertThat(exec.awaitEmpty(PATIENCE)).isTrue();
        assertThat(exec.tryRemove()).isTrue();
        assertThat(pod.container("c").processes()).containsExactly(first);
        pod.remove(PATIENCE);
    }

    @Test
    void limitsAreInForceOrReported() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        CgroupResources resources = CgroupResources.builder()
                .cpuShares(2048)
                .cpuQuota(50_000, 100_000)
                .memoryLimitBytes(64 << 20)
                .pidsLimit(10)
                .hugepageLimits(Map.of("2MB", 4L << 20))
                .unified(Map.of("memory.oom.group", "1"))
                .build();
        List<Missing> missing = pod.createContainer("c", resources);
        Map<Controller, Map<String, String>> expected = Map.of(
                Controller.CPU, Map.of("cpu.weight", "174", "cpu.max", "50000 100000"),
                Controller.MEMORY, Map.of("memory.max", "67108864", "memory.oom.group", "1"),
                Controller.PIDS, Map.of("pids.max", "10"),
                Controller.HUGETLB, Map.of("hugetlb.2MB.max", "4194304"));
        for (Map.Entry<Controller, Map<String, String>> files : expected.entrySet()) {
            Controller controller = files.getKey();
            if (!tree().availableControllers().contains(controller)) {
                assertThat(missing).anySatisfy(each -> assertThat(each.what()).endsWith(" " + controller.kernelName()));
                continue;
            }
            for (Map.Entry<String, String> file : files.getValue().entrySet()) {
                assertThat(pod.container("c").read(file.getKey()).strip()).isEqualTo(file.getValue());
            }
        }
    }

    @Test
    void aMissingCgroupIsNamed() {
        Cgroup nowhere = tree().root().child("nowhere");
        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> nowhere.apply(CgroupResources.builder()
                        .unified(Map.of("cgroup.max.depth", "5"))
                        .build()))
                .withMessageContaining("nowhere/cgroup.max.depth")
                .withMessageContaining("the cgroup does not exist")
                .extracting(CgroupException::errno)
                .isEqualTo(Errno.ENOENT);
        assertThatExceptionOfType(CgroupException.class).isThrownBy(nowhere::stats);
    }

    @Test
    void statisticsHaveWhatTheMachineMeasures() throws IOException {
        PodCgroup pod = tree().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        CgroupStats stats = pod.cgroup().stats();
        assertThat(stats.cpu().usageMicros()).isNotNegative();
        assertThat(stats.cpuPressure()).isPresent();
        assertThat(stats.memory().isPresent())
                .isEqualTo(tree().availableControllers().contains(Controller.MEMORY));
        assertThat(stats.pids().isPresent())
                .isEqualTo(tree().availableControllers().contains(Controller.PIDS));
    }
}
