package dev.gantry.agent.pod;

import dev.gantry.cri.v1.DNSConfig;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodDNSConfig;
import io.fabric8.kubernetes.api.model.PodDNSConfigOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What stands in a pod's {@code resolv.conf}.
 *
 * @param clusterServers addresses of the cluster's DNS; without any, ClusterFirst means Default
 * @param clusterDomain such as {@code cluster.local}; may be empty
 */
public record PodDns(List<String> clusterServers, String clusterDomain) {
    /** As resolv.conf(5) has it: more are ignored. */
    private static final int MAX_SERVERS = 3;

    private static final int MAX_SEARCHES = 32;
    private static final int MAX_SEARCH_CHARACTERS = 2048;

    /** Of a domain name. */
    private static final int MAX_SEARCH = 255;

    /** No cluster, as on a node by itself. */
    public static final PodDns NONE = new PodDns(List.of(), "");

    public PodDns {
        clusterServers = List.copyOf(clusterServers);
    }

    /**
     * The configuration for one pod.
     *
     * @param hostResolvConf content of the host's file
     */
    DNSConfig configOf(Pod pod, String hostResolvConf) {
        Wanted wanted = wanted(pod, hostResolvConf);
        DNSConfig.Builder config =
                DNSConfig.newBuilder().addAllServers(wanted.fittingServers()).addAllSearches(wanted.fittingSearches());
        wanted.options.forEach((name, value) -> config.addOptions(value.isEmpty() ? name : name + ":" + value));
        return config.build();
    }

    /** What {@link #configOf} leaves out, in the kubelet's words. */
    List<String> omissions(Pod pod, String hostResolvConf) {
        Wanted wanted = wanted(pod, hostResolvConf);
        List<String> servers = wanted.fittingServers();
        List<String> searches = wanted.fittingSearches();
        List<String> omissions = new ArrayList<>();
        if (servers.size() < wanted.servers.size()) {
            omissions.add(
                    "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
                            + String.join(" ", servers));
        }
        if (searches.size() < wanted.searches.size()) {
            omissions.add(
                    "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
                            + String.join(" ", searches));
        }
        return omissions;
    }

    private record Wanted(Set<String> servers, Set<String> searches, Map<String, String> options) {
        List<String> fittingServers() {
            return servers.stream().limit(MAX_SERVERS).toList();
        }

        List<String> fittingSearches() {
            List<String> fitting = new ArrayList<>();
            int characters = 0;
            for (String search : searches) {
                int more = search.length() + (fitting.isEmpty() ? 0 : 1);
                if (search.length() <= MAX_SEARCH
                        && fitting.size() < MAX_SEARCHES
                        && characters + more <= MAX_SEARCH_CHARACTERS) {
                    fitting.add(search);
                    characters += more;
                }
            }
            return fitting;
        }
    }

    private Wanted wanted(Pod pod, String hostResolvConf) {
        String policy = String.valueOf(pod.getSpec().getDnsPolicy());
        boolean hostNetwork = Boolean.TRUE.equals(pod.getSpec().getHostNetwork());
        boolean cluster = policy.equals("ClusterFirstWithHostNet") || (policy.equals("ClusterFirst") && !hostNetwork);
        Set<String> servers = new LinkedHashSet<>();
        Set<String> searches = new LinkedHashSet<>();
        Map<String, String> options = new LinkedHashMap<>();
        if (!policy.equals("None")) {
            host(hostResolvConf, servers, searches, options);
        }
        if (cluster && !clusterServers.isEmpty()) {
            servers.clear();
            servers.addAll(clusterServers);
            options.clear();
            options.put("ndots", "5");
            List<String> hostSearches = new ArrayList<>(searches);
            searches.clear();
            if (!clusterDomain.isEmpty()) {
                searches.add(pod.getMetadata().getNamespace() + ".svc." + clusterDomain);
                searches.add("svc." + clusterDomain);
                searches.add(clusterDomain);
            }
            searches.addAll(hostSearches);
        }
        PodDNSConfig own = pod.getSpec().getDnsConfig();
        if (own != null) {
            servers.addAll(own.getNameservers() == null ? List.of() : own.getNameservers());
            searches.addAll(own.getSearches() == null ? List.of() : own.getSearches());
            for (PodDNSConfigOption option :
                    own.getOptions() == null ? List.<PodDNSConfigOption>of() : own.getOptions()) {
                options.put(option.getName(), option.getValue() == null ? "" : option.getValue());
            }
        }
        return new Wanted(servers, searches, options);
    }

    private static void host(
            String resolvConf, Set<String> servers, Set<String> searches, Map<String, String> options) {
        for (String line : resolvConf.lines().toList()) {
            String[] words = line.strip().split("\\s+", -1);
            switch (words[0]) {
                case "nameserver" -> {
                    if (words.length > 1) {
                        servers.add(words[1]);
                    }
                }
                case "search", "domain" -> {
                    // The last one counts.
                    searches.clear();
                    for (int i = 1; i < words.length; i++) {
                        searches.add(
                                words[i].endsWith(".") && words[i].length() > 1
                                        ? words[i].substring(0, words[i].length() - 1)
                                        : words[i]);
                    }
                }
                case "options" -> {
                    for (int i = 1; i < words.length; i++) {
                        String[] parts = words[i].split(":", 2);
                        options.put(parts[0], parts.length > 1 ? parts[1] : "");
                    }
                }
                default -> {
                    // A comment, or something that CRI has no words for.
                }
            }
        }
    }
}
