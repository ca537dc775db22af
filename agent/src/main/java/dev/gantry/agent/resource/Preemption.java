package dev.gantry.agent.resource;

import dev.gantry.agent.resource.Admission.Contender;
import dev.gantry.agent.resource.Admission.Preempts;
import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Admission.Shortage;
import dev.gantry.agent.resource.Admission.Verdict;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which pods give way to a critical one: as few and as small as will do, and best-effort pods before burstable before guaranteed ones
 * (pkg/kubelet/preemption).
 */
final class Preemption {
    private Preemption() {}

    static Verdict choose(List<Contender> yielding, List<Shortage> shortages) {
        Map<String, Long> missing = new TreeMap<>();
        shortages.forEach(shortage -> missing.put(shortage.resource(), shortage.missing()));
        List<Contender> bestEffort = of(Qos.BEST_EFFORT, yielding);
        List<Contender> burstable = of(Qos.BURSTABLE, yielding);
        List<Contender> guaranteed = of(Qos.GUARANTEED, yielding);
        Map<String, Long> beyondAll = without(missing, yielding);
        if (!beyondAll.isEmpty()) {
            return new Rejected(
                    "UnexpectedAdmissionError",
                    "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: "
                            + text(beyondAll));
        }
        List<Contender> fromGuaranteed = nearest(guaranteed, without(missing, join(bestEffort, burstable)));
        List<Contender> fromBurstable = nearest(burstable, without(missing, join(bestEffort, fromGuaranteed)));
        List<Contender> fromBestEffort = nearest(bestEffort, without(missing, join(fromBurstable, fromGuaranteed)));
        return new Preempts(join(fromBestEffort, join(fromBurstable, fromGuaranteed)).stream()
                .map(Contender::uid)
                .toList());
    }

    /** Critical pods stay, unless both have a priority and theirs is lower. */
    static boolean yields(Contender other, Contender to) {
        return !other.isCritical()
                || (other.pod().getSpec().getPriority() != null
                        && to.pod().getSpec().getPriority() != null
                        && Priorities.of(other.pod()) < Priorities.of(to.pod()));
    }

    private static List<Contender> of(Qos qos, List<Contender> pods) {
        return pods.stream().filter(pod -> Qos.of(pod.pod().getSpec()) == qos).toList();
    }

    private static List<Contender> join(List<Contender> one, List<Contender> other) {
        List<Contender> all = new ArrayList<>(one);
        all.addAll(other);
        return all;
    }

    /** What is missing still if these were gone. */
    private static Map<String, Long> without(Map<String, Long> missing, Collection<Contender> gone) {
        Map<String, Long> left = new TreeMap<>();
        missing.forEach((name, amount) -> {
            long rest =
                    amount - gone.stream().mapToLong(pod -> request(pod, name)).sum();
            if (rest > 0) {
                left.put(name, rest);
            }
        });
        return left;
    }

    private static long request(Contender pod, String name) {
        return name.equals(Amounts.PODS) ? 1 : pod.requests().get(name);
    }

    /** Takes the pod that comes nearest to what is missing, and again until nothing is. The pods suffice. */
    private static List<Contender> nearest(List<Contender> pods, Map<String, Long> missing) {
        List<Contender> left = new ArrayList<>(pods);
        List<Contender> chosen = new ArrayList<>();
        Map<String, Long> still = missing;
        while (!still.isEmpty()) {
            Contender best = left.get(0);
            for (Contender pod : left.subList(1, left.size())) {
                int order = Double.compare(distance(pod, still), distance(best, still));
                if (order < 0 || (order == 0 && isSmaller(pod, best))) {
                    best = pod;
                }
            }
            left.remove(best);
            chosen.add(best);
            still = without(missing, chosen);
        }
        return chosen;
    }

    /** 0 for a pod that frees all that is missing; the part of each resource that it does not, squared and added up. */
    private static double distance(Contender pod, Map<String, Long> missing) {
        double distance = 0;
        for (Map.Entry<String, Long> entry : missing.entrySet()) {
            double part = Math.max(0, entry.getValue() - request(pod, entry.getKey())) / (double) entry.getValue();
            distance += part * part;
        }
        return distance;
    }

    private static boolean isSmaller(Contender one, Contender other) {
        for (String name : List.of(Amounts.MEMORY, Amounts.CPU)) {
            int order = Long.compare(request(one, name), request(other, name));
            if (order != 0) {
                return order < 0;
            }
        }
        return false;
    }

    private static String text(Map<String, Long> missing) {
        return missing.entrySet().stream()
                .map(entry -> "(res: " + entry.getKey() + ", q: " + entry.getValue() + "), ")
                .collect(Collectors.joining("", "[", "]"));
    }
}
