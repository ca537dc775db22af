package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The objects that lie beside the manifests. Replaced as a whole, read by any thread. */
public final class ManifestObjects implements ConfigObjects {
    private volatile Map<ObjectKey, HasMetadata> objects = Map.of();

    /** Takes the whole set; tells what is new, different or gone. */
    public Set<ObjectKey> replace(Collection<HasMetadata> present) {
        Map<ObjectKey, HasMetadata> before = objects;
        Map<ObjectKey, HasMetadata> after = new HashMap<>();
        present.forEach(object -> after.put(ObjectKey.of(object), object));
        objects = Map.copyOf(after);
        Set<ObjectKey> changed = new HashSet<>(before.keySet());
        changed.addAll(after.keySet());
        changed.removeIf(key -> before.containsKey(key) && before.get(key).equals(after.get(key)));
        return changed;
    }

    @Override
    public Optional<ConfigMap> configMap(String namespace, String name) {
        return find(ConfigMap.class, namespace, name);
    }

    @Override
    public Optional<Secret> secret(String namespace, String name) {
        return find(Secret.class, namespace, name);
    }

    @Override
    public List<PersistentVolume> persistentVolumes() {
        return all(PersistentVolume.class);
    }

    @Override
    public List<PersistentVolumeClaim> persistentVolumeClaims() {
        return all(PersistentVolumeClaim.class);
    }

    private <T extends HasMetadata> List<T> all(Class<T> type) {
        return objects.values().stream()
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
    }

    private <T extends HasMetadata> Optional<T> find(Class<T> type, String namespace, String name) {
        return Optional.ofNullable(objects.get(new ObjectKey(type.getSimpleName(), namespace, name)))
                .map(type::cast);
    }

    @Override
    public String remedy() {
        return "put a document of it beside the manifests";
    }
}
