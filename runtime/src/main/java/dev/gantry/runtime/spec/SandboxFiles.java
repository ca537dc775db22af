package dev.gantry.runtime.spec;

import java.util.Optional;

/** Host paths of the files that a pod's containers share under {@code /etc}; an absent one is not mounted. */
public record SandboxFiles(Optional<String> hosts, Optional<String> hostname, Optional<String> resolvConf) {
    public static final SandboxFiles NONE = new SandboxFiles(Optional.empty(), Optional.empty(), Optional.empty());
}
