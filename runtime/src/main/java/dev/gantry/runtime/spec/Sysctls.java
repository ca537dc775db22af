package dev.gantry.runtime.spec;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Kernel settings of a pod. Only settings that a namespace of the pod owns are let through: anything else would be the
 * host's.
 */
public final class Sysctls {
    private static final Set<String> IPC = Set.of(
            "kernel/msgmax",
            "kernel/msgmnb",
            "kernel/msgmni",
            "kernel/msg_next_id",
            "kernel/sem",
            "kernel/sem_next_id",
            "kernel/shmall",
            "kernel/shmmax",
            "kernel/shmmni",
            "kernel/shm_next_id",
            "kernel/shm_rmid_forced");
    private static final Pattern COMPONENT = Pattern.compile("[A-Za-z0-9_.@:-]+");
    private static final int MAX_VALUE = 4095;

    private Sysctls() {}

    /**
     * Checks names and values.
     *
     * @return paths below {@code /proc/sys}, with what to write
     */
    public static Map<String, String> compile(Map<String, String> requested, boolean hostNetwork, boolean hostIpc)
            throws SpecException {
        Map<String, String> files = new TreeMap<>();
        for (Map.Entry<String, String> entry : requested.entrySet()) {
            String name = entry.getKey();
            String path = path(name);
            boolean network = path.startsWith("net/");
            boolean ipc = IPC.contains(path) || path.startsWith("fs/mqueue/");
            if (!network && !ipc) {
                throw SpecException.invalid(
                        "sysctl '%s': no namespace of a pod owns it; allowed are net.*, fs.mqueue.* and kernel.shm*,"
                                + " kernel.msg*, kernel.sem*",
                        name);
            }
            if ((network && hostNetwork) || (ipc && hostIpc)) {
                throw SpecException.invalid(
                        "sysctl '%s': would change the host's, since the pod uses the host's %s namespace",
                        name, network ? "network" : "IPC");
            }
            String value = entry.getValue();
            if (value.length() > MAX_VALUE || value.chars().anyMatch(c -> c == 0 || c == '\n' || c == '\r')) {
                throw SpecException.invalid(
                        "sysctl '%s': the value must be one line of at most %d bytes", name, MAX_VALUE);
            }
            files.put(path, value);
        }
        if (!hostNetwork) {
            // As containerd does: what a container listens on and pings is its own business.
            files.putIfAbsent("net/ipv4/ip_unprivileged_port_start", "0");
            files.putIfAbsent("net/ipv4/ping_group_range", "0 2147483647");
        }
        return files;
    }

    /** Dots separate, unless a slash comes first: then slashes do, and dots are part of a name (sysctl.d(5)). */
    private static String path(String name) throws SpecException {
        int dot = name.indexOf('.');
        int slash = name.indexOf('/');
        String path = name;
        if (slash < 0 || (dot >= 0 && dot < slash)) {
            StringBuilder swapped = new StringBuilder();
            for (char c : name.toCharArray()) {
                swapped.append(c == '.' ? '/' : c == '/' ? '.' : c);
            }
            path = swapped.toString();
        }
        for (String component : path.split("/", -1)) {
            if (!COMPONENT.matcher(component).matches() || component.equals(".") || component.equals("..")) {
                throw SpecException.invalid("sysctl '%s': not the name of a kernel setting", name);
            }
        }
        return path;
    }
}
