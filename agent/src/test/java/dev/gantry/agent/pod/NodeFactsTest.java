package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cgroups.CgroupNaming;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeFactsTest {
    private static Pod pod(String resources) {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  containers:
                  - {name: main, image: busybox, resources: %s}
                """.formatted(resources));
        pod.getMetadata().setUid("12-ab");
        return pod;
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "CGROUPFS | {} | /kubepods/besteffort/pod12-ab",
                "CGROUPFS | {requests: {cpu: 1}} | /kubepods/burstable/pod12-ab",
                "CGROUPFS | {limits: {cpu: 1, memory: 1Gi}} | /kubepods/pod12-ab",
                "SYSTEMD | {} | /kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_ab.slice",
                "SYSTEMD | {limits: {cpu: 1, memory: 1Gi}} | /kubepods.slice/kubepods-pod12_ab.slice",
            })
    void aPodsCgroupIsCalledAsTheRuntimeWantsIt(CgroupNaming naming, String resources, String parent) {
        NodeFacts node = new NodeFacts("node-1", List.of(), 1L << 30, 1).withCgroups(naming);

        assertThat(node.cgroupParent(pod(resources))).isEqualTo(parent);
    }
}
