package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.resource.Admission.Admitted;
import dev.gantry.agent.resource.Admission.Contender;
import dev.gantry.agent.resource.Admission.Preempts;
import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Admission.Verdict;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdmissionTest {
    private static final NodeResources NODE = new NodeResources(
            new Amounts(Map.of(
                    "cpu",
                    2500L,
                    "memory",
                    4L << 30,
                    "ephemeral-storage",
                    10L << 30,
                    "pods",
                    4L,
                    "hugepages-2Mi",
                    8L << 20)),
            0,
            new Amounts(Map.of("cpu", 500L)),
            Amounts.NONE,
            Amounts.NONE);

    private static Contender pod(String name, String requests, boolean isStatic) {
        Pod pod = Specs.pod(requests, requests.contains("hugepages") ? requests : "{}");
        pod.getMetadata().setName(name);
        pod.getMetadata().setUid(name);
        pod.getMetadata().setNamespace("default");
        return new Contender(pod, isStatic);
    }

    private static Contender pod(String name, String requests) {
        return pod(name, requests, false);
    }

    private static Verdict decide(Contender pod, List<Contender> others) {
        return Admission.decide(pod, others, NODE, ResourcePolicy.DEFAULT);
    }

    @ParameterizedTest(name = "{0} beside {1}: {2}")
    @CsvSource(
            delimiter = ';',
            nullValues = "-",
            value = {
                "{}; ''; -; -",
                "{cpu: 2}; ''; -; -",
                "{cpu: 2001m}; ''; OutOfcpu; cpu, requested: 2001, used: 0, capacity: 2000",
                "{cpu: 1500m}; {cpu: 501m}; OutOfcpu; cpu, requested: 1500, used: 501, capacity: 2000",
                "{cpu: 1}; {cpu: 500m}|{cpu: 500m}; -; -",
                "{memory: 3Gi}; {memory: 1Gi}; OutOfmemory; memory, requested: 3221225472, used: 1073741824, capacity: 4286578688",
                "{ephemeral-storage: 6Gi}; {ephemeral-storage: 5Gi}; OutOfephemeral-storage; ephemeral-storage, requested: 6442450944, used: 5368709120, capacity: 10737418240",
                "{hugepages-2Mi: 10Mi, memory: 1}; ''; OutOfhugepages-2Mi; hugepages-2Mi, requested: 10485760, used: 0, capacity: 8388608",
                "{example.com/gpu: 1}; ''; OutOfexample.com/gpu; example.com/gpu, requested: 1, used: 0, capacity: 0",
                "{}; {}|{}|{}; -; -",
                "{}; {}|{}|{}|{}; OutOfpods; pods, requested: 1, used: 4, capacity: 4",
                "{cpu: 9, memory: 9Gi}; ''; OutOfcpu; cpu, requested: 9000, used: 0, capacity: 2000",
                "{cpu: 0}; {cpu: 5}; -; -",
            })
    void aPodFitsOrIsRejectedWithTheKubeletsWords(String requests, String others, String reason, String message) {
        List<Contender> there = new ArrayList<>();
        for (String other : others.isEmpty() ? new String[0] : others.split("\\|", -1)) {
            there.add(pod("other-" + there.size(), other));
        }
        Contender pod = requests.contains("example.com") ? extended(requests) : pod("web", requests);

        Verdict verdict = decide(pod, there);

        assertThat(verdict)
                .isEqualTo(
                        reason == null
                                ? new Admitted()
                                : new Rejected(reason, "Node didn't have enough resource: " + message));
    }

    private static Contender extended(String requests) {
        Pod pod = Specs.pod(requests, requests);
        pod.getMetadata().setUid("web");
        return new Contender(pod, false);
    }

    @Test
    void storageDoesNotCountWhereItIsNotIsolated() {
        ResourcePolicy policy = new ResourcePolicy(
                true,
                true,
                100_000,
                false,
                ResourcePolicy.DEFAULT.memoryThrottlingFactor(),
                false,
                ResourcePolicy.SwapBehavior.NO_SWAP,
                ResourcePolicy.DEFAULT.podPidsLimit(),
                false);

        assertThat(Admission.decide(pod("web", "{ephemeral-storage: 1Ti}"), List.of(), NODE, policy))
                .isEqualTo(new Admitted());
    }

    @ParameterizedTest(name = "{0} beside {1}: taken {2}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{hostPort: 80}; {hostPort: 80}; true",
                "{hostPort: 80}; {hostPort: 81}; false",
                "{hostPort: 80, protocol: UDP}; {hostPort: 80}; false",
                "{hostPort: 80, hostIP: 192.0.2.1}; {hostPort: 80, hostIP: 192.0.2.2}; false",
                "{hostPort: 80, hostIP: 192.0.2.1}; {hostPort: 80, hostIP: 192.0.2.1}; true",
                "{hostPort: 80, hostIP: 192.0.2.1}; {hostPort: 80}; true",
                "{hostPort: 80}; {hostPort: 80, hostIP: 192.0.2.1}; true",
                "{}; {hostPort: 80}; false",
            })
    void aPortOfTheHostIsForOnePod(String wanted, String used, boolean taken) {
        Verdict verdict = decide(withPort("web", wanted), List.of(withPort("other", used)));

        assertThat(verdict)
                .isEqualTo(
                        taken
                                ? new Rejected(
                                        "NodePorts",
                                        "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports (80/TCP is used by default/other)")
                                : new Admitted());
    }

    private static Contender withPort(String name, String port) {
        Pod pod = Specs.pod("{containers: [{name: a, image: busybox, ports: [%s]}]}"
                .formatted(port.equals("{}") ? "{containerPort: 80}" : "{containerPort: 80, " + port.substring(1)));
        pod.getMetadata().setName(name);
        pod.getMetadata().setNamespace("default");
        return new Contender(pod, false);
    }

    @Test
    void aPodThatSharesTheHostsNetworkHasItsPorts() {
        Contender other = new Contender(
                Specs.pod("{hostNetwork: true, containers: [{name: a, image: busybox, ports: [{containerPort: 80}]}]}"),
                false);

        assertThat(decide(withPort("web", "{hostPort: 80}"), List.of(other))).isInstanceOf(Rejected.class);
    }

    // ---- preemption

    @ParameterizedTest(name = "a critical pod of {0} beside {1}: {2} give way")
    @CsvSource(
            delimiter = ';',
            value = {
                // one that frees enough is better than two, and the smaller of two that do
                "{cpu: 1}; a{cpu: 1}|b{cpu: 500m}|c{cpu: 400m}; a",
                "{cpu: 500m}; a{cpu: 1}|b{cpu: 500m}|c{cpu: 400m}; c",
                "{cpu: 2}; a{cpu: 1}|b{cpu: 500m}|c{cpu: 400m}; a b c",
                // best effort before burstable
                "{}; a{cpu: 100m}|b{}|c{cpu: 100m}|d{cpu: 100m}; b",
                // burstable before guaranteed, which are marked by =
                "{cpu: 1}; a={cpu: 1, memory: 1Gi}|b{cpu: 1}; b",
                "{cpu: 2}; a={cpu: 1, memory: 1Gi}|b{cpu: 1}; b a",
                // static pods, marked by !, stay
                "{cpu: 1}; a!{cpu: 1}|b{cpu: 1}; b",
                // both missing resources are looked at
                "{cpu: 1, memory: 2Gi}; a{cpu: 1}|b{memory: 3Gi}|c{cpu: 900m, memory: 1Gi}; c b",
            })
    void aCriticalPodTakesThePlaceOfAsFewAsWillDo(String requests, String others, String expected) {
        List<Contender> there = new ArrayList<>();
        for (String other : others.split("\\|", -1)) {
            String name = other.substring(0, 1);
            String amounts = other.substring(other.indexOf('{'));
            Pod pod = other.contains("=") ? Specs.pod(amounts, amounts) : Specs.pod(amounts, "{}");
            pod.getMetadata().setUid(name);
            there.add(new Contender(pod, other.contains("!")));
        }

        Verdict verdict = decide(pod("web", requests, true), there);

        assertThat(verdict).isEqualTo(new Preempts(List.of(expected.split(" ", -1))));
    }

    @Test
    void whereNoPodCanGiveWayACriticalOneIsRejectedLikeAnyOther() {
        Verdict verdict = decide(pod("web", "{cpu: 1500m}", true), List.of(pod("other", "{cpu: 1}", true)));

        assertThat(verdict)
                .isEqualTo(new Rejected(
                        "OutOfcpu",
                        "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"));
    }

    @Test
    void wherePodsThatCouldGiveWayDoNotSufficeThatIsAnUnexpectedError() {
        Verdict verdict = decide(pod("web", "{cpu: 2500m}", true), List.of(pod("other", "{cpu: 1}")));

        assertThat(verdict)
                .isEqualTo(
                        new Rejected(
                                "UnexpectedAdmissionError",
                                "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 500), ]"));
    }

    @Test
    void aStaticPodGivesWayToOneOfHigherPriority() {
        Contender low = pod("low", "{cpu: 2}", true);
        low.pod().getSpec().setPriority(10);
        Contender high = pod("high", "{cpu: 1}", true);
        high.pod().getSpec().setPriority(20);

        assertThat(decide(high, List.of(low))).isEqualTo(new Preempts(List.of("low")));
        assertThat(decide(low, List.of(high))).isInstanceOf(Rejected.class);
    }

    @Test
    void noPreemptionFreesAPort() {
        Contender critical = new Contender(withPort("web", "{hostPort: 80}").pod(), true);

        assertThat(decide(critical, List.of(withPort("other", "{hostPort: 80}"))))
                .isInstanceOf(Rejected.class);
    }
}
