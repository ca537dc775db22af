package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupNamingTest {
    @ParameterizedTest(name = "{0} {1}: {2}")
    @CsvSource({
        "CGROUPFS, GUARANTEED, kubepods/pod12-34",
        "CGROUPFS, BURSTABLE, kubepods/burstable/pod12-34",
        "CGROUPFS, BEST_EFFORT, kubepods/besteffort/pod12-34",
        "SYSTEMD, GUARANTEED, kubepods.slice/kubepods-pod12_34.slice",
        "SYSTEMD, BURSTABLE, kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice",
        "SYSTEMD, BEST_EFFORT, kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_34.slice",
    })
    void podsLieWhereKubernetesHasThem(CgroupNaming naming, QosClass qos, String path) {
        assertThat(naming.pod(qos, "12-34")).isEqualTo(path);
    }

    @Test
    void theRuntimesOwnDirectoriesNameWhatTheyBelongTo() {
        String id = "0123456789abcdef".repeat(4);
        for (CgroupNaming naming : CgroupNaming.values()) {
            assertThat(CgroupNaming.idOf(naming.container(id))).contains(id);
        }
        assertThat(CgroupNaming.idOf(CgroupNaming.keeper(id))).contains(id);
        for (String other : List.of("cri-containerd-" + id + ".scope", id + "0", CgroupNaming.exec("exec-1"))) {
            assertThat(CgroupNaming.idOf(other)).isEmpty();
        }
    }

    /** Of all names of cgroups these alone are no containers to cAdvisor: {@code container/systemd/factory.go}. */
    @Test
    void whatIsNoContainerIsCalledAsAMountOfSystemds() {
        assertThat(CgroupNaming.exec("exec-1")).isEqualTo("exec-1.mount");
        assertThat(CgroupNaming.keeper("s")).isEqualTo("gantry-s.mount");
    }

    @ParameterizedTest(name = "{0} means {1}")
    @CsvSource({
        "/kubepods/burstable/pod1, kubepods/burstable/pod1",
        "kubepods//pod1/, kubepods/pod1",
        "kubepods-burstable-pod1_2.slice," + " kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice",
        "/a.slice, a.slice",
        "/a.slice/b.slice, a.slice/b.slice",
    })
    void aCgroupParentIsAPathOrASlice(String parent, String path) {
        assertThat(CgroupNaming.ofCgroupParent(parent)).isEqualTo(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "..", "/kubepods/../../etc", "a/./b"})
    void aCgroupParentStaysInTheTree(String parent) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CgroupNaming.ofCgroupParent(parent))
                .withMessageContaining("cgroup parent \"" + parent + "\"");
    }
}
