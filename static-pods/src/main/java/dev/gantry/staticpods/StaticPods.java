package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Toleration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What makes a pod from a file a static pod of this node: its name, uid, annotations and tolerations. */
final class StaticPods {
    private StaticPods() {}

    /**
     * Makes the decoded pod one of this node, in place.
     *
     * @param file path of the manifest; part of the uid, so that a copy in another file is another pod
     * @param seen when the manifest was read
     */
    static Pod adopt(DecodedManifest.DecodedPod decoded, String nodeName, String file, Instant seen) {
        Pod pod = decoded.pod();
        ObjectMeta metadata = pod.getMetadata();
        String hash = new Fnv128()
                .add(decoded.canonical())
                .add("host:" + nodeName)
                .add("file:" + file)
                .hex();
        if (metadata.getUid() == null || metadata.getUid().isEmpty()) {
            metadata.setUid(hash);
        }
        metadata.setName(metadata.getName() + "-" + nodeName.toLowerCase(Locale.ROOT));
        metadata.setGeneration(1L);
        metadata.setResourceVersion(null);
        metadata.setCreationTimestamp(null);
        metadata.setDeletionTimestamp(null);
        metadata.setDeletionGracePeriodSeconds(null);
        Map<String, String> annotations = metadata.getAnnotations() == null
                ? new LinkedHashMap<>()
                : new LinkedHashMap<>(metadata.getAnnotations());
        annotations.put("kubernetes.io/config.hash", hash);
        annotations.put("kubernetes.io/config.seen", timestamp(seen));
        annotations.put("kubernetes.io/config.source", "file");
        metadata.setAnnotations(annotations);
        List<Toleration> tolerations =
                new ArrayList<>(PodValidation.orEmpty(pod.getSpec().getTolerations()));
        tolerations.add(new Toleration("NoExecute", null, "Exists", null, null));
        pod.getSpec().setTolerations(tolerations);
        pod.getSpec().setNodeName(nodeName);
        PodStatus status = new PodStatus();
        status.setPhase("Pending");
        pod.setStatus(status);
        return pod;
    }

    /** RFC 3339 with nanoseconds; by hand, because the JDK's formatters are slow to load. */
    private static String timestamp(Instant instant) {
        String text = LocalDateTime.ofEpochSecond(instant.getEpochSecond(), instant.getNano(), ZoneOffset.UTC)
                .toString();
        // Seconds are left out when they are 0.
        return text + (text.length() == "2026-01-01T00:00".length() ? ":00Z" : "Z");
    }
}
