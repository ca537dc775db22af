package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.HostPathVolumeSource;
import io.fabric8.kubernetes.api.model.ProjectedVolumeSource;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Volumes of a pod: names, and the sources that this node can have. */
final class VolumeValidation {
    private static final List<String> HOST_PATH_TYPES = List.of(
            "", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice");
    /** With the sticky bit, as /tmp has it. */
    private static final int MAX_DIRECTORY_MODE = 01777;

    private final FieldErrors errors;
    private final SourceValidation sources;

    VolumeValidation(FieldErrors errors) {
        this.errors = errors;
        this.sources = new SourceValidation(errors);
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
            VolumeSources.of(volume).stream()
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
            String medium = volume.getEmptyDir().getMedium();
            if (medium != null && !medium.startsWith("HugePages-")) {
                errors.oneOf(path + ".emptyDir.medium", medium, List.of("", "HugePages", "HugePages-<size>", "Memory"));
            }
            Integer mode = volume.getEmptyDir().getMode();
            if (mode != null && (mode < 0 || mode > MAX_DIRECTORY_MODE)) {
                errors.invalid(
                        path + ".emptyDir.mode", mode, "must be a number between 0 and 01777 (octal), both inclusive");
            }
            if (value != null && value.signum() < 0) {
                errors.add(FieldError.forbidden(
                        path + ".emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity"));
            } else if (limit != null) {
                new ResourceValidation(errors).wholeBytes(path + ".emptyDir.sizeLimit", limit);
            }
        }
        if (volume.getConfigMap() != null) {
            errors.required(path + ".configMap.name", volume.getConfigMap().getName());
            sources.mode(path + ".configMap.defaultMode", volume.getConfigMap().getDefaultMode());
            errors.id(path + ".configMap.defaultUser", volume.getConfigMap().getDefaultUser());
            sources.items(path + ".configMap.items", volume.getConfigMap().getItems(), new FilePaths());
        }
        if (volume.getSecret() != null) {
            errors.required(path + ".secret.secretName", volume.getSecret().getSecretName());
            sources.mode(path + ".secret.defaultMode", volume.getSecret().getDefaultMode());
            errors.id(path + ".secret.defaultUser", volume.getSecret().getDefaultUser());
            sources.items(path + ".secret.items", volume.getSecret().getItems(), new FilePaths());
        }
        if (volume.getDownwardAPI() != null) {
            sources.mode(
                    path + ".downwardAPI.defaultMode", volume.getDownwardAPI().getDefaultMode());
            errors.id(path + ".downwardAPI.defaultUser", volume.getDownwardAPI().getDefaultUser());
            sources.downward(
                    path + ".downwardAPI.items", volume.getDownwardAPI().getItems(), new FilePaths());
        }
        if (volume.getProjected() != null) {
            projected(path + ".projected", volume.getProjected());
        }
        if (volume.getImage() != null) {
            String reference = volume.getImage().getReference();
            if (errors.required(path + ".image.reference", reference) && !reference.equals(reference.strip())) {
                errors.invalid(path + ".image.reference", reference, "must not have leading or trailing whitespace");
            }
            errors.oneOf(
                    path + ".image.pullPolicy",
                    volume.getImage().getPullPolicy(),
                    List.of("Always", "IfNotPresent", "Never"));
        }
        if (volume.getPersistentVolumeClaim() != null) {
            errors.required(
                    path + ".persistentVolumeClaim.claimName",
                    volume.getPersistentVolumeClaim().getClaimName());
        }
    }

    void hostPath(String path, HostPathVolumeSource source) {
        if (errors.required(path + ".path", source.getPath())) {
            PathRules.noParents(errors, path + ".path", source.getPath());
            if (!source.getPath().startsWith("/")) {
                errors.invalid(path + ".path", source.getPath(), "must be an absolute path");
            }
        }
        errors.oneOf(path + ".type", source.getType(), HOST_PATH_TYPES);
    }

    private void projected(String path, ProjectedVolumeSource projected) {
        sources.mode(path + ".defaultMode", projected.getDefaultMode());
        errors.id(path + ".defaultUser", projected.getDefaultUser());
        List<VolumeProjection> projections = orEmpty(projected.getSources());
        FilePaths paths = new FilePaths();
        for (int i = 0; i < projections.size(); i++) {
            VolumeProjection one = projections.get(i);
            String field = path + ".sources[" + i + "]";
            List<String> kinds = kinds(one);
            if (kinds.isEmpty()) {
                errors.add(FieldError.required(field, "must specify a projection type"));
            } else if (kinds.size() > 1) {
                errors.add(FieldError.forbidden(
                        field + "." + kinds.get(1), "may not specify more than 1 volume type per source"));
            }
            if (one.getConfigMap() != null) {
                errors.required(field + ".configMap.name", one.getConfigMap().getName());
                sources.items(field + ".configMap.items", one.getConfigMap().getItems(), paths);
            }
            if (one.getSecret() != null) {
                errors.required(field + ".secret.name", one.getSecret().getName());
                sources.items(field + ".secret.items", one.getSecret().getItems(), paths);
            }
            if (one.getDownwardAPI() != null) {
                sources.downward(
                        field + ".downwardAPI.items", one.getDownwardAPI().getItems(), paths);
            }
        }
    }

    private static List<String> kinds(VolumeProjection projection) {
        List<String> kinds = new ArrayList<>(1);
        add(kinds, "configMap", projection.getConfigMap());
        add(kinds, "secret", projection.getSecret());
        add(kinds, "downwardAPI", projection.getDownwardAPI());
        add(kinds, "serviceAccountToken", projection.getServiceAccountToken());
        add(kinds, "clusterTrustBundle", projection.getClusterTrustBundle());
        add(kinds, "podCertificate", projection.getPodCertificate());
        return kinds;
    }

    private static void add(List<String> kinds, String name, @Nullable Object kind) {
        if (kind != null) {
            kinds.add(name);
        }
    }
}
