package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.PersistentVolumeClaimSpec;
import io.fabric8.kubernetes.api.model.PersistentVolumeSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** PersistentVolumes and their claims, as far as a node without provisioners can have them. */
final class StorageValidation {
    private static final List<String> ACCESS_MODES =
            List.of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod");
    private static final String NO_BLOCK = "block volumes are not supported; use Filesystem";

    private final FieldErrors errors;

    StorageValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void persistentVolume(@Nullable PersistentVolumeSpec spec) {
        if (spec == null) {
            errors.add(FieldError.required("spec", ""));
            return;
        }
        accessModes(spec.getAccessModes());
        storage("spec.capacity", spec.getCapacity());
        source(spec);
        errors.oneOf("spec.volumeMode", spec.getVolumeMode(), List.of("Filesystem", "Block"));
        if ("Block".equals(spec.getVolumeMode())) {
            errors.add(FieldError.forbidden("spec.volumeMode", NO_BLOCK));
        }
        errors.oneOf(
                "spec.persistentVolumeReclaimPolicy",
                spec.getPersistentVolumeReclaimPolicy(),
                List.of("Delete", "Recycle", "Retain"));
        if ("Delete".equals(spec.getPersistentVolumeReclaimPolicy())
                || "Recycle".equals(spec.getPersistentVolumeReclaimPolicy())) {
            errors.add(FieldError.forbidden(
                    "spec.persistentVolumeReclaimPolicy",
                    "the data of a volume outlive its claim here, nothing removes them; use Retain"));
        }
        if (!orEmpty(spec.getMountOptions()).isEmpty()) {
            errors.add(FieldError.forbidden("spec.mountOptions", "may not specify mount options for this volume type"));
        }
        if (spec.getNodeAffinity() != null && spec.getNodeAffinity().getRequired() == null) {
            errors.add(FieldError.required("spec.nodeAffinity.required", "must specify required node constraints"));
        }
    }

    private void source(PersistentVolumeSpec spec) {
        int known = (spec.getHostPath() == null ? 0 : 1) + (spec.getLocal() == null ? 0 : 1);
        List<String> others = otherSources(spec);
        others.forEach(name -> errors.add(
                FieldError.forbidden("spec." + name, "this kind of volume is not supported; use hostPath or local")));
        if (known + others.size() == 0) {
            errors.add(FieldError.required("spec", "must specify a volume type"));
        } else if (known + others.size() > 1) {
            errors.add(FieldError.forbidden("spec", "may not specify more than 1 volume type"));
        }
        if (spec.getHostPath() != null) {
            new VolumeValidation(errors).hostPath("spec.hostPath", spec.getHostPath());
        }
        if (spec.getLocal() != null
                && errors.required("spec.local.path", spec.getLocal().getPath())) {
            PathRules.noParents(errors, "spec.local.path", spec.getLocal().getPath());
            if (!spec.getLocal().getPath().startsWith("/")) {
                errors.invalid("spec.local.path", spec.getLocal().getPath(), "must be an absolute path");
            }
        }
        if (spec.getLocal() != null && spec.getLocal().getFsType() != null) {
            errors.add(FieldError.forbidden(
                    "spec.local.fsType", "devices are not mounted here; mount it, name its directory and remove this"));
        }
    }

    private static List<String> otherSources(PersistentVolumeSpec spec) {
        List<String> found = new ArrayList<>();
        add(found, "awsElasticBlockStore", spec.getAwsElasticBlockStore());
        add(found, "azureDisk", spec.getAzureDisk());
        add(found, "azureFile", spec.getAzureFile());
        add(found, "cephfs", spec.getCephfs());
        add(found, "cinder", spec.getCinder());
        add(found, "csi", spec.getCsi());
        add(found, "fc", spec.getFc());
        add(found, "flexVolume", spec.getFlexVolume());
        add(found, "flocker", spec.getFlocker());
        add(found, "gcePersistentDisk", spec.getGcePersistentDisk());
        add(found, "glusterfs", spec.getGlusterfs());
        add(found, "iscsi", spec.getIscsi());
        add(found, "nfs", spec.getNfs());
        add(found, "photonPersistentDisk", spec.getPhotonPersistentDisk());
        add(found, "portworxVolume", spec.getPortworxVolume());
        add(found, "quobyte", spec.getQuobyte());
        add(found, "rbd", spec.getRbd());
        add(found, "scaleIO", spec.getScaleIO());
        add(found, "storageos", spec.getStorageos());
        add(found, "vsphereVolume", spec.getVsphereVolume());
        return found;
    }

    private static void add(List<String> found, String name, @Nullable Object source) {
        if (source != null) {
            found.add(name);
        }
    }

    void claim(@Nullable PersistentVolumeClaimSpec spec) {
        if (spec == null) {
            errors.add(FieldError.required("spec", ""));
            return;
        }
        accessModes(spec.getAccessModes());
        storage(
                "spec.resources",
                spec.getResources() == null ? null : spec.getResources().getRequests());
        errors.oneOf("spec.volumeMode", spec.getVolumeMode(), List.of("Filesystem", "Block"));
        if ("Block".equals(spec.getVolumeMode())) {
            errors.add(FieldError.forbidden("spec.volumeMode", NO_BLOCK));
        }
        if (spec.getDataSource() != null || spec.getDataSourceRef() != null) {
            errors.add(FieldError.forbidden(
                    spec.getDataSource() != null ? "spec.dataSource" : "spec.dataSourceRef",
                    "nothing here fills volumes with data; remove it"));
        }
    }

    private void accessModes(@Nullable List<String> modes) {
        List<String> given = orEmpty(modes);
        if (given.isEmpty()) {
            errors.add(FieldError.required("spec.accessModes", "at least 1 access mode is required"));
        }
        for (int i = 0; i < given.size(); i++) {
            errors.oneOf("spec.accessModes[" + i + "]", given.get(i), ACCESS_MODES);
        }
        if (given.contains("ReadWriteOncePod") && given.size() > 1) {
            errors.add(
                    FieldError.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes"));
        }
    }

    private void storage(String field, @Nullable Map<String, Quantity> amounts) {
        Quantity storage = orEmpty(amounts).get("storage");
        BigDecimal value = storage == null ? null : Quantities.value(storage);
        if (storage == null) {
            errors.add(FieldError.required(field + "[storage]", ""));
        } else if (value == null || value.signum() <= 0) {
            errors.invalid(field + "[storage]", String.valueOf(storage), "must be greater than zero");
        }
    }
}
