package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Linux;
import dev.gantry.testing.FakeCgroups;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a machine that has every controller, which the machine at hand need not be. */
class CgroupTreeTest {
    @TempDir
    Path top;

    private FakeCgroups linux;

    @BeforeEach
    void allControllers() {
        linux = new FakeCgroups(Linux.system(), top, "cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma");
    }

    @Test
    void everyControllerReachesTheContainers() throws CgroupException {
        CgroupTree tree = topOfTheMount();
        assertThat(tree.availableControllers()).containsExactlyInAnyOrder(Controller.values());
        assertThat(tree.missing()).isEmpty();
        PodCgroup pod = tree.pod(QosClass.BURSTABLE, "u");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        assertThat(pod.container("c").controllers()).containsExactlyInAnyOrder(Controller.values());
        // what is below a container holds processes of it, so it hands nothing down
        assertThat(pod.container("c").enabledControllers()).isEmpty();
    }

    @Test
    void theyAlsoReachContainersInAPodsCgroupThatAKubeletMade() throws CgroupException {
        CgroupTree tree = topOfTheMount();
        PodCgroup pod = tree.pod(QosClass.BURSTABLE, "u");
        tree.prepared("kubepods/burstable");
        pod.cgroup().create();
        pod.create(CgroupResources.NONE);
        assertThat(pod.createContainer(
                        "c", CgroupResources.builder().memoryLimitBytes(1 << 20).build()))
                .isEmpty();
        assertThat(pod.container("c").controllers()).containsExactlyInAnyOrder(Controller.values());
    }

    @Test
    void whatSystemdTookFromTheSlicesAboveIsHandedDownAgain() throws CgroupException {
        CgroupTree tree = topOfTheMount();
        PodCgroup pod = tree.pod(QosClass.BURSTABLE, "u");
        tree.prepared("kubepods/burstable");
        pod.cgroup().create();
        for (Cgroup level : List.of(tree.qos(QosClass.BURSTABLE), tree.pods(), tree.root())) {
            level.write("cgroup.subtree_control", "-cpuset");
        }
        assertThat(pod.cgroup().controllers()).doesNotContain(Controller.CPUSET);

        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        assertThat(pod.container("c").controllers()).containsExactlyInAnyOrder(Controller.values());
    }

    @Test
    void limitsAreWrittenOnEachLevel() throws CgroupException {
        CgroupTree tree = topOfTheMount();
        assertThat(tree.setQosShares(QosClass.BURSTABLE, 1024)).isEmpty();
        PodCgroup pod = tree.pod("/kubepods/burstable/podu");
        assertThat(pod.create(
                        CgroupResources.builder().cpuShares(512).pidsLimit(50).build()))
                .isEmpty();
        CgroupResources resources = CgroupResources.builder()
                .cpuQuota(20_000, 0)
                .memoryLimitBytes(1 << 20)
                .unified(Map.of("memory.oom.group", "1"))
                .blockIoWeight(500)
                .build();
        assertThat(pod.createContainer("c", resources)).isEmpty();
        Path directory = top.resolve("kubepods/burstable/podu");
        assertThat(linux.read(top.resolve("kubepods/burstable/cpu.weight"))).isEqualTo("39");
        assertThat(linux.read(directory.resolve("cpu.weight"))).isEqualTo("59");
        assertThat(linux.read(directory.resolve("pids.max"))).isEqualTo("50");
        assertThat(linux.read(directory.resolve("c/cpu.max"))).isEqualTo("20000 100000");
        assertThat(linux.read(directory.resolve("c/memory.max"))).isEqualTo("1048576");
        assertThat(linux.read(directory.resolve("c/memory.swap.max"))).isEqualTo("0");
        assertThat(linux.read(directory.resolve("c/memory.oom.group"))).isEqualTo("1");
        assertThat(linux.read(directory.resolve("c/io.weight"))).isEqualTo("4950");
    }

    @Test
    void oneControllerThatIsRefusedDoesNotTakeTheOthersAlong() throws CgroupException {
        linux.refuse("cpu");
        CgroupTree tree = topOfTheMount();
        assertThat(tree.availableControllers())
                .containsExactlyInAnyOrder(
                        Controller.MEMORY, Controller.PIDS, Controller.IO, Controller.HUGETLB, Controller.CPUSET);
        assertThat(tree.missing()).singleElement().satisfies(missing -> {
            assertThat(missing.what()).isEqualTo("cgroup controller cpu");
            assertThat(missing.reason()).contains("write \"+cpu\" to " + top + "/cgroup.subtree_control: EINVAL");
            assertThat(missing.remedy()).isEqualTo("echo +cpu > %s/cgroup.subtree_control", top);
        });
    }

    @Test
    void aLimitThatCannotBeSaysWhichParentDoesNotHandTheControllerDown() throws CgroupException {
        linux.refuse("cpu");
        PodCgroup pod = topOfTheMount().pod(QosClass.GUARANTEED, "u");
        CgroupResources resources = CgroupResources.builder()
                .cpuShares(512)
                .cpuQuota(1000, 0)
                .pidsLimit(5)
                .build();
        assertThat(pod.create(resources))
                .singleElement()
                .satisfies(missing -> assertThat(missing.what()).isEqualTo("cgroup controller cpu"));
        // also where nothing was found out before
        assertThat(new Cgroup(linux, pod.cgroup().path()).apply(resources))
                .containsExactly(new Missing(
                        "cgroup controller cpu",
                        "it is not in %s/cgroup.subtree_control".formatted(top),
                        "echo +cpu > %s/cgroup.subtree_control".formatted(top)));
        assertThat(linux.read(top.resolve("kubepods/podu/pids.max"))).isEqualTo("5");
    }

