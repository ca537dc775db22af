package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestObjectsTest {
    private final ManifestObjects objects = new ManifestObjects();

    @Test
    void whatIsNewDifferentOrGoneIsTold() {
        assertThat(objects.replace(List.of(map("a", "1"), map("b", "1"))))
                .containsExactlyInAnyOrder(key("a"), key("b"));
        assertThat(objects.replace(List.of(map("a", "1"), map("b", "1")))).isEmpty();

        assertThat(objects.replace(List.of(map("a", "2"), map("c", "1"))))
                .containsExactlyInAnyOrder(key("a"), key("b"), key("c"));
        assertThat(objects.configMap("default", "b")).isEmpty();
        assertThat(objects.configMap("other", "a")).isEmpty();
    }

    @Test
    void aPodsOwnObjectsAreItsAloneAndComeFirst() {
        objects.replace(List.of(map("a", "node"), map("b", "node")));
        objects.give("uid-1", List.of(map("a", "own")));

        assertThat(value(pod("uid-1"), "a")).isEqualTo("own");
        assertThat(value(pod("uid-1"), "b")).isEqualTo("node");
        assertThat(value(pod("uid-2"), "a")).isEqualTo("node");

        objects.forget("uid-1");
        assertThat(value(pod("uid-1"), "a")).isEqualTo("node");
    }

    @Test
    void aPodIsConcernedByWhatItNamesAndByAllVolumesIfItHasAClaim() {
        Pod pod = new PodBuilder(pod("uid-1"))
                .editOrNewSpec()
                .addNewVolume()
                .withName("v")
                .withNewProjected()
                .addNewSource()
                .withNewConfigMap()
                .withName("a")
                .endConfigMap()
                .endSource()
                .endProjected()
                .endVolume()
                .endSpec()
                .build();
        ObjectKey disk = new ObjectKey("PersistentVolume", "", "disk");

        assertThat(ObjectReferences.concern(pod, Set.of(key("a")))).isTrue();
        assertThat(ObjectReferences.concern(pod, Set.of(key("b"), disk))).isFalse();

        Pod claiming = new PodBuilder(pod)
                .editSpec()
                .addNewVolume()
                .withName("c")
                .withNewPersistentVolumeClaim("data", false)
                .endVolume()
                .endSpec()
                .build();
        assertThat(ObjectReferences.concern(claiming, Set.of(disk))).isTrue();
    }

    @Test
    void bindingsAreKeptOnDisk(@TempDir Path directory) throws Exception {
        Path claims = directory.resolve("claims");
        ClaimBindings bindings = new ClaimBindings(claims);
        assertThat(bindings.all()).isEmpty();

        bindings.keep("default/data", "disk");
        bindings.keep("shop/data.v2", "other");
        Files.writeString(claims.resolve("default_half.new"), "part");

        assertThat(new ClaimBindings(claims).all()).isEqualTo(Map.of("default/data", "disk", "shop/data.v2", "other"));
    }

    private String value(Pod pod, String name) {
        return objects.of(pod)
                .configMap("default", name)
                .map(map -> String.valueOf(map.getData().get("value")))
                .orElse("");
    }

    private static ObjectKey key(String name) {
        return new ObjectKey("ConfigMap", "default", name);
    }

    private static ConfigMap map(String name, String value) {
        return new ConfigMapBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName(name)
                .endMetadata()
                .addToData("value", value)
                .build();
    }

    private static Pod pod(String uid) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName("web")
                .withUid(uid)
                .endMetadata()
                .build();
    }
}
