package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * What a manifest holds, or everything that is wrong with it.
 *
 * @param pods in the order of the file, with defaults filled in, valid; complete only if there are no errors
 * @param errors in the order of the file
 */
public record DecodedManifest(List<DecodedPod> pods, List<ManifestError> errors) {
    public DecodedManifest {
        pods = List.copyOf(pods);
        errors = List.copyOf(errors);
    }

    /**
     * One pod of a manifest.
     *
     * @param canonical the document without comments, layout and order of keys: equal for equal content
     * @param position where the document begins
     */
    public record DecodedPod(Pod pod, String canonical, Position position) {}
}
