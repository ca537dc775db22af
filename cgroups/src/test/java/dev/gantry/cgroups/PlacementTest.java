package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.MountInfo;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlacementTest {
    private static final List<MountInfo> UNIFIED =
            MountInfo.parse("30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
    private static final List<MountInfo> HYBRID = MountInfo.parse("""
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """);

    @Test
    void aDelegatedUnitIsTheRoot() throws CgroupException {
        Placement placement = Placement.find(
                UNIFIED,
                "0::/system.slice/gantry.service\n",
                Optional.empty(),
                "/sys/fs/cgroup/system.slice/gantry.service"::equals);
        assertThat(placement)
                .isEqualTo(new Placement(
                        "/sys/fs/cgroup",
                        "/sys/fs/cgroup/system.slice/gantry.service",
                        Placement.Origin.DELEGATED,
                        Placement.AGENT));
    }

    @Test
    void aUnitForPodsBesideTheAgentsGoesFirst() throws CgroupException {
        Placement placement =
                Placement.find(UNIFIED, "0::/system.slice/gantry.service\n", Optional.empty(), directory -> true);
        assertThat(placement)
                .isEqualTo(new Placement(
                        "/sys/fs/cgroup",
                        "/sys/fs/cgroup/system.slice/gantry-pods.service",
                        Placement.Origin.DELEGATED,
                        Placement.HOLDER));
    }

    @Test
    void anAgentThatIsInItsLeafAlreadyKnowsItsUnit() throws CgroupException {
        Placement placement = Placement.find(
                UNIFIED,
                "0::/system.slice/gantry.service/agent\n",
                Optional.empty(),
                "/sys/fs/cgroup/system.slice/gantry.service"::equals);
        assertThat(placement.root()).isEqualTo("/sys/fs/cgroup/system.slice/gantry.service");
    }

    @Test
    void withoutDelegationItIsTheTopOfTheMount() throws CgroupException {
        Placement placement = Placement.find(
                UNIFIED, "0::/user.slice/user-0.slice/session-1.scope\n", Optional.empty(), directory -> false);
        assertThat(placement)
                .isEqualTo(new Placement("/sys/fs/cgroup", "/sys/fs/cgroup", Placement.Origin.TOP, Placement.NONE));
    }

    @Test
    void onAHybridHostItIsWhereverVersionTwoIsMounted() throws CgroupException {
        Placement placement =
                Placement.find(HYBRID, "9:name=systemd:/\n4:memory:/x\n0::/\n", Optional.empty(), directory -> false);
        assertThat(placement.root()).isEqualTo("/sys/fs/cgroup/unified");
        assertThat(placement.leaf()).isEqualTo(Placement.AGENT);
    }

    @Test
    void aConfiguredRootIsAPathInTheTreeOrInTheFileSystem() throws CgroupException {
        for (String root : List.of("/nodes/one", "/sys/fs/cgroup/unified/nodes/one", "//nodes/one/")) {
            assertThat(Placement.find(HYBRID, "0::/\n", Optional.of(root), directory -> true))
                    .isEqualTo(new Placement(
                            "/sys/fs/cgroup/unified",
                            "/sys/fs/cgroup/unified/nodes/one",
                            Placement.Origin.CONFIGURED,
                            Placement.NONE));
        }
        assertThat(Placement.find(HYBRID, "0::/\n", Optional.of("/"), directory -> true)
                        .root())
                .isEqualTo("/sys/fs/cgroup/unified");
    }

    @Test
    void aRootThatIsNoPathIsRefusedByName() {
        for (String root : List.of("nodes", "/a/../b", "/..")) {
            assertThatExceptionOfType(CgroupException.class)
                    .isThrownBy(() -> Placement.find(UNIFIED, "0::/\n", Optional.of(root), directory -> false))
                    .withMessageContaining("cgroup root \"" + root + "\"");
        }
    }

    @Test
    void withoutAMountItSaysHowToMount() {
        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> Placement.find(List.of(), "", Optional.empty(), directory -> false))
                .withMessageContaining("mount -t cgroup2");
    }

    @Test
    void aWritableMountGoesBeforeAReadOnlyOneAndAPartOfTheTreeIsResolved() throws CgroupException {
        List<MountInfo> mounts = MountInfo.parse("""
                30 23 0:26 / /cg ro - cgroup2 cgroup2 rw
                31 23 0:26 /part /mnt/cgroup rw - cgroup2 cgroup2 rw
                """);
        Placement placement = Placement.find(mounts, "0::/part/me\n", Optional.empty(), "/mnt/cgroup/me"::equals);
        assertThat(placement.root()).isEqualTo("/mnt/cgroup/me");
    }

    @Test
    void aConfiguredRootOfVersionOneIsRefused() {
        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> Placement.find(
                        HYBRID, "0::/\n", Optional.of("/sys/fs/cgroup/memory/gantry"), directory -> true))
                .withMessage(
                        "cgroup root /sys/fs/cgroup/memory/gantry is not below the cgroup2 file system at"
                                + " /sys/fs/cgroup/unified; name a directory there, or as the kernel names it, e.g. /gantry.slice");
    }
}
