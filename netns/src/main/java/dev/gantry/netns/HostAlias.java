package dev.gantry.netns;

import java.util.List;

/** Names for an address, of a pod's {@code hostAliases}. */
public record HostAlias(String ip, List<String> hostnames) {
    public HostAlias {
        hostnames = List.copyOf(hostnames);
    }
}
