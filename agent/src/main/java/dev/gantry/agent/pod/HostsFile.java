package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.HostAlias;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of a pod's {@code /etc/hosts}, in the kubelet's form, which programs recognise by its first line. */
final class HostsFile {
    private static final String OWN = """
            # Kubernetes-managed hosts file.
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            fe00::0\tip6-mcastprefix
            fe00::1\tip6-allnodes
            fe00::2\tip6-allrouters
            """;

    private static final String NODES = "# Kubernetes-managed hosts file (host network).\n";

    private HostsFile() {}

    /** For a pod with addresses of its own. */
    static String of(List<String> ips, PodHostName name, @Nullable List<HostAlias> aliases) {
        StringBuilder text = new StringBuilder(OWN);
        ips.forEach(ip -> text.append(ip).append('\t').append(name.hostsEntry()).append('\n'));
        return text.append(entries(aliases)).toString();
    }

    /**
     * For a pod with the node's addresses.
     *
     * @param nodes content of the node's own file
     */
    static String ofNode(String nodes, @Nullable List<HostAlias> aliases) {
        String separator = nodes.isEmpty() || nodes.endsWith("\n") ? "" : "\n";
        return NODES + nodes + separator + entries(aliases);
    }

    private static String entries(@Nullable List<HostAlias> aliases) {
        if (aliases == null || aliases.isEmpty()) {
            return "";
        }
        StringBuilder text = new StringBuilder("\n# Entries added by HostAliases.\n");
        for (HostAlias alias : aliases) {
            List<String> names = alias.getHostnames() == null ? List.of() : alias.getHostnames();
            text.append(alias.getIp())
                    .append('\t')
                    .append(String.join("\t", names))
                    .append('\n');
        }
        return text.toString();
    }
}
