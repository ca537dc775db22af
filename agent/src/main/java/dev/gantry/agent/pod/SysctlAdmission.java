package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Sysctl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Which sysctls a pod may set: those that no other pod notices, and what the node's configuration adds to them. */
public final class SysctlAdmission {
    /** The kubelet's (pkg/kubelet/sysctl/safe_sysctls.go); the kernels that lack one are older than ours. */
    private static final Set<String> SAFE = Set.of(
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_wmem");

    private static final List<String> IPC_PREFIXES = List.of("kernel.shm", "kernel.msg", "fs.mqueue.");
    private static final String NETWORK_PREFIX = "net.";

    private SysctlAdmission() {}

    /** Whom a setting belongs to. */
    private enum Owner {
        IPC_NAMESPACE,
        NETWORK_NAMESPACE,
        HOST
    }

    /** Every sysctl that the pod may not set, with the kubelet's words; empty if it may set all it wants. */
    static Optional<Rejection> check(Pod pod, List<String> allowedUnsafe) {
        List<Sysctl> wanted = SecurityContexts.ofPod(pod).getSysctls();
        List<String> forbidden = new ArrayList<>();
        for (Sysctl sysctl : wanted == null ? List.<Sysctl>of() : wanted) {
            forbidden(sysctl.getName(), pod.getSpec(), allowedUnsafe).ifPresent(forbidden::add);
        }
        return forbidden.isEmpty()
                ? Optional.empty()
                : Optional.of(new Rejection("SysctlForbidden", "forbidden sysctl: " + String.join("; ", forbidden)));
    }

    private static Optional<String> forbidden(String name, PodSpec spec, List<String> allowedUnsafe) {
        String dotted = name.replace('/', '.');
        boolean allowed = SAFE.contains(dotted) || allowedUnsafe.stream().anyMatch(one -> matches(one, dotted));
        if (!allowed) {
            String remedy = owner(dotted) == Owner.HOST
                    ? "no namespace of a pod has it, it can only be set on the node"
                    : "the node's allowedUnsafeSysctls can allow it";
            return Optional.of("\"%s\" not allowlisted: %s".formatted(dotted, remedy));
        }
        if (Boolean.TRUE.equals(spec.getHostNetwork()) && owner(dotted) == Owner.NETWORK_NAMESPACE) {
            return Optional.of("\"%s\" not allowed with host net enabled".formatted(dotted));
        }
        if (Boolean.TRUE.equals(spec.getHostIPC()) && owner(dotted) == Owner.IPC_NAMESPACE) {
            return Optional.of("\"%s\" not allowed with host ipc enabled".formatted(dotted));
        }
        return Optional.empty();
    }

    /**
     * Why a node's configuration may not allow these; empty if it may.
     *
     * @param pattern a name, or the beginning of one followed by {@code *}
     */
    public static Optional<String> invalidPattern(String pattern) {
        String name = pattern.replace('/', '.');
        boolean prefix = name.endsWith("*");
        String stem = prefix ? name.substring(0, name.length() - 1) : name;
        if (!stem.matches("[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*[._-]?")
                || (!prefix && stem.matches(".*[._-]"))) {
            return Optional.of("expected the name of a sysctl, or the beginning of one with a * behind it, found '"
                    + pattern + "'");
        }
        if (owner(stem) == Owner.HOST) {
            return Optional.of("expected net.*, kernel.shm*, kernel.msg*, kernel.sem or fs.mqueue.*, found '" + pattern
                    + "': no namespace of a pod has it");
        }
        return Optional.empty();
    }

    private static boolean matches(String pattern, String name) {
        String dotted = pattern.replace('/', '.');
        return dotted.endsWith("*") ? name.startsWith(dotted.substring(0, dotted.length() - 1)) : name.equals(dotted);
    }

    private static Owner owner(String name) {
        if (name.startsWith(NETWORK_PREFIX)) {
            return Owner.NETWORK_NAMESPACE;
        }
        boolean ipc = name.equals("kernel.sem") || IPC_PREFIXES.stream().anyMatch(name::startsWith);
        return ipc ? Owner.IPC_NAMESPACE : Owner.HOST;
    }
}
