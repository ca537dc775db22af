package dev.gantry.agent.pod;

import dev.gantry.agent.time.Timestamps;
import dev.gantry.staticpods.FieldError;
import dev.gantry.staticpods.PodDefaults;
import dev.gantry.staticpods.PodValidation;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;

/** What the API server does to a pod that is created, before anybody else sees it. */
final class ApiPods {
    private ApiPods() {}

    /** Gives it a name if it asks for one, fills in defaults and validates, in place. */
    static void admit(Pod pod, String nodeName) throws PodRejectedException {
        if (pod.getMetadata() == null) {
            pod.setMetadata(new ObjectMeta());
        }
        ObjectMeta metadata = pod.getMetadata();
        if (metadata.getName() == null && metadata.getGenerateName() != null) {
            metadata.setName(
                    metadata.getGenerateName() + UUID.randomUUID().toString().substring(0, 5));
        }
        if (pod.getSpec() != null) {
            PodDefaults.apply(pod);
        }
        validate(pod, nodeName);
    }

    private static void validate(Pod pod, String nodeName) throws PodRejectedException {
        List<FieldError> errors = new ArrayList<>(PodValidation.validate(pod));
        if (pod.getSpec() != null) {
            errors.addAll(PodSupport.unsupported(pod));
            String node = pod.getSpec().getNodeName();
            if (node != null && !node.isEmpty() && !node.equals(nodeName)) {
                errors.add(FieldError.forbidden("spec.nodeName", "this node is " + nodeName));
            }
        }
        if (errors.isEmpty()) {
            return;
        }
        String all = errors.size() == 1
                ? errors.get(0).toString()
                : errors.stream().map(FieldError::toString).collect(Collectors.joining(", ", "[", "]"));
        throw new PodRejectedException(
                PodRejectedException.Reason.Invalid,
                "Pod \"" + pod.getMetadata().getName() + "\" is invalid: " + all,
                errors.stream()
                        .map(error ->
                                new PodRejectedException.Cause(error.type().reason(), error.field(), error.message()))
                        .toList());
    }

    /** Makes it a pod of this node with an identity of its own, in place. */
    static void identify(Pod pod, String nodeName, Instant now) {
        ObjectMeta metadata = pod.getMetadata();
        metadata.setUid(UUID.randomUUID().toString());
        metadata.setGeneration(1L);
        metadata.setCreationTimestamp(Timestamps.format(now));
        metadata.setDeletionTimestamp(null);
        metadata.setDeletionGracePeriodSeconds(null);
        Map<String, String> annotations =
                new LinkedHashMap<>(metadata.getAnnotations() == null ? Map.of() : metadata.getAnnotations());
        annotations.put(PodSource.ANNOTATION, PodSource.API.text());
        annotations.put("kubernetes.io/config.seen", Timestamps.format(now));
        metadata.setAnnotations(annotations);
        pod.getSpec().setNodeName(nodeName);
        pod.setStatus(null);
    }
}
