package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QosTest {
    private static final long NODE_MEMORY = 8L << 30;

    @ParameterizedTest(name = "requests {0}, limits {1}: {2}, {3}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; {}; BestEffort; 1000",
                "{ephemeral-storage: 1Gi}; {}; BestEffort; 1000",
                "{cpu: 1}; {}; Burstable; 999",
                "{}; {cpu: 1, memory: 1Gi}; Guaranteed; -997",
                "{cpu: 1, memory: 1Gi}; {cpu: 1, memory: 1Gi}; Guaranteed; -997",
                "{}; {memory: 1Gi}; Burstable; 875",
                "{cpu: 1, memory: 512Mi}; {cpu: 1, memory: 1Gi}; Burstable; 938",
                "{memory: 8589935}; {}; Burstable; 999",
                "{memory: 100Gi}; {}; Burstable; 3",
            })
    void theClassDecidesWhomTheKernelKillsFirst(String requests, String limits, String qos, int adj) {
        Pod pod = Specs.pod(requests, limits);

        assertThat(Qos.of(pod.getSpec()).text()).isEqualTo(qos);
        assertThat(OomScore.adj(pod, Specs.container(pod, "a"), NODE_MEMORY)).isEqualTo(adj);
    }

    @ParameterizedTest(name = "pod {0}, containers {1} and {2}: {3}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{limits: {cpu: 1, memory: 1Gi}}; {}; {}; Guaranteed",
                "{requests: {cpu: 1}, limits: {cpu: 1, memory: 1Gi}}; {memory: 64Mi}; {}; Guaranteed",
                "{requests: {cpu: 1}}; {}; {}; Burstable",
                "{requests: {cpu: 1, memory: 64Mi}, limits: {cpu: 1, memory: 1Gi}}; {}; {}; Burstable",
                "{}; {memory: 64Mi}; {}; Burstable",
                "{}; {}; {}; BestEffort",
            })
    void whatIsSaidOfThePodDecidesItsClass(String pod, String first, String second, String qos) {
        Pod typed = Specs.pod("{resources: %s, containers: [%s, %s]}"
                .formatted(pod, Specs.container("a", first, "{}"), Specs.container("b", second, "{}")));

        assertThat(Qos.of(typed.getSpec()).text()).isEqualTo(qos);
    }

    @Test
    void aSidecarIsKilledNoEarlierThanTheFirstOfTheContainers() {
        Pod pod = Specs.pod("{initContainers: [%s], containers: [%s, %s]}"
                .formatted(
                        Specs.sidecar("proxy", "{memory: 80Mi}"),
                        Specs.container("a", "{memory: 4Gi}", "{}"),
                        Specs.container("b", "{memory: 2Gi}", "{}")));

        assertThat(OomScore.adj(pod, Specs.container(pod, "proxy"), NODE_MEMORY))
                .isEqualTo(750);
        assertThat(OomScore.adj(pod, Specs.container(pod, "a"), NODE_MEMORY)).isEqualTo(500);
        assertThat(OomScore.adj(pod, Specs.container(pod, "b"), NODE_MEMORY)).isEqualTo(750);
    }

    @Test
    void whatThePodRequestsBeyondItsContainersCountsForEachOfThem() {
        Pod pod = Specs.pod("{resources: {requests: {memory: 4Gi}}, containers: [%s, %s]}"
                .formatted(Specs.container("a", "{memory: 2Gi}", "{}"), Specs.container("b", "{}", "{}")));

        assertThat(OomScore.adj(pod, Specs.container(pod, "a"), NODE_MEMORY)).isEqualTo(625);
        assertThat(OomScore.adj(pod, Specs.container(pod, "b"), NODE_MEMORY)).isEqualTo(875);
    }

    @Test
    void aPodThatTheNodeNeedsIsKilledLast() {
        Pod pod = Specs.pod("{priorityClassName: system-node-critical, containers: [{name: a, image: busybox}]}");

        assertThat(OomScore.adj(pod, Specs.container(pod, "a"), NODE_MEMORY)).isEqualTo(-997);
    }
}
