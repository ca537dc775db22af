package dev.gantry.agent.pod;

import java.nio.file.Path;

/**
 * Where a pod's files lie.
 *
 * @param pods one directory per pod uid: volumes, hosts files, termination messages, the record
 * @param logs {@code /var/log/pods}, as log collectors expect it
 * @param seccomp profiles of type Localhost
 */
public record PodPaths(Path pods, Path logs, Path seccomp) {
    /** Which volumes PersistentVolumeClaims have: beside the pods, which come and go. */
    Path claims() {
        return pods.resolveSibling("claims");
    }

    Path pod(String uid) {
        return pods.resolve(uid);
    }

    /** {@code <namespace>_<name>_<uid>}. */
    Path logDirectory(String namespace, String name, String uid) {
        return logs.resolve(namespace + "_" + name + "_" + uid);
    }
}