    @Test
    void aLimitThatChangesNothingIsNotMissed() throws CgroupException {
        linux.refuse("hugetlb");
        CgroupTree tree = topOfTheMount();
        PodCgroup pod = tree.pod(QosClass.GUARANTEED, "u");
        CgroupResources nothing = CgroupResources.builder()
                .hugepageLimits(Map.of("2MB", 0L, "1GB", 0L))
                .build();
        assertThat(pod.create(nothing)).isEmpty();
        assertThat(new Cgroup(linux, pod.cgroup().path()).apply(nothing)).isEmpty();
        assertThat(pod.create(CgroupResources.builder()
                        .hugepageLimits(Map.of("2MB", 2L << 20))
                        .build()))
                .hasSize(1);
    }

    @Test
    void aDelegatedUnitIsEmptiedIntoALeafFirst() throws Exception {
        Cgroup slice = new Cgroup(linux, top.resolve("system.slice").toString());
        slice.create();
        new Cgroup(linux, top.toString()).enable(Set.of(Controller.MEMORY, Controller.PIDS));
        slice.enable(Set.of(Controller.MEMORY, Controller.PIDS));
        Path unit = top.resolve("system.slice/gantry.service");
        Cgroup service = new Cgroup(linux, unit.toString());
        service.create();
        service.addProcess(100);
        service.addProcess(101);
        CgroupTree tree = CgroupTree.at(
                linux,
                CgroupSettings.DEFAULT,
                new Placement(top.toString(), unit.toString(), Placement.Origin.DELEGATED, Placement.AGENT));
        assertThat(linux.processesOf(unit)).isEmpty();
        assertThat(linux.processesOf(unit.resolve("agent"))).containsExactly("100", "101");
        assertThat(tree.availableControllers()).containsExactlyInAnyOrder(Controller.MEMORY, Controller.PIDS);
        assertThat(tree.missing())
                .hasSize(4)
                .anySatisfy(missing ->
                        assertThat(missing.reason()).isEqualTo("it is not in %s/cgroup.subtree_control", top));
        assertThat(tree.pods().path()).isEqualTo(unit + "/kubepods");
    }

    @Test
    void aSecondStartFindsEverythingAsItIs() throws CgroupException {
        topOfTheMount().pod(QosClass.GUARANTEED, "u").create(CgroupResources.NONE);
        CgroupTree again = topOfTheMount();
        assertThat(again.missing()).isEmpty();
        assertThat(again.pod(QosClass.GUARANTEED, "u").cgroup().exists()).isTrue();
    }

    @Test
    void agentsSideBySideHaveTreesOfTheirOwn() throws CgroupException {
        CgroupTree one = CgroupTree.at(linux, CgroupSettings.DEFAULT.withSubtree("one"), atTop());
        CgroupTree two = CgroupTree.at(
                linux, CgroupSettings.DEFAULT.withSubtree("two").withNaming(CgroupNaming.SYSTEMD), atTop());
        assertThat(one.pods().path()).isEqualTo(top + "/one/kubepods");
        assertThat(two.pods().path()).isEqualTo(top + "/two/kubepods.slice");
        assertThat(two.pod("kubepods-podu.slice").container("c").path())
                .isEqualTo(top + "/two/kubepods.slice/kubepods-podu.slice/gantry-c.scope");
    }

    @Test
    void killAndRemove() throws CgroupException {
        PodCgroup pod = topOfTheMount().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        pod.container("c").addProcess(7);
        assertThat(pod.cgroup().isPopulated()).isTrue();
        assertThat(pod.cgroup().tryRemove()).isFalse();
        pod.remove(Duration.ofSeconds(1));
        assertThat(pod.cgroup().exists()).isFalse();
        pod.remove(Duration.ofSeconds(1));
        assertThat(Files.exists(top.resolve("kubepods"))).isTrue();
    }

    @Test
    void aProcessCannotLiveBesideCgroupsWithControllers() throws CgroupException {
        PodCgroup pod = topOfTheMount().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.NONE);
        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> pod.cgroup().addProcess(7))
                .withMessageContaining("only its children may hold")
                .extracting(CgroupException::errno)
                .isEqualTo(Errno.EBUSY);
    }

    @Test
    void statisticsOfAllControllers() throws CgroupException {
        PodCgroup pod = topOfTheMount().pod(QosClass.GUARANTEED, "u");
        pod.create(CgroupResources.builder().memoryLimitBytes(1000).build());
        CgroupStats stats = pod.cgroup().stats();
        assertThat(stats.memory().orElseThrow().limitBytes()).hasValue(1000);
        assertThat(stats.pids().orElseThrow().limit()).isEmpty();
        assertThat(stats.io()).isPresent();
        assertThat(stats.ioPressure()).isEmpty();
    }

    private CgroupTree topOfTheMount() throws CgroupException {
        return CgroupTree.at(linux, CgroupSettings.DEFAULT, atTop());
    }

    private Placement atTop() {
        return new Placement(top.toString(), top.toString(), Placement.Origin.TOP, Placement.AGENT);
    }
}
