package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.HostPathVolumeSource;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Volumes of a pod: names, and the sources that this node can have. */
final class VolumeValidation {
    private static final List<String> HOST_PATH_TYPES = List.of(
            "", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice");
    private final FieldErrors errors;

    VolumeValidation(FieldErrors errors) {
        this.errors = errors;
    }

    /** The names of the volumes, for mounts to refer to. */
    Set<String> validate(List<Volume> volumes) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < volumes.size(); i++) {
            Volume volume = volumes.get(i);
            String path = "spec.volumes[" + i + "]";
            if (errors.required(path + ".name", volume.getName())) {
                errors.rule(path + ".name", volume.getName(), Names.label(volume.getName()));
                if (!names.add(volume.getName())) {
                    errors.add(FieldError.duplicate(path + ".name", volume.getName()));
                }
            }
            List<String> sources = VolumeSources.of(volume);
            sources.stream()
                    .skip(1)
                    .forEach(source -> errors.add(
                            FieldError.forbidden(path + "." + source, "may not specify more than 1 volume type")));
            source(path, volume);
        }
        return names;
    }

    private void source(String path, Volume volume) {
        if (volume.getHostPath() != null) {
            hostPath(path + ".hostPath", volume.getHostPath());
        }
        if (volume.getEmptyDir() != null) {
            Quantity limit = volume.getEmptyDir().getSizeLimit();
            BigDecimal value = limit == null ? null : Quantities.value(limit);
            if (value != null && value.signum() < 0) {
                errors.add(FieldError.forbidden(
                        path + ".emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"));
            }
        }
        if (volume.getConfigMap() != null) {
            errors.required(path + ".configMap.name", volume.getConfigMap().getName());
            mode(path + ".configMap.defaultMode", volume.getConfigMap().getDefaultMode());
        }
        if (volume.getSecret() != null) {
            errors.required(path + ".secret.secretName", volume.getSecret().getSecretName());
            mode(path + ".secret.defaultMode", volume.getSecret().getDefaultMode());
        }
        if (volume.getPersistentVolumeClaim() != null) {
            errors.required(
                    path + ".persistentVolumeClaim.claimName",
                    volume.getPersistentVolumeClaim().getClaimName());
        }
    }

    private void hostPath(String path, HostPathVolumeSource source) {
        if (errors.required(path + ".path", source.getPath())) {
            PathRules.noParents(errors, path + ".path", source.getPath());
        }
        errors.oneOf(path + ".type", source.getType(), HOST_PATH_TYPES);
    }

    private void mode(String field, Integer mode) {
        if (mode != null && (mode < 0 || mode > 0777)) {
            errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
        }
    }
}
