package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Volume;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which of the API's volume sources a volume has. */
public final class VolumeSources {
    private VolumeSources() {}

    /** The names of the sources that are set, as fields of the API; exactly one in a valid volume. */
    public static List<String> of(Volume volume) {
        List<String> found = new ArrayList<>(1);
        add(found, "awsElasticBlockStore", volume.getAwsElasticBlockStore());
        add(found, "azureDisk", volume.getAzureDisk());
        add(found, "azureFile", volume.getAzureFile());
        add(found, "cephfs", volume.getCephfs());
        add(found, "cinder", volume.getCinder());
        add(found, "configMap", volume.getConfigMap());
        add(found, "csi", volume.getCsi());
        add(found, "downwardAPI", volume.getDownwardAPI());
        add(found, "emptyDir", volume.getEmptyDir());
        add(found, "ephemeral", volume.getEphemeral());
        add(found, "fc", volume.getFc());
        add(found, "flexVolume", volume.getFlexVolume());
        add(found, "flocker", volume.getFlocker());
        add(found, "gcePersistentDisk", volume.getGcePersistentDisk());
        add(found, "gitRepo", volume.getGitRepo());
        add(found, "glusterfs", volume.getGlusterfs());
        add(found, "hostPath", volume.getHostPath());
        add(found, "image", volume.getImage());
        add(found, "iscsi", volume.getIscsi());
        add(found, "nfs", volume.getNfs());
        add(found, "persistentVolumeClaim", volume.getPersistentVolumeClaim());
        add(found, "photonPersistentDisk", volume.getPhotonPersistentDisk());
        add(found, "portworxVolume", volume.getPortworxVolume());
        add(found, "projected", volume.getProjected());
        add(found, "quobyte", volume.getQuobyte());
        add(found, "rbd", volume.getRbd());
        add(found, "scaleIO", volume.getScaleIO());
        add(found, "secret", volume.getSecret());
        add(found, "storageos", volume.getStorageos());
        add(found, "vsphereVolume", volume.getVsphereVolume());
        return found;
    }

    private static void add(List<String> found, String name, @Nullable Object source) {
        if (source != null) {
            found.add(name);
        }
    }
}
