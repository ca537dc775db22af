package dev.gantry.agent.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Patches of a pod's labels, annotations, spec and reported conditions: {@code application/merge-patch+json} (RFC 7396), and {@code application/strategic-merge-patch+json}, in which
 * elements of lists are matched by name. Pure.
 */
final class PodPatch {
    private static final String STRATEGIC = "application/strategic-merge-patch+json";
    private static final String MERGE = "application/merge-patch+json";

    /** What the API knows elements of lists by, of those that may be changed. */
    private static final Map<String, String> KEYS = Map.of(
            "containers", "name",
            "initContainers", "name",
            "ephemeralContainers", "name",
            "env", "name",
            "volumeMounts", "mountPath",
            "resizePolicy", "resourceName");

    private PodPatch() {}

    /**
     * Applies a patch.
     *
     * @return the patched pod as a manifest: its name, labels, annotations, spec and the conditions of the patch
     * @throws ApiException 415 for another type of patch, 400 for what is no JSON object
     */
    static byte[] apply(String contentType, Pod pod, byte[] patch) throws ApiException {
        String type = contentType.toLowerCase(Locale.ROOT).split(";", 2)[0].trim();
        if (!type.equals(STRATEGIC) && !type.equals(MERGE)) {
            throw ApiException.of(
                    415,
                    "UnsupportedMediaType",
                    "the body of the request was in an unknown format - accepted media types include: " + STRATEGIC
                            + ", " + MERGE);
        }
        try {
            JsonNode change = Json.MAPPER.readTree(patch);
            if (change == null || !change.isObject()) {
                throw ApiException.badRequest("expected a JSON object with the fields to change");
            }
            ObjectNode manifest = Json.MAPPER.createObjectNode();
            manifest.put("apiVersion", "v1").put("kind", "Pod");
            ObjectNode metadata = manifest.putObject("metadata")
                    .put("name", pod.getMetadata().getName())
                    .put("namespace", pod.getMetadata().getNamespace());
            JsonNode present = Json.MAPPER.readTree(ModelJson.write(pod.getMetadata()));
            for (String field : List.of("labels", "annotations")) {
                JsonNode patched =
                        merge(present.path(field), change.path("metadata").path(field), type.equals(STRATEGIC));
                if (patched.isObject() || patched.isTextual() || patched.isArray() || patched.isNumber()) {
                    metadata.set(field, patched);
                }
            }
            JsonNode spec = Json.MAPPER.readTree(ModelJson.write(pod.getSpec()));
            JsonNode status = change.path("status").path("conditions");
            if (!status.isMissingNode()) {
                // Types that are not named stay as they are: a client reports those that it knows.
                manifest.putObject("status").set("conditions", status);
            }
            manifest.set("spec", merge(spec, change.path("spec"), type.equals(STRATEGIC)));
            return manifest.toString().getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw ApiException.badRequest("the patch is not JSON: " + e.getOriginalMessage());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException("reading from memory", e);
        }
    }

    private static JsonNode merge(JsonNode target, JsonNode patch, boolean strategic) {
        if (patch.isMissingNode()) {
            return target;
        }
        if (!patch.isObject()) {
            return patch;
        }
        ObjectNode result = target.isObject() ? target.deepCopy() : Json.MAPPER.createObjectNode();
        for (Map.Entry<String, JsonNode> member : patch.properties()) {
            // directives such as $setElementOrder change nothing of what may be changed
            if (!strategic || !member.getKey().startsWith("$")) {
                merge(result, member.getKey(), member.getValue(), strategic);
            }
        }
        return result;
    }

    private static void merge(ObjectNode target, String name, JsonNode value, boolean strategic) {
        String key = strategic ? KEYS.get(name) : null;
        if (value.isNull()) {
            target.remove(name);
        } else if (key != null && value.isArray()) {
            target.set(name, mergeElements(target.path(name), value, key));
        } else {
            target.set(name, merge(target.path(name), value, strategic));
        }
    }

    private static JsonNode mergeElements(JsonNode target, JsonNode patch, String key) {
        ArrayNode result = target.isArray() ? target.deepCopy() : Json.MAPPER.createArrayNode();
        for (JsonNode change : patch) {
            int at = -1;
            for (int i = 0; i < result.size(); i++) {
                at = result.get(i).path(key).equals(change.path(key)) ? i : at;
            }
            if (at >= 0) {
                result.set(at, merge(result.get(at), change, true));
            } else {
                result.add(change);
            }
        }
        return result;
    }
}
