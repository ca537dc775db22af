package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.FileKeySelector;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.ResourceFieldSelector;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where values and files come from: keys of ConfigMaps and Secrets, the downward API. */
final class SourceValidation {
    private static final List<String> VARIABLE_FIELDS = List.of(
            "metadata.name",
            "metadata.namespace",
            "metadata.uid",
            "spec.nodeName",
            "spec.serviceAccountName",
            "status.hostIP",
            "status.hostIPs",
            "status.podIP",
            "status.podIPs");
    private static final List<String> FILE_FIELDS =
            List.of("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid");
    private static final List<String> RESOURCES = List.of(
            "limits.cpu",
            "limits.ephemeral-storage",
            "limits.memory",
            "requests.cpu",
            "requests.ephemeral-storage",
            "requests.memory");
    private static final int MAX_KEY_CHARACTERS = 128;
    private static final Pattern HUGE_PAGES = Pattern.compile("(limits|requests)\\.hugepages-.+");
    private static final Pattern SUBSCRIPT = Pattern.compile("(metadata\\.(?:labels|annotations))\\['(.*)'\\]");

    private final FieldErrors errors;

    SourceValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void variable(String path, EnvVarSource source, PodSpec spec) {
        if (source.getConfigMapKeyRef() != null) {
            errors.required(
                    path + ".configMapKeyRef.name", source.getConfigMapKeyRef().getName());
            key(path + ".configMapKeyRef.key", source.getConfigMapKeyRef().getKey());
        }
        if (source.getSecretKeyRef() != null) {
            errors.required(
                    path + ".secretKeyRef.name", source.getSecretKeyRef().getName());
            key(path + ".secretKeyRef.key", source.getSecretKeyRef().getKey());
        }
        if (source.getFieldRef() != null) {
            field(path + ".fieldRef.fieldPath", source.getFieldRef().getFieldPath(), VARIABLE_FIELDS);
        }
        if (source.getResourceFieldRef() != null) {
            resource(path + ".resourceFieldRef", source.getResourceFieldRef(), false);
        }
        if (source.getFileKeyRef() != null) {
            inFile(path + ".fileKeyRef", source.getFileKeyRef(), spec);
        }
    }

    private void inFile(String path, FileKeySelector selector, PodSpec spec) {
        if (errors.required(path + ".key", selector.getKey())) {
            errors.rule(path + ".key", selector.getKey(), Names.environmentVariable(selector.getKey()));
            if (selector.getKey().length() > MAX_KEY_CHARACTERS) {
                errors.add(FieldError.tooLong(path + ".key", MAX_KEY_CHARACTERS));
            }
        }
        file(path + ".path", selector.getPath(), new FilePaths());
        if (errors.required(path + ".volumeName", selector.getVolumeName())
                && orEmpty(spec.getVolumes()).stream()
                        .noneMatch(volume ->
                                selector.getVolumeName().equals(volume.getName()) && volume.getEmptyDir() != null)) {
            errors.invalid(path + ".volumeName", selector.getVolumeName(), "must be the name of an emptyDir volume");
        }
    }

    void variables(String path, List<EnvFromSource> sources) {
        for (int i = 0; i < sources.size(); i++) {
            EnvFromSource source = sources.get(i);
            String field = path + "[" + i + "]";
            if (source.getPrefix() != null && !source.getPrefix().isEmpty()) {
                errors.rule(field + ".prefix", source.getPrefix(), Names.environmentVariable(source.getPrefix()));
            }
            if (source.getConfigMapRef() != null && source.getSecretRef() != null) {
                errors.invalid(field, "", "may not have more than one field specified at a time");
            } else if (source.getConfigMapRef() != null) {
                errors.required(
                        field + ".configMapRef.name", source.getConfigMapRef().getName());
            } else if (source.getSecretRef() != null) {
                errors.required(field + ".secretRef.name", source.getSecretRef().getName());
            } else {
                errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`");
            }
        }
    }

    private void key(String field, String key) {
        if (errors.required(field, key)) {
            errors.rule(field, key, Names.configKey(key));
        }
    }

    private void field(String field, String fieldPath, List<String> known) {
        if (!errors.required(field, fieldPath)) {
            return;
        }
        Matcher subscript = SUBSCRIPT.matcher(fieldPath);
        if (subscript.matches()) {
            errors.rule(field, subscript.group(2), Names.qualifiedKey(subscript.group(2)));
        } else {
            errors.oneOf(field, fieldPath, known);
        }
    }

    private void resource(String path, ResourceFieldSelector selector, boolean inVolume) {
        if (inVolume) {
            errors.required(path + ".containerName", selector.getContainerName());
        }
        if (errors.required(path + ".resource", selector.getResource())
                && !HUGE_PAGES.matcher(selector.getResource()).matches()) {
            errors.oneOf(path + ".resource", selector.getResource(), RESOURCES);
        }
        var divisor = selector.getDivisor() == null ? null : Quantities.value(selector.getDivisor());
        if (divisor != null && divisor.signum() < 0) {
            errors.invalid(path + ".divisor", selector.getDivisor().toString(), "must be above 0");
        }
    }

    /**
     * Keys and where they go.
     *
     * @param paths of the volume, to which theirs are added
     */
    void items(String path, @Nullable List<KeyToPath> items, FilePaths paths) {
        List<KeyToPath> given = orEmpty(items);
        for (int i = 0; i < given.size(); i++) {
            String field = path + "[" + i + "]";
            errors.required(field + ".key", given.get(i).getKey());
            file(field + ".path", given.get(i).getPath(), paths);
            mode(field + ".mode", given.get(i).getMode());
            errors.id(field + ".user", given.get(i).getUser());
        }
    }

    void downward(String path, @Nullable List<DownwardAPIVolumeFile> items, FilePaths paths) {
        List<DownwardAPIVolumeFile> given = orEmpty(items);
        for (int i = 0; i < given.size(); i++) {
            DownwardAPIVolumeFile item = given.get(i);
            String field = path + "[" + i + "]";
            file(field + ".path", item.getPath(), paths);
            if (item.getFieldRef() != null && item.getResourceFieldRef() != null) {
                errors.invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            } else if (item.getFieldRef() != null) {
                field(field + ".fieldRef.fieldPath", item.getFieldRef().getFieldPath(), FILE_FIELDS);
            } else if (item.getResourceFieldRef() != null) {
                resource(field + ".resourceFieldRef", item.getResourceFieldRef(), true);
            } else {
                errors.add(FieldError.required(field, "one of fieldRef and resourceFieldRef is required"));
            }
            mode(field + ".mode", item.getMode());
            errors.id(field + ".user", item.getUser());
        }
    }

    /** A path in a volume whose own links begin with two dots. */
    private void file(String field, String path, FilePaths paths) {
        if (errors.required(field, path)) {
            if (path.length() > PathRules.MAX_PATH) {
                errors.add(FieldError.tooLong(field, PathRules.MAX_PATH));
                return;
            }
            errors.rule(field, path, paths.add(path));
            PathRules.relative(errors, field, path);
            if (path.startsWith("..") && !path.equals("..") && !path.startsWith("../")) {
                errors.invalid(field, path, "must not start with '..'");
            }
        }
    }

    void mode(String field, @Nullable Integer mode) {
        if (mode != null && (mode < 0 || mode > 0777)) {
            errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
        }
    }
}
