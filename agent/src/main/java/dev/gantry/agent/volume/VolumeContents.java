package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMapProjection;
import io.fabric8.kubernetes.api.model.ConfigMapVolumeSource;
import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ProjectedVolumeSource;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecretProjection;
import io.fabric8.kubernetes.api.model.SecretVolumeSource;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** What configMap, secret, downwardAPI and projected volumes show: volumes and objects in, files out. Pure. */
final class VolumeContents {
    /** The API's {@code defaultMode} for all four kinds. */
    private static final int DEFAULT_MODE = 0644;

    private static final Kind CONFIG_MAP = new Kind("configmap", "config");
    private static final Kind SECRET = new Kind("secret", "secret");

    private final Pod pod;
    private final ConfigObjects objects;
    private final Map<String, Quantity> allocatable;

    /** Who may do what with a file. */
    private record Rights(int mode, OptionalInt user) {
        static Rights of(@Nullable Integer mode, @Nullable Long user) {
            return new Rights(DEFAULT_MODE, OptionalInt.empty()).with(mode, user);
        }

        Rights with(@Nullable Integer otherMode, @Nullable Long otherUser) {
            return new Rights(
                    otherMode == null ? mode : otherMode,
                    otherUser == null ? user : OptionalInt.of(otherUser.intValue()));
        }

        FilePayload file(String path, byte[] data) {
            return new FilePayload(path, data, mode, user);
        }
    }

    /** How the kubelet calls an object and its keys. */
    private record Kind(String word, String ofKey) {}

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
        if (volume.getConfigMap() != null) {
            return Optional.of(configMap(volume.getConfigMap()));
        }
        if (volume.getSecret() != null) {
            return Optional.of(secret(volume.getSecret()));
        }
        if (volume.getDownwardAPI() != null) {
            return Optional.of(downward(
                    volume.getDownwardAPI().getItems(),
                    Rights.of(
                            volume.getDownwardAPI().getDefaultMode(),
                            volume.getDownwardAPI().getDefaultUser())));
        }
        if (volume.getProjected() != null) {
            return Optional.of(projected(volume.getProjected()));
        }
        return Optional.empty();
    }

    private List<FilePayload> configMap(ConfigMapVolumeSource source) throws VolumeException {
        return select(
                CONFIG_MAP,
                source.getName(),
                configMapData(source.getName()),
                source.getItems(),
                Rights.of(source.getDefaultMode(), source.getDefaultUser()),
                isTrue(source.getOptional()));
    }

    private List<FilePayload> secret(SecretVolumeSource source) throws VolumeException {
        return select(
                SECRET,
                source.getSecretName(),
                secretData(source.getSecretName()),
                source.getItems(),
                Rights.of(source.getDefaultMode(), source.getDefaultUser()),
                isTrue(source.getOptional()));
    }

    private List<FilePayload> projected(ProjectedVolumeSource source) throws VolumeException {
        Rights rights = Rights.of(source.getDefaultMode(), source.getDefaultUser());
        // A later source wins over an earlier one at the same path.
        Map<String, FilePayload> files = new LinkedHashMap<>();
        for (VolumeProjection each : source.getSources()) {
            projection(each, rights).forEach(file -> files.put(file.path(), file));
        }
        return List.copyOf(files.values());
    }

    private List<FilePayload> projection(VolumeProjection projection, Rights rights) throws VolumeException {
        ConfigMapProjection configMap = projection.getConfigMap();
        if (configMap != null) {
            return select(
                    CONFIG_MAP,
                    configMap.getName(),
                    configMapData(configMap.getName()),
                    configMap.getItems(),
                    rights,
                    isTrue(configMap.getOptional()));
        }
        SecretProjection secret = projection.getSecret();
        if (secret != null) {
            return select(
                    SECRET,
                    secret.getName(),
                    secretData(secret.getName()),
                    secret.getItems(),
                    rights,
                    isTrue(secret.getOptional()));
        }
        if (projection.getDownwardAPI() != null) {
            return downward(projection.getDownwardAPI().getItems(), rights);
        }
        throw new VolumeException("a projected source is none of configMap, secret and downwardAPI;"
                + " service account tokens, cluster trust bundles and pod certificates need an apiserver");
    }

    private List<FilePayload> downward(List<DownwardAPIVolumeFile> items, Rights rights) throws VolumeException {
        List<FilePayload> files = new ArrayList<>();
        for (DownwardAPIVolumeFile item : items) {
            VolumePaths.requireRelative("downwardAPI item path", item.getPath());
            String value = item.getFieldRef() != null
                    ? PodFields.field(pod, item.getFieldRef().getFieldPath())
                    : PodFields.resource(pod, null, item.getResourceFieldRef(), allocatable);
            files.add(rights.with(item.getMode(), item.getUser())
                    .file(item.getPath(), value.getBytes(StandardCharsets.UTF_8)));
        }
        return files;
    }

    /** All keys, or the items in their places; the kubelet's words for what is missing. */
    private List<FilePayload> select(
            Kind kind,
            String name,
            @Nullable Map<String, byte[]> data,
            @Nullable List<KeyToPath> items,
            Rights rights,
            boolean optional)
            throws VolumeException {
        if (data == null) {
            if (optional) {
                return List.of();
            }
            throw new VolumeException("%s \"%s\" not found in namespace \"%s\"; %s, or mark it optional"
                    .formatted(kind.word(), name, pod.getMetadata().getNamespace(), objects.remedy()));
        }
        List<FilePayload> files = new ArrayList<>();
        if (items == null || items.isEmpty()) {
            data.forEach((key, value) -> files.add(rights.file(key, value)));
            return files;
        }
        for (KeyToPath item : items) {
            VolumePaths.requireRelative(
                    "path of key \"%s\" of %s \"%s\"".formatted(item.getKey(), kind.word(), name), item.getPath());
            byte[] value = data.get(item.getKey());
            if (value != null) {
                files.add(rights.with(item.getMode(), item.getUser()).file(item.getPath(), value));
            } else if (!optional) {
                throw new VolumeException("references non-existent %s key: %s; %s \"%s\" has %s"
                        .formatted(kind.ofKey(), item.getKey(), kind.word(), name, data.keySet()));
            }
        }
        return files;
    }

    private @Nullable Map<String, byte[]> configMapData(String name) {
        return objects.configMap(pod.getMetadata().getNamespace(), name)
                .map(ConfigData::of)
                .orElse(null);
    }

    private @Nullable Map<String, byte[]> secretData(String name) {
        return objects.secret(pod.getMetadata().getNamespace(), name)
                .map(ConfigData::of)
                .orElse(null);
    }

    private static boolean isTrue(@Nullable Boolean flag) {
        return Boolean.TRUE.equals(flag);
    }
}
