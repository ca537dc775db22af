package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** What holds of a pod's status from one look to the next, whatever happens: restart counts never fall, grace never grows. */
final class PodPromises {
    private final Map<String, Integer> restartCounts = new HashMap<>();
    private final Map<String, Instant> deadlines = new HashMap<>();

    void hold(String when, Pod pod) {
        Stream.of(pod.getStatus().getContainerStatuses(), pod.getStatus().getInitContainerStatuses())
                .filter(Objects::nonNull)
                .flatMap(List<ContainerStatus>::stream)
                .forEach(status -> restartCountDoesNotFall(when, pod, status));
        graceDoesNotGrow(when, pod);
    }

    private void restartCountDoesNotFall(String when, Pod pod, ContainerStatus status) {
        String key = pod.getMetadata().getUid() + "/" + status.getName();
        assertThat(status.getRestartCount())
                .as("%s: restart count of %s", when, key)
                .isGreaterThanOrEqualTo(restartCounts.getOrDefault(key, 0));
        restartCounts.put(key, status.getRestartCount());
    }

    private void graceDoesNotGrow(String when, Pod pod) {
        String deadline = pod.getMetadata().getDeletionTimestamp();
        if (deadline != null) {
            String uid = pod.getMetadata().getUid();
            Instant at = Instant.parse(deadline);
            assertThat(at).as("%s: deadline of %s", when, uid).isBeforeOrEqualTo(deadlines.getOrDefault(uid, at));
            deadlines.put(uid, at);
        }
    }
}
