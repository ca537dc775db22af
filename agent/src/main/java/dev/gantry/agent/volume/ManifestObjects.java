package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The objects that lie beside the manifests, replaced as a whole, and those that came with pods of the API, which live as
 * long as their pod. Read by any thread.
 */
public final class ManifestObjects implements PodObjects {
    private volatile Map<ObjectKey, HasMetadata> objects = Map.of();
    private final Map<String, Map<ObjectKey, HasMetadata>> own = new ConcurrentHashMap<>();

    /** Takes the whole set; tells what is new, different or gone. */
    public Set<ObjectKey> replace(Collection<? extends HasMetadata> present) {
        Map<ObjectKey, HasMetadata> before = objects;
        Map<ObjectKey, HasMetadata> after = byKey(present);
        objects = after;
        Set<ObjectKey> changed = new HashSet<>(before.keySet());
        changed.addAll(after.keySet());
        changed.removeIf(key -> before.containsKey(key) && before.get(key).equals(after.get(key)));
        return changed;
    }

    /** Gives a pod objects of its own. */
    public void give(String podUid, Collection<? extends HasMetadata> objectsOfPod) {
        if (!objectsOfPod.isEmpty()) {
            own.put(podUid, byKey(objectsOfPod));
        }
    }

    /** The pod is gone, and its objects with it. */
    public void forget(String podUid) {
        own.remove(podUid);
    }

    private static Map<ObjectKey, HasMetadata> byKey(Collection<? extends HasMetadata> objects) {
        Map<ObjectKey, HasMetadata> map = new HashMap<>();
        objects.forEach(object -> map.put(ObjectKey.of(object), object));
        return Map.copyOf(map);
    }

    @Override
    public ConfigObjects of(Pod pod) {
        Map<ObjectKey, HasMetadata> mine = own.get(pod.getMetadata().getUid());
        return mine == null ? this : new Own(mine);
    }

    /** One pod's first, then the node's. */
    private final class Own implements ConfigObjects {
        private final Map<ObjectKey, HasMetadata> mine;

        Own(Map<ObjectKey, HasMetadata> mine) {
            this.mine = mine;
        }

        @Override
        public Optional<ConfigMap> configMap(String namespace, String name) {
            return find(mine, ConfigMap.class, namespace, name)
                    .or(() -> ManifestObjects.this.configMap(namespace, name));
        }

        @Override
        public Optional<Secret> secret(String namespace, String name) {
            return find(mine, Secret.class, namespace, name).or(() -> ManifestObjects.this.secret(namespace, name));
        }

        @Override
        public List<PersistentVolume> persistentVolumes() {
            return ManifestObjects.this.persistentVolumes();
        }

        @Override
        public List<PersistentVolumeClaim> persistentVolumeClaims() {
            return ManifestObjects.this.persistentVolumeClaims();
        }

        @Override
        public String remedy() {
            return ManifestObjects.this.remedy();
        }
    }

    @Override
    public Optional<ConfigMap> configMap(String namespace, String name) {
        return find(objects, ConfigMap.class, namespace, name);
    }

    @Override
    public Optional<Secret> secret(String namespace, String name) {
        return find(objects, Secret.class, namespace, name);
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

    private static <T extends HasMetadata> Optional<T> find(
            Map<ObjectKey, HasMetadata> objects, Class<T> type, String namespace, String name) {
        return Optional.ofNullable(objects.get(new ObjectKey(type.getSimpleName(), namespace, name)))
                .map(type::cast);
    }

    @Override
    public String remedy() {
        return "put a document of it beside the manifests";
    }
}
