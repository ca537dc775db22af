package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.Optional;

/**
 * What a pod is called.
 *
 * @param name without a domain, unless the pod asks for another name altogether
 * @param domain empty if the pod has no subdomain
 * @param kernel what gethostname(2) says in it
 */
public record PodHostName(String name, String domain, String kernel) {
    /** Of a DNS label. */
    private static final int MAX_LABEL = 63;

    /** HOST_NAME_MAX of Linux. */
    private static final int MAX_KERNEL = 64;

    /**
     * By the kubelet's rules.
     *
     * @param clusterDomain may be empty
     */
    static PodHostName of(Pod pod, String clusterDomain) {
        PodSpec spec = pod.getSpec();
        if (isSet(spec.getHostnameOverride())) {
            return new PodHostName(spec.getHostnameOverride(), "", spec.getHostnameOverride());
        }
        String name = isSet(spec.getHostname())
                ? spec.getHostname()
                : pod.getMetadata().getName();
        name = name.length() > MAX_LABEL ? name.substring(0, MAX_LABEL) : name;
        name = name.replaceAll("[-.]+$", "");
        String domain = isSet(spec.getSubdomain())
                ? spec.getSubdomain() + "." + pod.getMetadata().getNamespace() + ".svc"
                        + (clusterDomain.isEmpty() ? "" : "." + clusterDomain)
                : "";
        boolean full = Boolean.TRUE.equals(spec.getSetHostnameAsFQDN()) && !domain.isEmpty();
        return new PodHostName(name, domain, full ? name + "." + domain : name);
    }

    /** Why the kernel cannot take it; empty if it can. */
    Optional<String> objection() {
        return kernel.length() <= MAX_KERNEL
                ? Optional.empty()
                : Optional.of(("failed to construct FQDN from pod hostname and cluster domain, FQDN %s is too long (%d"
                                + " characters is the max, %d characters requested): choose a shorter hostname or"
                                + " subdomain, or leave setHostnameAsFQDN out")
                        .formatted(kernel, MAX_KERNEL, kernel.length()));
    }

    /** As a line of /etc/hosts has it: the full name first, if there is one. */
    String hostsEntry() {
        return domain.isEmpty() ? name : name + "." + domain + "\t" + name;
    }

    private static boolean isSet(@org.jspecify.annotations.Nullable String text) {
        return text != null && !text.isEmpty();
    }
}
