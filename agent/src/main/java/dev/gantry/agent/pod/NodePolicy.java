package dev.gantry.agent.pod;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What this node gives its pods unasked, and what it lets them ask for.
 *
 * @param seccompDefault whether a pod that names no seccomp profile gets the runtime's instead of none
 * @param allowedUnsafeSysctls names beside the safe ones; a trailing {@code *} stands for any ending
 * @param labels of the node, which nodeSelector and affinity are compared with
 * @param appArmor whether the kernel enforces AppArmor
 * @param seLinux whether the kernel enforces SELinux
 * @param processorPaths of sysfs that tell about other pods and are hidden like {@code /proc/kcore}
 * @param userIds where pods with {@code hostUsers: false} have their users
 */
public record NodePolicy(
        boolean seccompDefault,
        List<String> allowedUnsafeSysctls,
        Map<String, String> labels,
        boolean appArmor,
        boolean seLinux,
        List<String> processorPaths,
        IdRanges userIds) {
    public NodePolicy {
        allowedUnsafeSysctls = List.copyOf(allowedUnsafeSysctls);
        labels = Map.copyOf(labels);
        processorPaths = List.copyOf(processorPaths);
    }

    /** A node with the kubelet's defaults but for seccomp, on a machine without security modules. */
    public static NodePolicy of(String nodeName) {
        return new NodePolicy(
                true, List.of(), standardLabels(nodeName, Map.of()), false, false, List.of(), IdRanges.DEFAULT);
    }

    /** The same, but for the unsafe sysctls. */
    public NodePolicy withAllowedUnsafeSysctls(List<String> patterns) {
        return new NodePolicy(seccompDefault, patterns, labels, appArmor, seLinux, processorPaths, userIds);
    }

    /** This machine, seen through its file systems. */
    public static NodePolicy ofMachine(
            String nodeName,
            boolean seccompDefault,
            List<String> allowedUnsafeSysctls,
            Map<String, String> ownLabels,
            IdRanges userIds)
            throws IOException {
        return new NodePolicy(
                seccompDefault,
                allowedUnsafeSysctls,
                standardLabels(nodeName, ownLabels),
                startsWith(Path.of("/sys/module/apparmor/parameters/enabled"), "Y"),
                Files.exists(Path.of("/sys/fs/selinux/enforce")),
                thermalThrottles(Path.of("/sys/devices/system/cpu")),
                userIds);
    }

    private static boolean startsWith(Path file, String text) throws IOException {
        return Files.isReadable(file) && Files.readString(file).startsWith(text);
    }

    /** The labels that a kubelet gives its node, overlaid by the node's own. */
    static Map<String, String> standardLabels(String nodeName, Map<String, String> own) {
        String machine = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        // Kubernetes has the names of Go.
        String architecture = machine.equals("aarch64") ? "arm64" : machine.equals("x86_64") ? "amd64" : machine;
        Map<String, String> labels = new LinkedHashMap<>();
        labels.put("kubernetes.io/hostname", nodeName);
        labels.put("kubernetes.io/os", "linux");
        labels.put("kubernetes.io/arch", architecture);
        labels.put("beta.kubernetes.io/os", "linux");
        labels.put("beta.kubernetes.io/arch", architecture);
        labels.putAll(own);
        return labels;
    }

    /** Each counts how often its CPU was throttled, hence what others computed on it (GHSA-6fw5-f8r9-fgfm). */
    static List<String> thermalThrottles(Path cpus) throws IOException {
        List<String> found = new ArrayList<>();
        if (!Files.isDirectory(cpus)) {
            return found;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(cpus, "cpu[0-9]*")) {
            for (Path entry : entries) {
                Path throttle = entry.resolve("thermal_throttle");
                if (Files.isDirectory(throttle)) {
                    found.add(throttle.toString());
                }
            }
        }
        found.sort(null);
        return found;
    }
}
