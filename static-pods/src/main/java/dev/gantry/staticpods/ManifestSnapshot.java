package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * What a manifest directory asks for at one moment.
 *
 * @param pods static pods of this node, by name; one object stays the same as long as its manifest does
 * @param problems by file; what they concern is not among the pods, or is there as it last was right
 */
public record ManifestSnapshot(List<Pod> pods, List<Problem> problems) {
    public ManifestSnapshot {
        pods = List.copyOf(pods);
        problems = List.copyOf(problems);
    }

    /**
     * A manifest that cannot be followed.
     *
     * @param file its path
     * @param errors at least one
     * @param keptUids uids of the pods that go on as the file's last good revision had them; empty if there was none
     */
    public record Problem(String file, List<ManifestError> errors, List<String> keptUids) {
        public Problem {
            errors = List.copyOf(errors);
            keptUids = List.copyOf(keptUids);
        }
    }
}
