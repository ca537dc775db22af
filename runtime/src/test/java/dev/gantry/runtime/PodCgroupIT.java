package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.ListPodSandboxMetricsRequest;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetrics;
import dev.gantry.cri.v1.UpdateContainerResourcesRequest;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesRequest;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose the limits of a pod as a whole are. The limit here is one that needs no controller. */
@RequiresRoot
class PodCgroupIT {
    private static final String LIMIT = "cgroup.max.descendants";

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

    private static LinuxContainerResources limit(String value) {
        return LinuxContainerResources.newBuilder().putUnified(LIMIT, value).build();
    }

    private PodSandboxConfig pod(int attempt) {
        return fixture.pod("limited", pod -> {
            pod.getMetadataBuilder().setUid("limited").setAttempt(attempt);
            pod.getLinuxBuilder()
                    .setCgroupParent("/kubepods/besteffort/podlimited")
                    .setResources(limit("100"));
            return pod;
        });
    }

    private Cgroup cgroup() {
        return fixture.runtime().cgroups().root().child("kubepods/besteffort/podlimited");
    }

    private String inForce() throws IOException {
        return Files.readString(Path.of(cgroup().path(), LIMIT)).strip();
    }

    private void update(String sandbox, String value) {
        var unused = fixture.cri()
                .updatePodSandboxResources(UpdatePodSandboxResourcesRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .setResources(limit(value))
                        .build());
    }

    @Test
    void aCgroupThatTheRuntimeMadeHasTheLimitsOfTheSandbox() throws IOException {
        String first = fixture.run(pod(0));
        assertThat(inForce()).isEqualTo("100");
        update(first, "200");
        assertThat(inForce()).isEqualTo("200");

        // The same pod's next sandbox, before the last one is removed.
        String second = fixture.run(pod(1));
        assertThat(inForce()).isEqualTo("100");
        fixture.removePod(first);
        fixture.reopen();
        update(second, "300");
        assertThat(inForce()).isEqualTo("300");

        fixture.removePod(second);
        assertThat(cgroup().exists()).isFalse();
    }

    @Test
    void anUpdateOfAContainerIsMadeWholeOrNotAtAll() throws IOException {
        PodSandboxConfig pod = pod(0);
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));
        Path depth = Path.of(cgroup().child(id).path(), "cgroup.max.depth");

        assertThatThrownBy(() -> fixture.cri()
                        .updateContainerResources(UpdateContainerResourcesRequest.newBuilder()
                                .setContainerId(id)
                                .setLinux(limit("nonsense").toBuilder().putUnified("cgroup.max.depth", "7"))
                                .build()))
                .hasMessageContaining("write \"nonsense\"");

        assertThat(depth).hasContent("max");
        assertThat(fixture.status(id).getResources().getLinux().getUnifiedMap()).isEmpty();
    }

    @Test
    void aCgroupThatAKubeletMadeKeepsItsLimits() throws IOException {
        Files.createDirectories(Path.of(cgroup().path()));
        Files.writeString(Path.of(cgroup().path(), LIMIT), "50");

        String sandbox = fixture.run(pod(0));
        assertThat(inForce()).isEqualTo("50");
        fixture.reopen();
        update(sandbox, "200");
        assertThat(inForce()).isEqualTo("50");

        fixture.removePod(sandbox);
        assertThat(cgroup().exists()).isTrue();
        assertThat(cgroup().children()).isEmpty();
    }

    @Test
    void inSlicesAKeeperHoldsTheControllersOfContainersWhileTheSandboxIsThere() throws Exception {
        try (RuntimeFixture systemd =
                new RuntimeFixture(directory.resolve("systemd"), NativeRuntimeConfig::withSystemdCgroupNames)) {
            PodSandboxConfig config = systemd.pod("kept", pod -> {
                pod.getLinuxBuilder().setCgroupParent("kubepods-besteffort-podkept.slice");
                return pod;
            });
            Cgroup slice = systemd.runtime()
                    .cgroups()
                    .root()
                    .child("kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podkept.slice");
            String sandbox = systemd.run(config);
            String lost = "f".repeat(64);
            slice.child("gantry-" + lost + ".mount").create();
            assertThat(names(slice))
                    .containsExactlyInAnyOrder(
                            "gantry-" + sandbox + ".scope",
                            "gantry-" + sandbox + ".mount",
                            "gantry-" + lost + ".mount");
            assertThat(slice.child("gantry-" + sandbox + ".mount").enabledControllers())
                    .isEqualTo(systemd.runtime().cgroups().availableControllers());

            systemd.reopen();
            assertThat(names(slice))
                    .containsExactlyInAnyOrder("gantry-" + sandbox + ".scope", "gantry-" + sandbox + ".mount");
            systemd.removePod(sandbox);
            assertThat(slice.exists()).isFalse();
        }
    }

    /** A kubelet puts these beside cAdvisor's own, and gives an image's id as its name. */
    @Test
    void metricsNameCgroupAndImageAsCadvisorDoes() throws IOException {
        PodSandboxConfig pod = pod(0);
        String sandbox = fixture.run(pod);
        fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(pod, "app", List.of("sleep", "1000"))
                        .setImage(ImageSpec.newBuilder()
                                .setImage(RuntimeFixture.IMAGE)
                                .setUserSpecifiedImage("app:1"))
                        .build());

        PodSandboxMetrics metrics = fixture.cri()
                .listPodSandboxMetrics(ListPodSandboxMetricsRequest.getDefaultInstance())
                .getPodMetrics(0);

        List<String> labels = metrics.getContainerMetrics(0).getMetrics(0).getLabelValuesList();
        assertThat(labels.get(0)).isEqualTo("app");
        assertThat(fixture.runtime().cgroups().mountPoint() + labels.get(1))
                .isEqualTo(cgroup().child(labels.get(3)).path());
        assertThat(labels.get(2)).isEqualTo("app:1");
    }

    private static List<String> names(Cgroup cgroup) throws IOException {
        return cgroup.children().stream().map(Cgroup::name).toList();
    }
}
