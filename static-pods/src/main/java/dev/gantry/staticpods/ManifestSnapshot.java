package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * What a manifest directory asks for at one moment.
 *
 * @param pods static pods of this node, by name; one object stays the same as long as its manifest does
 * @param objects what the pods may refer to: ConfigMaps, Secrets, PersistentVolumes, PersistentVolumeClaims
 * @param problems by file; what they concern is not among the pods and objects, or is there as it last was right
 */
public record ManifestSnapshot(List<Pod> pods, List<HasMetadata> objects, List<Problem> problems) {
    /** Of an empty directory. */
    public static final ManifestSnapshot EMPTY = new ManifestSnapshot(List.of(), List.of(), List.of());

    public ManifestSnapshot {
        pods = List.copyOf(pods);
        objects = List.copyOf(objects);
        problems = List.copyOf(problems);
    }

    /** Without the content of objects, which may be secret. */
    @Override
    public String toString() {
        return "%d pods, %d objects, problems %s".formatted(pods.size(), objects.size(), problems);
    }

    /**
     * A manifest that cannot be followed.
     *
     * @param file its path
     * @param errors at least one
     * @param keptUids uids of the pods that go on as the file's last good revision had them; empty if there was none
     * @param kept whether there is such a revision, of pods or of other objects
     */
    public record Problem(String file, List<ManifestError> errors, List<String> keptUids, boolean kept) {
        public Problem {
            errors = List.copyOf(errors);
            keptUids = List.copyOf(keptUids);
        }
    }
}
