package dev.gantry.runtime.spec;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/** Paths inside a container, as text. */
final class ContainerPaths {
    /** Files of procfs that something like lxcfs may replace; the rest of /proc must be the kernel's own. */
    private static final Set<String> REPLACEABLE_IN_PROC = Set.of(
            "/proc/cpuinfo",
            "/proc/diskstats",
            "/proc/meminfo",
            "/proc/stat",
            "/proc/swaps",
            "/proc/uptime",
            "/proc/loadavg",
            "/proc/slabinfo",
            "/proc/net/dev",
            "/proc/sys/kernel/ns_last_pid");

    private ContainerPaths() {}

    /** Absolute, without {@code .}, {@code ..} and double slashes; {@code ..} goes no higher than the root. */
    static String normalised(String field, String path) throws SpecException {
        if (!path.startsWith("/")) {
            throw SpecException.invalid("%s '%s': must be an absolute path", field, path);
        }
        if (path.indexOf('\0') >= 0) {
            throw SpecException.invalid("%s: contains a NUL byte", field);
        }
        Deque<String> parts = new ArrayDeque<>();
        for (String part : path.split("/", -1)) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.addLast(part);
            }
        }
        return "/" + String.join("/", parts);
    }

    static String mountTarget(String field, String path) throws SpecException {
        String target = normalised(field, path);
        if (target.equals("/")) {
            throw SpecException.invalid("%s '%s': must not be the root directory", field, path);
        }
        if ((target.equals("/proc") || target.startsWith("/proc/")) && !REPLACEABLE_IN_PROC.contains(target)) {
            throw SpecException.invalid("%s '%s': nothing may be mounted over /proc", field, path);
        }
        return target;
    }

    static int depth(String normalised) {
        return (int) normalised.chars().filter(c -> c == '/').count();
    }
}
