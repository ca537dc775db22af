package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import java.util.List;
import java.util.Optional;

/** Where the objects that pods refer to are looked up: documents beside the manifests, or an apiserver. Answers from memory. */
public interface ConfigObjects {
    /** Where there are none. */
    ConfigObjects NONE = new ConfigObjects() {
        @Override
        public Optional<ConfigMap> configMap(String namespace, String name) {
            return Optional.empty();
        }

        @Override
        public Optional<Secret> secret(String namespace, String name) {
            return Optional.empty();
        }

        @Override
        public List<PersistentVolume> persistentVolumes() {
            return List.of();
        }

        @Override
        public List<PersistentVolumeClaim> persistentVolumeClaims() {
            return List.of();
        }

        @Override
        public String remedy() {
            return "there is nothing here that holds ConfigMaps and Secrets";
        }
    };

    Optional<ConfigMap> configMap(String namespace, String name);

    Optional<Secret> secret(String namespace, String name);

    /** All of them. */
    List<PersistentVolume> persistentVolumes();

    /** All of them, of all namespaces. */
    List<PersistentVolumeClaim> persistentVolumeClaims();

    /** What to do about a missing object, for the end of an error message: {@code create it in …}. */
    String remedy();
}
