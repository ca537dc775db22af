package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodRejectedException.Cause;
import dev.gantry.agent.pod.PodRejectedException.Reason;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.staticpods.FieldError;
import dev.gantry.staticpods.ModelJson;
import dev.gantry.staticpods.PodValidation;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What may be changed of a pod that exists, by the API's rules. Pure. */
final class PodEdits {
    private static final String ALLOWED = "pod updates may not change fields other than `spec.containers[*].image`,"
            + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing"
            + " tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    private static final Pattern CONDITION_TYPE = Pattern.compile("([-a-z0-9.]{1,253}/)?[-A-Za-z0-9_.]{1,63}");
    private static final int MAX_REPORTED = 64;
    /** As the API bounds them in conditions. */
    private static final int MAX_REASON = 1024;

    private static final int MAX_MESSAGE = 32768;

    /** Written by the agent, and kept whoever edits the pod. */
    private static final String OWN_ANNOTATIONS = "kubernetes.io/config.";

    private PodEdits() {}

    /**
     * Whether a manifest was edited in nothing that would need another pod: labels, annotations, CPU and memory. With none of them
     * it is another pod's because somebody wanted another pod: by a uid, or by another file.
     */
    static boolean keepsPod(Pod before, Pod after) {
        PodSpec present = withEphemeral(before.getSpec(), List.of());
        if (!ModelJson.write(present).equals(ModelJson.write(after.getSpec()))) {
            return ResizeRules.problems(present, after.getSpec()).isEmpty();
        }
        return !orEmpty(before.getMetadata().getLabels())
                        .equals(orEmpty(after.getMetadata().getLabels()))
                || !othersAnnotations(before).equals(othersAnnotations(after));
    }

    private static Map<String, String> othersAnnotations(Pod pod) {
        Map<String, String> result =
                new LinkedHashMap<>(orEmpty(pod.getMetadata().getAnnotations()));
        result.keySet().removeIf(key -> key.startsWith(OWN_ANNOTATIONS));
        return result;
    }

    /**
     * A pod after an update.
     *
     * @param after with the labels, annotations and spec that it is to have
     * @throws PodRejectedException {@code Invalid} if more is changed than may be
     */
    static Pod update(Pod before, Pod after) throws PodRejectedException {
        PodSpec spec = withEphemeral(after.getSpec(), orEmpty(before.getSpec().getEphemeralContainers()));
        List<FieldError> errors = new ArrayList<>();
        deadline(before.getSpec().getActiveDeadlineSeconds(), spec.getActiveDeadlineSeconds())
                .ifPresent(errors::add);
        PodSpec compared = new PodSpecBuilder(spec).build();
        compared.setActiveDeadlineSeconds(before.getSpec().getActiveDeadlineSeconds());
        if (orEmpty(spec.getTolerations()).containsAll(orEmpty(before.getSpec().getTolerations()))) {
            compared.setTolerations(before.getSpec().getTolerations());
        }
        compared.setContainers(sameImages(spec.getContainers(), before.getSpec().getContainers()));
        compared.setInitContainers(
                sameImages(spec.getInitContainers(), before.getSpec().getInitContainers()));
        if (!ModelJson.write(compared).equals(ModelJson.write(before.getSpec()))) {
            errors.add(FieldError.forbidden("spec", ALLOWED));
        }
        Pod result = new Pod("v1", "Pod", PodSlot.copy(before.getMetadata()), spec, null);
        result.getMetadata().setLabels(after.getMetadata().getLabels());
        result.getMetadata().setAnnotations(annotations(before, after));
        errors.addAll(PodValidation.validatePresent(result));
        reject(result, errors);
        return result;
    }

    private static Optional<FieldError> deadline(@Nullable Long before, @Nullable Long after) {
        if (before == null || before.equals(after)) {
            return Optional.empty();
        }
        String field = "spec.activeDeadlineSeconds";
        if (after == null) {
            return Optional.of(
                    FieldError.invalid(field, "null", "must not update from a positive integer to nil value"));
        }
        return after > before
                ? Optional.of(FieldError.invalid(field, after, "must be less than or equal to previous value"))
                : Optional.empty();
    }

    private static @Nullable List<Container> sameImages(
            @Nullable List<Container> after, @Nullable List<Container> before) {
        if (after == null || before == null || after.size() != before.size()) {
            return after;
        }
        List<Container> result = new ArrayList<>();
        for (int i = 0; i < after.size(); i++) {
            Container same = new ContainerBuilder(after.get(i)).build();
            same.setImage(before.get(i).getImage());
            result.add(same);
        }
        return result;
    }

