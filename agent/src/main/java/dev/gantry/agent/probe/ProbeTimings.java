package dev.gantry.agent.probe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.probes.ProbeKind;
import dev.gantry.staticpods.FieldError;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Times of probes below a second, which the API's fields cannot say. The annotation {@value #ANNOTATION} holds a JSON
 * object, by container and kind of probe:
 *
 * <pre>{"web": {"readiness": {"periodMilliseconds": 100, "timeoutMilliseconds": 50}}}</pre>
 *
 * <p>The fields are {@code initialDelayMilliseconds} (0 to 3600000), {@code periodMilliseconds} (10 to 3600000) and {@code
 * timeoutMilliseconds} (1 to 3600000); one that is given goes before the probe's own in seconds. A command's timeout is rounded up
 * to whole seconds, as CRI knows no others.
 */
public final class ProbeTimings {
    public static final String ANNOTATION = "gantry.dev/probe-timings";

    private static final int LONGEST = 3_600_000;
    private static final int MAX_LENGTH = 64 << 10;
    private static final Map<String, Integer> SHORTEST =
            Map.of("initialDelayMilliseconds", 0, "periodMilliseconds", 10, "timeoutMilliseconds", 1);
    private static final Set<String> KINDS = Set.of("liveness", "readiness", "startup");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ProbeTimings NONE = new ProbeTimings(Map.of());

    /** By container, kind and field. */
    private final Map<String, Integer> values;

    private ProbeTimings(Map<String, Integer> values) {
        this.values = values;
    }

    /** What the pod's annotation says; nothing where it is wrong, see {@link #check}. */
    public static ProbeTimings of(Pod pod) {
        return text(pod).map(text -> parse(text, new ArrayList<>())).orElse(NONE);
    }

    /** What is wrong with the pod's annotation; empty if nothing. */
    public static List<FieldError> check(Pod pod) {
        List<FieldError> errors = new ArrayList<>();
        text(pod).ifPresent(text -> parse(text, errors));
        return errors;
    }

    private static Optional<String> text(Pod pod) {
        return Optional.ofNullable(pod.getMetadata().getAnnotations()).map(all -> all.get(ANNOTATION));
    }

    private static ProbeTimings parse(String text, List<FieldError> errors) {
        String path = "metadata.annotations[" + ANNOTATION + "]";
        if (text.length() > MAX_LENGTH) {
            errors.add(FieldError.invalid(path, text.substring(0, 40) + "…", "may have at most 64 Ki characters"));
            return NONE;
        }
        Map<String, Integer> values = new HashMap<>();
        try {
            for (Map.Entry<String, JsonNode> container : object(JSON.readTree(text), path, errors)) {
                String inContainer = path + "." + container.getKey();
                for (Map.Entry<String, JsonNode> kind : object(container.getValue(), inContainer, errors)) {
                    String inKind = inContainer + "." + kind.getKey();
                    if (!KINDS.contains(kind.getKey())) {
                        errors.add(FieldError.invalid(inKind, kind.getKey(), "must be liveness, readiness or startup"));
                        continue;
                    }
                    for (Map.Entry<String, JsonNode> field : object(kind.getValue(), inKind, errors)) {
                        number(inKind, field, errors)
                                .ifPresent(value ->
                                        values.put(key(container.getKey(), kind.getKey(), field.getKey()), value));
                    }
                }
            }
        } catch (JsonProcessingException e) {
            errors.add(FieldError.invalid(path, text, "must be a JSON object: " + e.getOriginalMessage()));
        }
        return errors.isEmpty() ? new ProbeTimings(Map.copyOf(values)) : NONE;
    }

    private static Set<Map.Entry<String, JsonNode>> object(JsonNode node, String path, List<FieldError> errors) {
        if (!node.isObject()) {
            errors.add(FieldError.invalid(path, node.toString(), "must be a JSON object"));
            return Set.of();
        }
        return node.properties();
    }

    private static Optional<Integer> number(String path, Map.Entry<String, JsonNode> field, List<FieldError> errors) {
        Integer shortest = SHORTEST.get(field.getKey());
        String inField = path + "." + field.getKey();
        if (shortest == null) {
            errors.add(FieldError.invalid(
                    inField,
                    field.getKey(),
                    "must be initialDelayMilliseconds, periodMilliseconds or timeoutMilliseconds"));
            return Optional.empty();
        }
        JsonNode value = field.getValue();
        if (!value.isInt() || value.intValue() < shortest || value.intValue() > LONGEST) {
            errors.add(FieldError.invalid(
                    inField, value.toString(), "must be a whole number from " + shortest + " to " + LONGEST));
            return Optional.empty();
        }
        return Optional.of(value.intValue());
    }

    private static String key(String container, String kind, String field) {
        return container + "/" + kind + "/" + field;
    }

    Duration initialDelay(String container, ProbeKind kind, Duration inSeconds) {
        return value(container, kind, "initialDelayMilliseconds", inSeconds);
    }

    Duration period(String container, ProbeKind kind, Duration inSeconds) {
        return value(container, kind, "periodMilliseconds", inSeconds);
    }

    Duration timeout(String container, ProbeKind kind, Duration inSeconds) {
        return value(container, kind, "timeoutMilliseconds", inSeconds);
    }

    private Duration value(String container, ProbeKind kind, String field, Duration inSeconds) {
        Integer millis = values.get(key(container, kind.name().toLowerCase(Locale.ROOT), field));
        return millis == null ? inSeconds : Duration.ofMillis(millis);
    }
}
