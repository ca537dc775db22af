package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The API's rules for the objects that pods refer to. Expects defaults to be filled in. */
final class ObjectValidation {
    /** {@code MaxSecretSize}: of all keys' values together. */
    private static final int MAX_DATA_BYTES = 1 << 20;

    private static final String IMMUTABLE =
            "field is immutable when `immutable` is set; to change it, remove the object"
                    + " first, or give it another name";

    private final FieldErrors errors = new FieldErrors();

    private ObjectValidation() {}

    /** All fields at fault; empty if the object is valid. */
    static List<FieldError> validate(HasMetadata object) {
        ObjectValidation validation = new ObjectValidation();
        validation.metadata(object.getMetadata(), object instanceof PersistentVolume);
        if (object instanceof ConfigMap map) {
            validation.configMap(map);
        } else if (object instanceof Secret secret) {
            validation.secret(secret);
        } else if (object instanceof PersistentVolume volume) {
            new StorageValidation(validation.errors).persistentVolume(volume.getSpec());
        } else if (object instanceof PersistentVolumeClaim claim) {
            new StorageValidation(validation.errors).claim(claim.getSpec());
        }
        return validation.errors.found();
    }

    /** What of an object may not become what it is to be. */
    static List<FieldError> validateUpdate(HasMetadata before, HasMetadata after) {
        ObjectValidation validation = new ObjectValidation();
        if (before instanceof ConfigMap old && after instanceof ConfigMap map && isTrue(old.getImmutable())) {
            validation.unchanged("immutable", true, isTrue(map.getImmutable()));
            validation.unchanged("data", orEmpty(old.getData()), orEmpty(map.getData()));
            validation.unchanged("binaryData", orEmpty(old.getBinaryData()), orEmpty(map.getBinaryData()));
        } else if (before instanceof Secret old && after instanceof Secret secret) {
            if (isTrue(old.getImmutable())) {
                validation.unchanged("immutable", true, isTrue(secret.getImmutable()));
                validation.unchanged("data", orEmpty(old.getData()), orEmpty(secret.getData()));
            }
            if (!Objects.equals(old.getType(), secret.getType())) {
                validation.errors.invalid(
                        "type", secret.getType(), "field is immutable; to change it, remove the object first");
            }
        }
        return validation.errors.found();
    }

    private void unchanged(String field, Object before, Object after) {
        if (!before.equals(after)) {
            errors.add(FieldError.forbidden(field, IMMUTABLE));
        }
    }

    private void metadata(ObjectMeta metadata, boolean clusterScoped) {
        if (errors.required("metadata.name", metadata.getName())) {
            errors.rule("metadata.name", metadata.getName(), Names.subdomain(metadata.getName()));
        }
        if (clusterScoped) {
            if (metadata.getNamespace() != null && !metadata.getNamespace().isEmpty()) {
                errors.add(FieldError.forbidden("metadata.namespace", "not allowed on this type"));
            }
        } else {
            errors.rule("metadata.namespace", metadata.getNamespace(), Names.label(metadata.getNamespace()));
        }
        PodValidation.labelsAndAnnotations(errors, metadata);
    }

    private void configMap(ConfigMap map) {
        Map<String, String> binary = orEmpty(map.getBinaryData());
        long bytes = 0;
        for (Map.Entry<String, String> entry : orEmpty(map.getData()).entrySet()) {
            String field = "data[" + entry.getKey() + "]";
            errors.rule(field, entry.getKey(), Names.configKey(entry.getKey()));
            if (binary.containsKey(entry.getKey())) {
                errors.invalid(field, entry.getKey(), "duplicate of key present in binaryData");
            }
            bytes += entry.getValue().getBytes(StandardCharsets.UTF_8).length;
        }
        size("", bytes + encoded("binaryData", binary));
    }

    private void secret(Secret secret) {
        Map<String, String> data = orEmpty(secret.getData());
        size("data", encoded("data", data));
        switch (secret.getType()) {
            case "kubernetes.io/dockerconfigjson" -> require(data, ".dockerconfigjson");
            case "kubernetes.io/dockercfg" -> require(data, ".dockercfg");
            case "kubernetes.io/ssh-auth" -> require(data, "ssh-privatekey");
            case "kubernetes.io/tls" -> {
                require(data, "tls.crt");
                require(data, "tls.key");
            }
            case "kubernetes.io/basic-auth" -> {
                if (!data.containsKey("username") && !data.containsKey("password")) {
                    errors.add(FieldError.required("data[username]", ""));
                    errors.add(FieldError.required("data[password]", ""));
                }
            }
            default -> {
                // Of any other type the API knows no rule that holds without a cluster.
            }
        }
    }

    private void require(Map<String, String> data, String key) {
        if (!data.containsKey(key)) {
            errors.add(FieldError.required("data[" + key + "]", ""));
        }
    }

    /** How many bytes the values stand for. */
    private long encoded(String field, Map<String, String> values) {
        long bytes = 0;
        for (Map.Entry<String, String> entry : values.entrySet()) {
            String path = field + "[" + entry.getKey() + "]";
            errors.rule(path, entry.getKey(), Names.configKey(entry.getKey()));
            try {
                bytes += Base64.getDecoder().decode(entry.getValue().replaceAll("[\r\n]", "")).length;
            } catch (IllegalArgumentException e) {
                // The value itself stays out of the message: it may be a secret written in plain by mistake.
                errors.add(new FieldError(
                        FieldError.Type.INVALID,
                        path,
                        null,
                        "must be base64" + (field.equals("data") ? "; to write plain text, use stringData" : "")));
            }
        }
        return bytes;
    }

    private void size(String field, long bytes) {
        if (bytes > MAX_DATA_BYTES) {
            errors.add(FieldError.tooLong(field, MAX_DATA_BYTES));
        }
    }

    private static boolean isTrue(Boolean value) {
        return Boolean.TRUE.equals(value);
    }
}
