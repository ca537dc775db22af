package dev.gantry.netns;

import java.util.ArrayList;
import java.util.List;

/**
 * A pod's name resolution as the kubelet decides it.
 *
 * @param config what the pod gets
 * @param warnings what was left out or replaced, for the pod's events
 */
public record PodDns(DnsConfig config, List<Warning> warnings) {
    private static final int MAX_SERVERS = 3;
    private static final int MAX_SEARCHES = 32;
    private static final int MAX_SEARCH_LENGTH = 2048;
    private static final int MAX_DOMAIN_LENGTH = 255;

    public PodDns {
        warnings = List.copyOf(warnings);
    }

    /**
     * Something to tell the pod's owner.
     *
     * @param reason of the event: {@code MissingClusterDNS} or {@code DNSConfigForming}
     */
    public record Warning(String reason, String message) {}

    public static PodDns decide(DnsRequest request) {
        List<Warning> warnings = new ArrayList<>();
        DnsConfig base = base(request, warnings);
        return new PodDns(limited(base.with(request.podConfig()), warnings), warnings);
    }

    private static DnsConfig base(DnsRequest request, List<Warning> warnings) {
        return switch (request.policy()) {
            case NONE -> DnsConfig.EMPTY;
            case DEFAULT -> request.node();
            case CLUSTER_FIRST_WITH_HOST_NET -> cluster(request, warnings);
            case CLUSTER_FIRST -> request.hostNetwork() ? request.node() : cluster(request, warnings);
        };
    }

    private static DnsConfig cluster(DnsRequest request, List<Warning> warnings) {
        if (request.clusterServers().isEmpty()) {
            warnings.add(new Warning(
                    "MissingClusterDNS",
                    "dnsPolicy %s falls back to Default: the agent has no clusterDNS configured"
                            .formatted(request.policy().text())));
            return request.node();
        }
        List<String> searches = new ArrayList<>();
        String domain = request.clusterDomain();
        if (!domain.isEmpty()) {
            searches.add(request.namespace() + ".svc." + domain);
            searches.add("svc." + domain);
            searches.add(domain);
        }
        DnsConfig cluster = new DnsConfig(request.clusterServers(), searches, List.of("ndots:5"));
        return cluster.with(new DnsConfig(List.of(), request.node().searches(), List.of()));
    }

    /** More than this the C library ignores, or the API does not allow. */
    private static DnsConfig limited(DnsConfig config, List<Warning> warnings) {
        List<String> servers = config.servers();
        if (servers.size() > MAX_SERVERS) {
            servers = servers.subList(0, MAX_SERVERS);
            warnings.add(forming("Nameserver limits were exceeded, some nameservers have been omitted, the applied"
                    + " nameserver line is: " + String.join(" ", servers)));
        }
        List<String> searches = limitedSearches(config.searches());
        if (searches.size() < config.searches().size()) {
            warnings.add(forming("Search Line limits were exceeded, some search paths have been omitted, the applied"
                    + " search line is: " + String.join(" ", searches)));
        }
        return new DnsConfig(servers, searches, config.options());
    }

    private static List<String> limitedSearches(List<String> searches) {
        List<String> kept = new ArrayList<>();
        int length = 0;
        for (String domain : searches) {
            if (domain.length() > MAX_DOMAIN_LENGTH) {
                continue;
            }
            length += domain.length() + (kept.isEmpty() ? 0 : 1);
            if (kept.size() == MAX_SEARCHES || length > MAX_SEARCH_LENGTH) {
                break;
            }
            kept.add(domain);
        }
        return kept;
    }

    private static Warning forming(String message) {
        return new Warning("DNSConfigForming", message);
    }
}