    private static Map<String, String> annotations(Pod before, Pod after) {
        Map<String, String> result = othersAnnotations(after);
        orEmpty(before.getMetadata().getAnnotations()).forEach((key, value) -> {
            if (key.startsWith(OWN_ANNOTATIONS) || key.equals(PodEngine.TRANSIENT_ANNOTATION)) {
                result.put(key, value);
            }
        });
        return result;
    }

    /**
     * A pod with ephemeral containers added.
     *
     * @param wanted all that it is to have
     * @throws PodRejectedException {@code Invalid} if one that it has is changed or missing, or a new one is wrong
     */
    static Pod withEphemeralContainers(Pod before, List<EphemeralContainer> wanted) throws PodRejectedException {
        Pod result =
                new Pod("v1", "Pod", PodSlot.copy(before.getMetadata()), withEphemeral(before.getSpec(), wanted), null);
        List<FieldError> errors = new ArrayList<>();
        for (EphemeralContainer present : orEmpty(before.getSpec().getEphemeralContainers())) {
            Optional<EphemeralContainer> same = wanted.stream()
                    .filter(one -> present.getName().equals(one.getName()))
                    .findFirst();
            if (same.isEmpty()) {
                errors.add(FieldError.forbidden(
                        "spec.ephemeralContainers",
                        "existing ephemeral containers \"" + present.getName() + "\" may not be removed"));
            } else if (!ModelJson.write(present).equals(ModelJson.write(same.get()))) {
                errors.add(FieldError.forbidden(
                        "spec.ephemeralContainers",
                        "existing ephemeral containers \"" + present.getName() + "\" may not be changed"));
            }
        }
        errors.addAll(PodValidation.validatePresent(result));
        errors.addAll(PodSupport.unsupported(result));
        reject(result, errors);
        return result;
    }

    /** The spec with these ephemeral containers and no others. */
    static PodSpec withEphemeral(PodSpec spec, List<EphemeralContainer> containers) {
        PodSpec result = new PodSpecBuilder(spec).build();
        result.setEphemeralContainers(containers);
        return result;
    }

    /**
     * Of conditions as somebody sends them those that he may report and that are not the agent's.
     *
     * @param known what was reported before
     */
    static List<PodCondition> reported(
            Pod pod, PodStatus present, List<PodCondition> known, List<PodCondition> conditions)
            throws PodRejectedException {
        List<FieldError> errors = new ArrayList<>();
        List<PodCondition> result = new ArrayList<>();
        for (int i = 0; i < conditions.size(); i++) {
            PodCondition one = conditions.get(i);
            String path = "status.conditions[" + i + "]";
            if (one.getType() == null || !CONDITION_TYPE.matcher(one.getType()).matches()) {
                errors.add(FieldError.invalid(
                        path + ".type",
                        String.valueOf(one.getType()),
                        "must be a qualified name, such as example.com/ready"));
            } else if (length(one.getReason()) > MAX_REASON || length(one.getMessage()) > MAX_MESSAGE) {
                errors.add(FieldError.forbidden(
                        path, "a reason has at most " + MAX_REASON + " characters, a message " + MAX_MESSAGE));
            } else if (!List.of("True", "False", "Unknown").contains(String.valueOf(one.getStatus()))) {
                errors.add(FieldError.invalid(
                        path + ".status", String.valueOf(one.getStatus()), "must be True, False or Unknown"));
            } else if (!PodConditions.OWN.contains(one.getType())) {
                result.add(one);
            } else if (orEmpty(present.getConditions()).stream()
                    .noneMatch(own -> own.getType().equals(one.getType())
                            && own.getStatus().equals(one.getStatus()))) {
                errors.add(FieldError.forbidden(path, "the agent itself reports " + one.getType()));
            }
        }
        long types = Stream.concat(result.stream(), known.stream())
                .map(PodCondition::getType)
                .distinct()
                .count();
        if (types > MAX_REPORTED) {
            errors.add(FieldError.forbidden("status.conditions", "at most " + MAX_REPORTED + " can be reported"));
        }
        reject(pod, errors);
        return result;
    }

    private static void reject(Pod pod, List<FieldError> errors) throws PodRejectedException {
        if (!errors.isEmpty()) {
            throw new PodRejectedException(
                    Reason.Invalid,
                    "Pod \"" + pod.getMetadata().getName() + "\" is invalid: "
                            + errors.stream().map(FieldError::toString).collect(Collectors.joining(", ")),
                    errors.stream()
                            .map(error -> new Cause(error.type().reason(), error.field(), error.message()))
                            .toList());
        }
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    private static Map<String, String> orEmpty(@Nullable Map<String, String> map) {
        return Objects.requireNonNullElse(map, Map.of());
    }
}
