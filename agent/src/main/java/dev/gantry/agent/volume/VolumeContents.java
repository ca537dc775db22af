package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapProjection;
import io.fabric8.kubernetes.api.model.ConfigMapVolumeSource;
import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ProjectedVolumeSource;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretProjection;
import io.fabric8.kubernetes.api.model.SecretVolumeSource;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What configMap, secret, downwardAPI and projected volumes show: volumes and objects in, files out. Pure. */
final class VolumeContents {
    /** The API's {@code defaultMode} for all four kinds. */
    private static final int DEFAULT_MODE = 0644;

    private final Pod pod;
    private final ConfigObjects objects;
    private final Map<String, Quantity> allocatable;

    /**
     * Reads volumes of one pod.
     *
     * @param allocatable the node's resources, for limits that are not set
     */
    VolumeContents(Pod pod, ConfigObjects objects, Map<String, Quantity> allocatable) {
        this.pod = pod;
        this.objects = objects;
        this.allocatable = Map.copyOf(allocatable);
    }

    /** The files of {@code volume}; empty if it is not of these kinds. */
    Optional<List<FilePayload>> of(Volume volume) throws VolumeException {
        try {
            if (volume.getConfigMap() != null) {
                return Optional.of(configMap(volume.getConfigMap()));
            }
            if (volume.getSecret() != null) {
                return Optional.of(secret(volume.getSecret()));
            }
            if (volume.getDownwardAPI() != null) {
                return Optional.of(downward(
                        volume.getDownwardAPI().getItems(),
                        modeOr(volume.getDownwardAPI().getDefaultMode(), DEFAULT_MODE)));
            }
            if (volume.getProjected() != null) {
                return Optional.of(projected(volume.getProjected()));
            }
            return Optional.empty();
        } catch (VolumeException e) {
            throw new VolumeException("volume \"%s\": %s".formatted(volume.getName(), e.getMessage()), e);
        }
    }

    private List<FilePayload> configMap(ConfigMapVolumeSource source) throws VolumeException {
        return select(
                "configMap \"%s\"".formatted(source.getName()),
                configMapData(source.getName()),
                source.getItems(),
                modeOr(source.getDefaultMode(), DEFAULT_MODE),
                isTrue(source.getOptional()));
    }

    private List<FilePayload> secret(SecretVolumeSource source) throws VolumeException {
        return select(
                "secret \"%s\"".formatted(source.getSecretName()),
                secretData(source.getSecretName()),
                source.getItems(),
                modeOr(source.getDefaultMode(), DEFAULT_MODE),
                isTrue(source.getOptional()));
    }

    private List<FilePayload> projected(ProjectedVolumeSource source) throws VolumeException {
        int mode = modeOr(source.getDefaultMode(), DEFAULT_MODE);
        // A later source wins over an earlier one at the same path.
        Map<String, FilePayload> files = new LinkedHashMap<>();
        for (VolumeProjection each : source.getSources()) {
            projection(each, mode).forEach(file -> files.put(file.path(), file));
        }
        return List.copyOf(files.values());
    }

    private List<FilePayload> projection(VolumeProjection projection, int mode) throws VolumeException {
        ConfigMapProjection configMap = projection.getConfigMap();
        if (configMap != null) {
            return select(
                    "configMap \"%s\"".formatted(configMap.getName()),
                    configMapData(configMap.getName()),
                    configMap.getItems(),
                    mode,
                    isTrue(configMap.getOptional()));
        }
        SecretProjection secret = projection.getSecret();
        if (secret != null) {
            return select(
                    "secret \"%s\"".formatted(secret.getName()),
                    secretData(secret.getName()),
                    secret.getItems(),
                    mode,
                    isTrue(secret.getOptional()));
        }
        if (projection.getDownwardAPI() != null) {
            return downward(projection.getDownwardAPI().getItems(), mode);
        }
        throw new VolumeException("a projected source is none of configMap, secret and downwardAPI;"
                + " service account tokens, cluster trust bundles and pod certificates need an apiserver");
    }

    private List<FilePayload> downward(List<DownwardAPIVolumeFile> items, int mode) throws VolumeException {
        List<FilePayload> files = new ArrayList<>();
        for (DownwardAPIVolumeFile item : items) {
            VolumePaths.requireRelative("downwardAPI item path", item.getPath());
            String value = item.getFieldRef() != null
                    ? PodFields.field(pod, item.getFieldRef().getFieldPath())
                    : PodFields.resource(pod, null, item.getResourceFieldRef(), allocatable);
            files.add(new FilePayload(
                    item.getPath(), value.getBytes(StandardCharsets.UTF_8), modeOr(item.getMode(), mode)));
        }
        return files;
    }

    /** All keys, or the items in their places. */
    private List<FilePayload> select(
            String what, @Nullable Map<String, byte[]> data, List<KeyToPath> items, int mode, boolean optional)
            throws VolumeException {
        if (data == null) {
            if (optional) {
                return List.of();
            }
            throw new VolumeException("no such object: %s in namespace \"%s\"; %s, or mark it optional"
                    .formatted(what, pod.getMetadata().getNamespace(), objects.remedy()));
        }
        List<FilePayload> files = new ArrayList<>();
        if (items.isEmpty()) {
            data.forEach((key, value) -> files.add(new FilePayload(key, value, mode)));
        }
        for (KeyToPath item : items) {
            VolumePaths.requireRelative("path of key \"%s\" of %s".formatted(item.getKey(), what), item.getPath());
            byte[] value = data.get(item.getKey());
            if (value != null) {
                files.add(new FilePayload(item.getPath(), value, modeOr(item.getMode(), mode)));
            } else if (!optional) {
                throw new VolumeException(
                        "%s has no key \"%s\"; it has %s".formatted(what, item.getKey(), data.keySet()));
            }
        }
        return files;
    }

    private @Nullable Map<String, byte[]> configMapData(String name) throws VolumeException {
        ConfigMap map =
                objects.configMap(pod.getMetadata().getNamespace(), name).orElse(null);
        if (map == null) {
            return null;
        }
        Map<String, byte[]> data = decoded("configMap \"%s\" binaryData".formatted(name), map.getBinaryData());
        if (map.getData() != null) {
            map.getData().forEach((key, value) -> data.put(key, value.getBytes(StandardCharsets.UTF_8)));
        }
        return data;
    }

    private @Nullable Map<String, byte[]> secretData(String name) throws VolumeException {
        Secret secret = objects.secret(pod.getMetadata().getNamespace(), name).orElse(null);
        if (secret == null) {
            return null;
        }
        Map<String, byte[]> data = decoded("secret \"%s\" data".formatted(name), secret.getData());
        if (secret.getStringData() != null) {
            secret.getStringData().forEach((key, value) -> data.put(key, value.getBytes(StandardCharsets.UTF_8)));
        }
        return data;
    }

    private static Map<String, byte[]> decoded(String what, @Nullable Map<String, String> encoded)
            throws VolumeException {
        Map<String, byte[]> data = new TreeMap<>();
        if (encoded == null) {
            return data;
        }
        for (var entry : encoded.entrySet()) {
            try {
                data.put(entry.getKey(), Base64.getMimeDecoder().decode(entry.getValue()));
            } catch (IllegalArgumentException e) {
                throw new VolumeException("%s, key \"%s\": not base64".formatted(what, entry.getKey()), e);
            }
        }
        return data;
    }

    private static int modeOr(@Nullable Integer mode, int otherwise) {
        return mode == null ? otherwise : mode;
    }

    private static boolean isTrue(@Nullable Boolean flag) {
        return Boolean.TRUE.equals(flag);
    }
}
