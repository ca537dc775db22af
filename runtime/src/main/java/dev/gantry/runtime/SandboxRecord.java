package dev.gantry.runtime;

import java.time.Instant;
import java.util.List;

/**
 * What must survive us of a sandbox, beside its configuration.
 *
 * @param hostname as inside the pod; empty: the host's
 * @param cgroup path of the pod's cgroup as the tree names it
 * @param ownsCgroup whether the pod's cgroup is this runtime's; otherwise it was there before, and its limits are those of
 *     whoever made it: a kubelet
 * @param networked whether the pod network has been asked for an address, which must be given back
 * @param ips of the pod, the primary one first
 */
record SandboxRecord(
        Phase phase,
        Instant createdAt,
        String handler,
        String hostname,
        String cgroup,
        boolean ownsCgroup,
        boolean networked,
        List<String> ips) {
    /** Each but READY means, at the next start: take down what there is. */
    enum Phase {
        CREATING,
        READY,
        STOPPED,
        REMOVING
    }

    SandboxRecord {
        ips = List.copyOf(ips);
    }

    SandboxRecord in(Phase next) {
        return new SandboxRecord(next, createdAt, handler, hostname, cgroup, ownsCgroup, networked, ips);
    }

    SandboxRecord ready(List<String> addresses) {
        return new SandboxRecord(Phase.READY, createdAt, handler, hostname, cgroup, ownsCgroup, networked, addresses);
    }

    SandboxRecord withoutNetwork() {
        return new SandboxRecord(Phase.STOPPED, createdAt, handler, hostname, cgroup, ownsCgroup, false, ips);
    }
}
