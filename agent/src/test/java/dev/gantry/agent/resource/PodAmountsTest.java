package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodAmountsTest {
    @ParameterizedTest(name = "{0}: {1}m")
    @CsvSource(
            delimiter = ';',
            value = {
                "one container; 100; ''; 100",
                "two containers add up; 100,200; ''; 300",
                "an init container that needs less; 100,200; init 250; 300",
                "an init container that needs more; 100,200; init 700; 700",
                "init containers run one by one; 100; init 300,init 400; 400",
                "a sidecar runs beside the containers; 100,200; sidecar 50; 350",
                "a sidecar runs beside a later init container; 100; sidecar 50,init 400; 450",
                "but not beside an earlier one; 100; init 400,sidecar 50; 400",
                "sidecars and init containers in turn; 100; sidecar 50,init 400,sidecar 70,init 390; 510",
                "sidecars alone; 10; sidecar 50,sidecar 70; 130",
            })
    void aPodNeedsItsLargestMoment(String what, String containers, String inits, long milli) {
        Pod pod = Specs.pod("{containers: [%s], initContainers: [%s]}".formatted(list(containers), list(inits)));

        assertThat(PodAmounts.requests(pod.getSpec()).get("cpu")).isEqualTo(milli);
    }

    private static String list(String words) {
        StringBuilder list = new StringBuilder();
        int number = 0;
        for (String word : words.isEmpty() ? new String[0] : words.split(",", -1)) {
            String requests = "{cpu: " + word.replaceAll("[^0-9]", "") + "m}";
            String name = "c" + number++ + (word.length() > 3 ? "-init" : "");
            list.append(list.length() == 0 ? "" : ", ")
                    .append(
                            word.startsWith("sidecar")
                                    ? Specs.sidecar(name, requests)
                                    : Specs.container(name, requests, "{}"));
        }
        return list.toString();
    }

    @Test
    void whatIsSaidOfThePodReplacesWhatItsContainersSay() {
        Pod pod = Specs.pod("""
                {resources: {requests: {cpu: 1500m}, limits: {cpu: 2, memory: 1Gi}},
                 containers: [{name: a, image: busybox,
                   resources: {requests: {cpu: 100m, memory: 64Mi, ephemeral-storage: 1Gi}, limits: {ephemeral-storage: 2Gi}}}]}
                """);

        Amounts requests = PodAmounts.requests(pod.getSpec());
        Amounts limits = PodAmounts.limits(pod.getSpec());

        assertThat(requests.values())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("cpu", 1500L, "memory", 64L << 20, "ephemeral-storage", 1L << 30));
        assertThat(limits.values())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("cpu", 2000L, "memory", 1L << 30, "ephemeral-storage", 2L << 30));
    }

    @Test
    void aLimitOfThePodIsItsRequestWhereNothingElseIsRequested() {
        Pod pod = Specs.pod("{resources: {limits: {memory: 1Gi}}, containers: [{name: a, image: busybox}]}");

        assertThat(PodAmounts.requests(pod.getSpec()).get("memory")).isEqualTo(1L << 30);
    }

    @Test
    void overheadIsAddedToRequestsAndToTheLimitsThereAre() {
        Pod pod = Specs.pod("{cpu: 100m, memory: 64Mi}", "{memory: 128Mi}");
        pod.getSpec().setOverhead(Map.of("cpu", new Quantity("250", "m"), "memory", new Quantity("100", "Mi")));

        assertThat(PodAmounts.requests(pod.getSpec()).values())
                .containsExactlyInAnyOrderEntriesOf(Map.of("cpu", 350L, "memory", 164L << 20));
        assertThat(PodAmounts.limits(pod.getSpec()).values()).containsExactly(Map.entry("memory", 228L << 20));
    }

    @Test
    void amountsAreShownWithUnits() {
        assertThat(new Amounts(Map.of("cpu", 1500L, "memory", 2048L, "pods", 110L)).quantities())
                .hasToString("{cpu=1500m, memory=2Ki, pods=110}");
    }

    @Test
    void moreThanALongHoldsIsTheMostItHolds() {
        Amounts most = new Amounts(Map.of("memory", Long.MAX_VALUE));

        assertThat(most.plus(most).get("memory")).isEqualTo(Long.MAX_VALUE);
    }
}
