package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * What a manifest holds, or everything that is wrong with it.
 *
 * @param pods in the order of the file, with defaults filled in, valid; complete only if there are no errors
 * @param objects what pods refer to (ConfigMap, Secret, PersistentVolume, PersistentVolumeClaim), likewise
 * @param errors in the order of the file
 */
public record DecodedManifest(List<DecodedPod> pods, List<DecodedObject> objects, List<ManifestError> errors) {
    public DecodedManifest {
        pods = List.copyOf(pods);
        objects = List.copyOf(objects);
        errors = List.copyOf(errors);
    }

    /**
     * One pod of a manifest.
     *
     * @param canonical the document without comments, layout and order of keys: equal for equal content
     * @param position where the document begins
     */
    public record DecodedPod(Pod pod, String canonical, Position position) {}

    /**
     * One object that is no pod.
     *
     * @param position where the document begins
     */
    public record DecodedObject(HasMetadata object, Position position) {
        /** {@code ConfigMap default/web}, without the namespace for what has none. */
        public String name() {
            String namespace = object.getMetadata().getNamespace();
            return object.getKind() + " " + (namespace == null ? "" : namespace + "/")
                    + object.getMetadata().getName();
        }

        /** Without the content, which may be secret. */
        @Override
        public String toString() {
            return name() + " at " + position;
        }
    }
}
