package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ClaimsTest {
    private final List<PersistentVolume> volumes = new ArrayList<>();
    private final List<PersistentVolumeClaim> claims = new ArrayList<>();
    private final Map<String, String> bindings = new TreeMap<>();

    @Test
    void theSmallestThatFitsIsTaken() throws VolumeException {
        volume("big", "10Gi");
        volume("fits", "2Gi");
        volume("small", "1Gi");

        assertThat(of(claim("data", "1500Mi"))).isEqualTo("fits");
    }

    @Test
    void equalOnesAreTakenByName() throws VolumeException {
        volume("b", "1Gi");
        volume("a", "1Gi");

        assertThat(of(claim("data", "1Gi"))).isEqualTo("a");
    }

    @Test
    void aVolumeThatNamesTheClaimComesFirstAndIsNoOthers() throws VolumeException {
        volume("a", "1Gi");
        volumes.add(new PersistentVolumeBuilder(volume("mine", "9Gi"))
                .editSpec()
                .withNewClaimRef()
                .withNamespace("default")
                .withName("data")
                .endClaimRef()
                .endSpec()
                .build());
        volumes.remove(1);

        assertThat(of(claim("data", "1Gi"))).isEqualTo("mine");
        assertThat(of(claim("other", "1Gi"))).isEqualTo("a");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim("third", "5Gi")))
                .withMessage("persistentvolumeclaim \"default/third\" is not bound: a: it has 1Gi, less than 5Gi;"
                        + " mine: it is bound to claim \"default/data\"");
    }

    @Test
    void aBindingHoldsWhateverComesLater() throws VolumeException {
        volume("a", "1Gi");
        volume("z", "9Gi");
        bindings.put("default/data", "z");

        assertThat(of(claim("data", "1Gi"))).isEqualTo("z");
        bindings.put("default/gone", "a");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim("new", "1Gi")))
                .withMessageContaining("a: it is bound to claim \"default/gone\"");
        volumes.clear();
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim("data", "1Gi")))
                .withMessage("persistentvolumeclaim \"default/data\" is bound to volume \"z\", which is not there;"
                        + " put its document beside the manifests again");
    }

    @Test
    void aClaimThatNamesItsVolumeGetsItOrSaysWhyNot() throws VolumeException {
        volume("a", "1Gi");
        volume("b", "1Gi");
        PersistentVolumeClaim named = new PersistentVolumeClaimBuilder(claim("data", "1Gi"))
                .editSpec()
                .withVolumeName("b")
                .endSpec()
                .build();
        claims.add(named);
        claims.remove(0);

        assertThat(of(named)).isEqualTo("b");
        assertThat(of(claim("other", "1Gi"))).isEqualTo("a");

        named.getSpec().setStorageClassName("fast");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(named))
                .withMessage("persistentvolumeclaim \"default/data\" cannot have its volume \"b\":"
                        + " its storageClassName is \"\", not \"fast\"");
        named.getSpec().setVolumeName("none");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(named))
                .withMessage("persistentvolume \"none\" not found; put a document of it beside the manifests");
    }

    @Test
    void modesLabelsAndNodesHaveToFit() {
        volume("once", "1Gi").getSpec().setAccessModes(List.of("ReadWriteOnce"));
        PersistentVolume elsewhere = new PersistentVolumeBuilder(volume("elsewhere", "1Gi"))
                .editSpec()
                .withNewNodeAffinity()
                .withNewRequired()
                .endRequired()
                .endNodeAffinity()
                .endSpec()
                .build();
        volumes.set(1, elsewhere);
        elsewhere.getMetadata().setLabels(Map.of("disk", "fast"));
        PersistentVolumeClaim claim = new PersistentVolumeClaimBuilder(claim("data", "1Gi"))
                .editSpec()
                .withAccessModes("ReadWriteMany")
                .withNewSelector()
                .addToMatchLabels("disk", "fast")
                .endSelector()
                .endSpec()
                .build();

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim))
                .withMessage("persistentvolumeclaim \"default/data\" is not bound: elsewhere: is not for this node;"
                        + " once: its accessModes are [ReadWriteOnce], not [ReadWriteMany]");
        volumes.get(0).getSpec().setAccessModes(List.of("ReadWriteMany", "ReadWriteOnce"));
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim))
                .withMessageContaining("once: the claim's selector does not match its labels");
    }

    @Test
    void withoutAnyVolumeTheRemedyIsSaid() {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> of(claim("data", "1Gi")))
                .withMessage("persistentvolumeclaim \"default/data\" is not bound: there is no persistentvolume beside"
                        + " the manifests; put one there");
    }

    private String of(PersistentVolumeClaim claim) throws VolumeException {
        return new Claims(volumes, claims, bindings, selector -> false)
                .volume(claim)
                .getMetadata()
                .getName();
    }

    private PersistentVolume volume(String name, String capacity) {
        PersistentVolume volume = new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .addToCapacity("storage", new Quantity(capacity))
                .withAccessModes("ReadWriteOnce", "ReadWriteMany")
                .endSpec()
                .build();
        volumes.add(volume);
        return volume;
    }

    private PersistentVolumeClaim claim(String name, String request) {
        PersistentVolumeClaim claim = new PersistentVolumeClaimBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .withAccessModes("ReadWriteOnce")
                .withNewResources()
                .addToRequests("storage", new Quantity(request))
                .endResources()
                .endSpec()
                .build();
        claims.add(claim);
        return claim;
    }
}
