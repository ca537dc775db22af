package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cgroups.CgroupException;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cgroups.SliceManager;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.linux.Linux;
import dev.gantry.testing.FakeCgroups;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostCgroupsTest {
    private static final String POD = "/kubepods/burstable/pod1";
    private static final LinuxContainerResources LIMITS = LinuxContainerResources.newBuilder()
            .setCpuShares(512)
            .setMemoryLimitInBytes(1 << 20)
            .setMemorySwapLimitInBytes(-1)
            .putUnified("pids.max", "50")
            .build();

    @TempDir
    Path top;

    private final List<String> slices = new ArrayList<>();

    private FakeCgroups linux() {
        return new FakeCgroups(Linux.system(), top, "cpu", "memory", "pids");
    }

    private HostCgroups cgroups(FakeCgroups linux, CgroupNaming naming) throws CgroupException {
        SliceManager recorded = new SliceManager() {
            @Override
            public void apply(String path, CgroupResources resources) {
                slices.add("apply " + path);
            }

            @Override
            public void remove(String path) {
                slices.add("remove " + path);
            }
        };
        return new HostCgroups(CgroupTree.ofHost(linux, top, naming), recorded, new EmptyCgroups(top), Runnable::run);
    }

    /** An ordinary directory is only removed if it has no files; of a cgroup's they do not count. */
    private void emptied(String cgroup) throws Exception {
        try (var files = Files.newDirectoryStream(top.resolve(cgroup.substring(1)), Files::isRegularFile)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }

    @Test
    void aPodHasItsCgroupWithLimitsAndTheControllersForItsContainers() throws Exception {
        FakeCgroups linux = linux();

        cgroups(linux, CgroupNaming.CGROUPFS).apply(POD, LIMITS).join();

        Path pod = top.resolve(POD.substring(1));
        assertThat(linux.read(pod.resolve("memory.max"))).isEqualTo("1048576");
        assertThat(linux.read(pod.resolve("memory.swap.max"))).isEqualTo("max");
        assertThat(linux.read(pod.resolve("pids.max"))).isEqualTo("50");
        assertThat(linux.read(pod.resolve("cgroup.subtree_control")).split(" "))
                .containsExactlyInAnyOrder("cpu", "memory", "pids");
        assertThat(slices).containsExactly("apply kubepods/burstable/pod1");
    }

    @Test
    void otherLimitsAreWrittenToTheSame() throws Exception {
        FakeCgroups linux = linux();
        HostCgroups cgroups = cgroups(linux, CgroupNaming.CGROUPFS);

        cgroups.apply(POD, LIMITS).join();
        cgroups.apply(POD, LIMITS.toBuilder().setMemoryLimitInBytes(2 << 20).build())
                .join();

        assertThat(linux.read(top.resolve(POD.substring(1)).resolve("memory.max")))
                .isEqualTo("2097152");
    }

    @Test
    void slicesAreToldBySystemdsNames() throws Exception {
        String parent = "/" + CgroupNaming.SYSTEMD.pod(dev.gantry.cgroups.QosClass.BURSTABLE, "a-1");
        HostCgroups cgroups = cgroups(linux(), CgroupNaming.SYSTEMD);

        cgroups.apply(parent, LIMITS).join();
        emptied(parent);
        cgroups.remove(parent);

        String slice = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_1.slice";
        assertThat(slices).containsExactly("apply " + slice, "remove " + slice);
        assertThat(top.resolve(slice)).doesNotExist();
    }

    @Test
    void aPodsSliceIsNotEndedWhileSomethingIsInIt() throws Exception {
        HostCgroups cgroups = cgroups(linux(), CgroupNaming.CGROUPFS);
        cgroups.apply(POD, LIMITS).join();
        Files.createDirectory(top.resolve(POD.substring(1)).resolve("container"));
        slices.clear();

        cgroups.remove(POD);

        assertThat(slices).isEmpty();
        assertThat(top.resolve(POD.substring(1))).exists();
    }

    @Test
    void cgroupsOfFormerPodsAreSweptAndNothingElse() throws Exception {
        HostCgroups cgroups = cgroups(linux(), CgroupNaming.CGROUPFS);
        for (String pod : List.of("/kubepods/pod1", "/kubepods/burstable/pod2", "/kubepods/besteffort/pod3", POD)) {
            cgroups.apply(pod, LIMITS).join();
            emptied(pod);
        }
        Path foreign = Files.createDirectory(top.resolve("kubepods/burstable/other"));

        cgroups.sweep(Set.of(POD));

        assertThat(top.resolve("kubepods/pod1")).doesNotExist();
        assertThat(top.resolve("kubepods/burstable/pod2")).doesNotExist();
        assertThat(top.resolve("kubepods/besteffort/pod3")).doesNotExist();
        assertThat(top.resolve(POD.substring(1))).exists();
        assertThat(foreign).exists();
        assertThat(top.resolve("kubepods/besteffort")).exists();
    }

    @Test
    void whatTheKernelRefusesIsTold() throws Exception {
        HostCgroups cgroups = cgroups(linux(), CgroupNaming.CGROUPFS);

        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(() -> cgroups.apply(
                                POD,
                                LIMITS.toBuilder()
                                        .putUnified("memory.none", "1")
                                        .build())
                        .join())
                .withCauseInstanceOf(CgroupException.class)
                .withMessageContaining("memory.none");
    }
}
