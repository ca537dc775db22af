package dev.gantry.netns;

import java.util.List;

/** The files by which programs in a pod find names, in the form that the kubelet gives them. */
public final class NetworkFiles {
    private static final String HEADER = "# Kubernetes-managed hosts file.\n";
    private static final String HOST_NETWORK_HEADER = "# Kubernetes-managed hosts file (host network).\n";
    private static final String LOCAL_ENTRIES = """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            fe00::0\tip6-mcastprefix
            fe00::1\tip6-allnodes
            fe00::2\tip6-allrouters
            """;

    /** Of one label, by RFC 1123. */
    private static final int MAX_HOSTNAME = 63;
    /** Of limits.h. */
    private static final int HOST_NAME_MAX = 64;

    private NetworkFiles() {}

    /**
     * {@code /etc/hosts} of a pod with a network of its own.
     *
     * @param ips the pod's
     * @param domain what follows the host name in the pod's full name; empty for none
     */
    public static String hosts(List<String> ips, String hostname, String domain, List<HostAlias> aliases) {
        StringBuilder text = new StringBuilder(HEADER).append(LOCAL_ENTRIES);
        for (String ip : ips) {
            text.append(ip).append('\t');
            if (!domain.isEmpty()) {
                text.append(hostname).append('.').append(domain).append('\t');
            }
            text.append(hostname).append('\n');
        }
        return text.append(aliases(aliases)).toString();
    }

    /**
     * {@code /etc/hosts} of a pod on the host's network.
     *
     * @param nodeFile the host's own file
     */
    public static String hostsOfHostNetwork(String nodeFile, List<HostAlias> aliases) {
        return HOST_NETWORK_HEADER + nodeFile + aliases(aliases);
    }

    private static String aliases(List<HostAlias> aliases) {
        if (aliases.isEmpty()) {
            return "";
        }
        StringBuilder text = new StringBuilder("\n# Entries added by HostAliases.\n");
        for (HostAlias alias : aliases) {
            text.append(alias.ip())
                    .append('\t')
                    .append(String.join("\t", alias.hostnames()))
                    .append('\n');
        }
        return text.toString();
    }

    /** {@code /etc/hostname}. */
    public static String hostname(String hostname) {
        return hostname + "\n";
    }

    /**
     * A pod's host name.
     *
     * @param podHostname of the pod's spec; empty to take its name
     */
    public static String hostnameOf(String podHostname, String podName) {
        if (!podHostname.isEmpty()) {
            return podHostname;
        }
        String name = podName.length() > MAX_HOSTNAME ? podName.substring(0, MAX_HOSTNAME) : podName;
        return name.replaceFirst("[-.]+$", "");
    }

    /**
     * What follows the host name in a pod's full name.
     *
     * @param subdomain of the pod's spec; empty for none, then there is no full name
     */
    public static String domainOf(String subdomain, String namespace, String clusterDomain) {
        if (subdomain.isEmpty()) {
            return "";
        }
        return subdomain + "." + namespace + ".svc" + (clusterDomain.isEmpty() ? "" : "." + clusterDomain);
    }

    /**
     * The host name of a pod with {@code setHostnameAsFQDN: true}.
     *
     * @throws NetworkException if it is longer than the kernel takes
     */
    public static String fullHostname(String hostname, String domain) throws NetworkException {
        String full = domain.isEmpty() ? hostname : hostname + "." + domain;
        if (full.length() > HOST_NAME_MAX) {
            throw new NetworkException("setHostnameAsFQDN: the full name '" + full + "' has " + full.length()
                    + " characters, the kernel takes " + HOST_NAME_MAX + "; shorten hostname or subdomain");
        }
        return full;
    }

    /** {@code /etc/resolv.conf}. */
    public static String resolvConf(DnsConfig config) {
        StringBuilder text = new StringBuilder();
        if (!config.searches().isEmpty()) {
            text.append("search ").append(String.join(" ", config.searches())).append('\n');
        }
        config.servers()
                .forEach(server -> text.append("nameserver ").append(server).append('\n'));
        if (!config.options().isEmpty()) {
            text.append("options ").append(String.join(" ", config.options())).append('\n');
        }
        return text.toString();
    }
}
