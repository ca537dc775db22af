package dev.gantry.cgroups;

/**
 * What this machine does not offer, and what to do about it: data for node conditions, events and {@code gantry check}.
 *
 * @param what e.g. {@code cgroup controller memory}
 * @param reason why it is not there
 * @param remedy what an operator can do; empty if nothing
 */
public record Missing(String what, String reason, String remedy) {
    @Override
    public String toString() {
        return remedy.isEmpty() ? what + ": " + reason : what + ": " + reason + "; " + remedy;
    }
}
