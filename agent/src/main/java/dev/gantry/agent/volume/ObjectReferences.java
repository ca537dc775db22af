package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which objects a pod refers to, optional ones among them. Pure. */
public final class ObjectReferences {
    private final String namespace;
    private final Set<ObjectKey> found = new HashSet<>();

    private ObjectReferences(String namespace) {
        this.namespace = namespace;
    }

    /** The keys of all ConfigMaps, Secrets and PersistentVolumeClaims that the pod names. */
    public static Set<ObjectKey> of(Pod pod) {
        ObjectReferences references = new ObjectReferences(pod.getMetadata().getNamespace());
        if (pod.getSpec() != null) {
            references.spec(pod.getSpec());
        }
        return references.found;
    }

    /** Whether the pod names this object. */
    public static boolean concerns(Pod pod, HasMetadata object) {
        return of(pod).contains(ObjectKey.of(object));
    }

    /** Whether any of the changed objects may matter to the pod: which volume a claim gets depends on all volumes. */
    public static boolean concern(Pod pod, Set<ObjectKey> changed) {
        Set<ObjectKey> named = of(pod);
        boolean claims = named.stream().anyMatch(ObjectReferences::isStorage);
        return changed.stream().anyMatch(key -> named.contains(key) || (claims && isStorage(key)));
    }

    private static boolean isStorage(ObjectKey key) {
        return key.kind().startsWith("PersistentVolume");
    }

    private void spec(PodSpec spec) {
        for (LocalObjectReference secret : orEmpty(spec.getImagePullSecrets())) {
            add("Secret", secret.getName());
        }
        Stream.concat(orEmpty(spec.getInitContainers()).stream(), orEmpty(spec.getContainers()).stream())
                .forEach(container -> environment(container.getEnv(), container.getEnvFrom()));
        orEmpty(spec.getEphemeralContainers())
                .forEach(container -> environment(container.getEnv(), container.getEnvFrom()));
        orEmpty(spec.getVolumes()).forEach(this::volume);
    }

    private void environment(@Nullable List<EnvVar> variables, @Nullable List<EnvFromSource> sources) {
        for (EnvVar variable : orEmpty(variables)) {
            if (variable.getValueFrom() != null) {
                var source = variable.getValueFrom();
                if (source.getConfigMapKeyRef() != null) {
                    add("ConfigMap", source.getConfigMapKeyRef().getName());
                }
                if (source.getSecretKeyRef() != null) {
                    add("Secret", source.getSecretKeyRef().getName());
                }
            }
        }
        for (EnvFromSource source : orEmpty(sources)) {
            if (source.getConfigMapRef() != null) {
                add("ConfigMap", source.getConfigMapRef().getName());
            }
            if (source.getSecretRef() != null) {
                add("Secret", source.getSecretRef().getName());
            }
        }
    }

    private void volume(Volume volume) {
        if (volume.getConfigMap() != null) {
            add("ConfigMap", volume.getConfigMap().getName());
        }
        if (volume.getSecret() != null) {
            add("Secret", volume.getSecret().getSecretName());
        }
        if (volume.getPersistentVolumeClaim() != null) {
            add("PersistentVolumeClaim", volume.getPersistentVolumeClaim().getClaimName());
        }
        if (volume.getProjected() != null) {
            for (VolumeProjection source : orEmpty(volume.getProjected().getSources())) {
                if (source.getConfigMap() != null) {
                    add("ConfigMap", source.getConfigMap().getName());
                }
                if (source.getSecret() != null) {
                    add("Secret", source.getSecret().getName());
                }
            }
        }
    }

    private void add(String kind, @Nullable String name) {
        if (name != null && !name.isEmpty()) {
            found.add(new ObjectKey(kind, namespace, name));
        }
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
