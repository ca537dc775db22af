package dev.gantry.agent.pod;

import dev.gantry.agent.cri.Expansion;
import dev.gantry.agent.volume.ConfigData;
import dev.gantry.agent.volume.ConfigObjects;
import dev.gantry.agent.volume.EnvFiles;
import dev.gantry.agent.volume.PodFields;
import dev.gantry.agent.volume.VolumeException;
import dev.gantry.linux.RawName;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.FileKeySelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The environment of one run of a container: {@code envFrom} in its order, keys sorted, then {@code env} in its order; the
 * last of a name wins.
 *
 * @param variables by name, in order; values that are no UTF-8 are kept as {@link RawName} keeps them
 * @param warnings what was left out, as messages of an InvalidEnvironmentVariableNames event
 */
public record ContainerEnvironment(Map<String, String> variables, List<String> warnings) {
    /** Without any. */
    public static final ContainerEnvironment EMPTY = new ContainerEnvironment(Map.of(), List.of());

    public ContainerEnvironment {
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
        warnings = List.copyOf(warnings);
    }

    /** Without the values, which may be secret. */
    @Override
    public String toString() {
        return "environment " + variables.keySet();
    }

    /**
     * Looks everything up.
     *
     * @param pod with its status
     * @param files that containers of the pod wrote
     * @param allocatable the node's, for limits that are not set
     * @throws StartFailedException {@code CreateContainerConfigError} if an object, key or field is missing
     */
    public static ContainerEnvironment of(
            Pod pod, Container container, ConfigObjects objects, EnvFiles files, Map<String, Quantity> allocatable)
            throws StartFailedException {
        Resolver resolver = new Resolver(pod, container, objects, files, allocatable);
        for (EnvFromSource source : orEmpty(container.getEnvFrom())) {
            resolver.take(source);
        }
        for (EnvVar variable : orEmpty(container.getEnv())) {
            resolver.take(variable);
        }
        return new ContainerEnvironment(resolver.variables, resolver.warnings);
    }

    private static final class Resolver {
        private final Pod pod;
        private final Container container;
        private final ConfigObjects objects;
        private final EnvFiles files;
        private final Map<String, Quantity> allocatable;
        private final String namespace;
        private final Map<String, String> variables = new LinkedHashMap<>();
        private final List<String> warnings = new ArrayList<>();

        Resolver(
                Pod pod,
                Container container,
                ConfigObjects objects,
                EnvFiles files,
                Map<String, Quantity> allocatable) {
            this.pod = pod;
            this.container = container;
            this.objects = objects;
            this.files = files;
            this.allocatable = allocatable;
            this.namespace = pod.getMetadata().getNamespace();
        }

        void take(EnvFromSource source) throws StartFailedException {
            var map = source.getConfigMapRef();
            if (map != null) {
                var data = objects.configMap(namespace, map.getName()).map(ConfigData::text);
                takeAll(source, "configMap", map.getName(), data, Boolean.TRUE.equals(map.getOptional()));
            }
            var secret = source.getSecretRef();
            if (secret != null) {
                var data = objects.secret(namespace, secret.getName()).map(ConfigData::of);
                takeAll(source, "secret", secret.getName(), data, Boolean.TRUE.equals(secret.getOptional()));
            }
        }

        private void takeAll(
                EnvFromSource source, String kind, String name, Optional<Map<String, byte[]>> data, boolean optional)
                throws StartFailedException {
            if (data.isEmpty()) {
                if (optional) {
                    return;
                }
                throw notFound(kind, name);
            }
            String prefix = source.getPrefix() == null ? "" : source.getPrefix();
            List<String> invalid = new ArrayList<>();
            data.get().forEach((key, value) -> {
                if (isName(prefix + key)) {
                    variables.put(prefix + key, RawName.decode(value));
                } else {
                    invalid.add(prefix + key);
                }
            });
            if (!invalid.isEmpty()) {
                warnings.add(("Keys [%s] from the EnvFrom %s %s/%s were skipped since they are considered invalid"
                                + " environment variable names.")
                        .formatted(String.join(", ", invalid), kind, namespace, name));
            }
        }

        /** The API's rule since 1.34: printable ASCII without {@code =}. */
        private static boolean isName(String name) {
            return !name.isEmpty() && name.chars().allMatch(c -> c >= ' ' && c <= '~' && c != '=');
        }

        void take(EnvVar variable) throws StartFailedException {
            EnvVarSource source = variable.getValueFrom();
            if (source == null) {
                String value = variable.getValue() == null ? "" : variable.getValue();
                variables.put(variable.getName(), Expansion.expand(value, variables));
                return;
            }
            String value = value(variable.getName(), source);
            if (value != null) {
                variables.put(variable.getName(), value);
            }
        }

        /** Null for one that is optional and missing: then the variable is not set. */
        private @Nullable String value(String variable, EnvVarSource source) throws StartFailedException {
            var map = source.getConfigMapKeyRef();
            if (map != null) {
                var data = objects.configMap(namespace, map.getName()).map(ConfigData::text);
                return key("configMap", map.getName(), map.getKey(), data, Boolean.TRUE.equals(map.getOptional()));
            }
            var secret = source.getSecretKeyRef();
            if (secret != null) {
                var data = objects.secret(namespace, secret.getName()).map(ConfigData::of);
                return key(
                        "secret", secret.getName(), secret.getKey(), data, Boolean.TRUE.equals(secret.getOptional()));
            }
            try {
                if (source.getFileKeyRef() != null) {
                    return inFile(source.getFileKeyRef());
                }
                if (source.getFieldRef() != null) {
                    return PodFields.field(pod, source.getFieldRef().getFieldPath());
                }
                return PodFields.resource(pod, container, source.getResourceFieldRef(), allocatable);
            } catch (VolumeException | IOException e) {
                throw StartFailedException.config("env \"%s\": %s".formatted(variable, e.getMessage()));
            }
        }

        private @Nullable String inFile(FileKeySelector selector) throws VolumeException, IOException {
            Optional<String> value = files.find(selector.getVolumeName(), selector.getPath(), selector.getKey());
            if (value.isPresent() || Boolean.TRUE.equals(selector.getOptional())) {
                return value.orElse(null);
            }
            throw new IOException(
                    "environment variable key \"%s\" not found in file \"%s\" of volume \"%s\"; have an init container write it, or mark it optional"
                            .formatted(selector.getKey(), selector.getPath(), selector.getVolumeName()));
        }

        private @Nullable String key(
                String kind, String name, String key, Optional<Map<String, byte[]>> data, boolean optional)
                throws StartFailedException {
            if (data.isPresent() && data.get().containsKey(key)) {
                return RawName.decode(data.get().get(key));
            }
            if (optional) {
                return null;
            }
            if (data.isEmpty()) {
                throw notFound(kind, name);
            }
            throw StartFailedException.config("couldn't find key %s in %s %s/%s; it has %s"
                    .formatted(
                            key,
                            kind.equals("secret") ? "Secret" : "ConfigMap",
                            namespace,
                            name,
                            data.get().keySet()));
        }

        /** The kubelet's words, and what to do. */
        private StartFailedException notFound(String kind, String name) {
            return StartFailedException.config("%s \"%s\" not found in namespace \"%s\"; %s, or mark it optional"
                    .formatted(kind.equals("secret") ? "secret" : "configmap", name, namespace, objects.remedy()));
        }
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
