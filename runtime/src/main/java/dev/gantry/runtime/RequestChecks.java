package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.DNSConfig;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.runtime.spec.PodUsers;
import dev.gantry.runtime.spec.SpecException;
import java.nio.file.Path;
import java.util.List;

/** What has to be right in a request before anything is made for it, and is not the business of a more special place. */
final class RequestChecks {
    /** HOST_NAME_MAX: gethostname(2). */
    private static final int MAX_HOSTNAME = 64;

    private RequestChecks() {}

    static void pod(PodSandboxConfig config) throws SpecException {
        if (config.getMetadata().getName().isEmpty()
                || config.getMetadata().getUid().isEmpty()) {
            throw SpecException.invalid("metadata: name and uid are needed");
        }
        // The name becomes the host name where there is none, the uid a directory.
        words(
                "metadata",
                List.of(
                        config.getMetadata().getName(),
                        config.getMetadata().getUid(),
                        config.getMetadata().getNamespace()));
        namespaces(config.getLinux().getSecurityContext().getNamespaceOptions());
        String hostname = config.getHostname();
        if (hostname.length() > MAX_HOSTNAME || !hostname.matches("[A-Za-z0-9._-]*")) {
            throw SpecException.invalid(
                    "hostname '%s': at most %d letters, digits, '.', '-', '_'", hostname, MAX_HOSTNAME);
        }
        DNSConfig dns = config.getDnsConfig();
        words("dns_config.servers", dns.getServersList());
        words("dns_config.searches", dns.getSearchesList());
        words("dns_config.options", dns.getOptionsList());
        words("linux.cgroup_parent", List.of(config.getLinux().getCgroupParent()));
        String logs = config.getLogDirectory();
        if (!logs.isEmpty() && (!logs.startsWith("/") || logs.indexOf('\0') >= 0)) {
            throw SpecException.invalid("log_directory '%s': must be an absolute path", logs);
        }
    }

    private static void namespaces(NamespaceOption namespaces) throws SpecException {
        PodUsers.of(namespaces);
        if (namespaces.getNetwork() != NamespaceMode.POD && namespaces.getNetwork() != NamespaceMode.NODE) {
            throw SpecException.invalid(
                    "namespace_options.network: must be POD or NODE, is %s", namespaces.getNetwork());
        }
        if (namespaces.getIpc() != NamespaceMode.POD && namespaces.getIpc() != NamespaceMode.NODE) {
            throw SpecException.invalid("namespace_options.ipc: must be POD or NODE, is %s", namespaces.getIpc());
        }
        if (namespaces.getPid() == NamespaceMode.UNRECOGNIZED) {
            throw SpecException.invalid("namespace_options.pid: unknown value %d", namespaces.getPidValue());
        }
        if (namespaces.getPid() == NamespaceMode.TARGET) {
            throw SpecException.invalid("namespace_options.pid: a sandbox has no target");
        }
    }

    /** They become parts of lines in files. */
    private static void words(String field, List<String> texts) throws SpecException {
        for (String text : texts) {
            if (text.chars().anyMatch(c -> c <= ' ' || c == 127)) {
                throw SpecException.invalid("%s '%s': white space and control characters cannot be in it", field, text);
            }
        }
    }

    static void container(PodSandboxConfig pod, ContainerConfig config) throws SpecException {
        if (config.getMetadata().getName().isEmpty()) {
            throw SpecException.invalid("metadata: a name is needed");
        }
        String log = config.getLogPath();
        if (pod.getLogDirectory().isEmpty() || log.isEmpty()) {
            return;
        }
        Path directory = Path.of(pod.getLogDirectory()).normalize();
        if (log.indexOf('\0') >= 0
                || !directory.resolve(log).normalize().startsWith(directory)
                || directory.resolve(log).normalize().equals(directory)) {
            throw SpecException.invalid("log_path '%s': must be below the pod's log_directory '%s'", log, directory);
        }
    }
}
