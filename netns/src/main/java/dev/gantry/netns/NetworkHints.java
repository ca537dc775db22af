package dev.gantry.netns;

import java.util.Map;

/**
 * What plugins may want to know of a pod beside who it is. The built-in network needs none of it.
 *
 * @param annotations of the pod
 * @param dns the pod's name servers
 * @param cgroupParent the pod's cgroup as CRI names it; empty if unknown
 */
public record NetworkHints(Map<String, String> annotations, DnsConfig dns, String cgroupParent) {
    public static final NetworkHints NONE = new NetworkHints(Map.of(), DnsConfig.EMPTY, "");

    public NetworkHints {
        annotations = Map.copyOf(annotations);
    }
}
