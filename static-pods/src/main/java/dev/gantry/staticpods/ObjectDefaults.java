package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the API fills in for the objects that pods refer to, in place. */
final class ObjectDefaults {
    private ObjectDefaults() {}

    /** {@code object} has metadata. */
    static void apply(HasMetadata object) {
        if (object instanceof PersistentVolume volume) {
            persistentVolume(volume);
            return;
        }
        String namespace = object.getMetadata().getNamespace();
        if (namespace == null || namespace.isEmpty()) {
            object.getMetadata().setNamespace("default");
        }
        if (object instanceof Secret secret) {
            secret(secret);
        } else if (object instanceof PersistentVolumeClaim claim
                && claim.getSpec() != null
                && claim.getSpec().getVolumeMode() == null) {
            claim.getSpec().setVolumeMode("Filesystem");
        }
    }

    /** {@code stringData} is only a way of writing {@code data}; at the same key it wins. */
    private static void secret(Secret secret) {
        if (secret.getType() == null || secret.getType().isEmpty()) {
            secret.setType("Opaque");
        }
        if (secret.getStringData() == null || secret.getStringData().isEmpty()) {
            return;
        }
        Map<String, String> data =
                secret.getData() == null ? new LinkedHashMap<>() : new LinkedHashMap<>(secret.getData());
        secret.getStringData()
                .forEach((key, text) ->
                        data.put(key, Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8))));
        secret.setData(data);
        secret.setStringData(null);
    }

    private static void persistentVolume(PersistentVolume volume) {
        if (volume.getSpec() == null) {
            return;
        }
        if (volume.getSpec().getPersistentVolumeReclaimPolicy() == null) {
            volume.getSpec().setPersistentVolumeReclaimPolicy("Retain");
        }
        if (volume.getSpec().getVolumeMode() == null) {
            volume.getSpec().setVolumeMode("Filesystem");
        }
        if (volume.getSpec().getHostPath() != null
                && volume.getSpec().getHostPath().getType() == null) {
            volume.getSpec().getHostPath().setType("");
        }
    }
}
