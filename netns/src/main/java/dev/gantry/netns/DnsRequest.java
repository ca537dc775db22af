package dev.gantry.netns;

import java.util.List;

/**
 * What decides over a pod's name resolution.
 *
 * @param namespace of the pod
 * @param hostNetwork whether the pod is on the host's network
 * @param podConfig the pod's own {@code dnsConfig}
 * @param node what the node itself uses
 * @param clusterServers the cluster's name servers; empty where there is no cluster
 * @param clusterDomain e.g. {@code cluster.local}; empty for none
 */
public record DnsRequest(
        String namespace,
        DnsPolicy policy,
        boolean hostNetwork,
        DnsConfig podConfig,
        DnsConfig node,
        List<String> clusterServers,
        String clusterDomain) {
    public DnsRequest {
        clusterServers = List.copyOf(clusterServers);
    }
}
