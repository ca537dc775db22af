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
import java.util.Optional;

/** What makes a pod from a file a static pod of this node: its name, uid, annotations and tolerations. */
final class StaticPods {
    /** Of the name of a pod, as the API has it. */
    private static final int MAX_NAME = 253;

    private StaticPods() {}

    /** As whom the node knows the pod. */
    private static String name(String own, String nodeName) {
        return own + "-" + nodeName.toLowerCase(Locale.ROOT);
    }

    /** Why a pod of this name cannot be a static pod of the node; empty if it can. */
    static Optional<String> nameFault(String own, String nodeName) {
        String name = name(own, nodeName);
        if (name.length() <= MAX_NAME) {
            return Optional.empty();
        }
        int left = MAX_NAME - 1 - nodeName.length();
        String shorter = left < 1 ? "" : "use at most " + left + " here, or ";
        return Optional.of(
                "must be no more than %d characters together with '-' and the node's name, and has %d, %d of them the node's; %sgive the node a shorter name with --hostname-override"
                        .formatted(MAX_NAME, name.length(), nodeName.length(), shorter));
    }

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
        metadata.setName(name(metadata.getName(), nodeName));
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
