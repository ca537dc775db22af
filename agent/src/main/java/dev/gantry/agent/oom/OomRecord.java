package dev.gantry.agent.oom;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the kernel's log says of a process that was killed for want of memory. Pure.
 *
 * @param system whether the whole machine was out of memory, rather than a cgroup
 * @param cgroup path of the victim's, from the top of the tree
 * @param task name of the victim, as it chose it: at most 15 characters, not to be trusted
 * @param pid of the victim on the host
 */
public record OomRecord(boolean system, String cgroup, String task, long pid) {
    /** {@code dump_oom_victim} and {@code mem_cgroup_print_oom_context} of the kernel, since Linux 5.0. */
    private static final Pattern LINE = Pattern.compile(
            "oom-kill:constraint=[A-Z_]+,.*?,(?:global_oom|oom_memcg=.*?),task_memcg=(.*?),task=(.*),pid=([0-9]{1,10}),uid=[0-9]+");

    private static final Pattern POD = Pattern.compile(
            "/kubepods(?:\\.slice)?(?:/[^/]+)?/(?:kubepods[a-z-]*-)?pod([0-9a-zA-Z_-]{1,64})(?:\\.slice)?/([^/]+)");

    /** Where in Kubernetes' layout a victim was. */
    public record Place(String podUid, String containerId) {}

    /** Reads a message of the kernel's log; empty if it is about something else. */
    public static Optional<OomRecord> parse(String message) {
        Matcher line = LINE.matcher(message);
        if (!line.matches()) {
            return Optional.empty();
        }
        boolean system = message.contains(",global_oom,task_memcg=");
        return Optional.of(new OomRecord(system, line.group(1), line.group(2), Long.parseLong(line.group(3))));
    }

    /** The pod and container of the victim; empty if it was in none. */
    public Optional<Place> place() {
        Matcher pod = POD.matcher(cgroup);
        if (!pod.find()) {
            return Optional.empty();
        }
        String container = pod.group(2);
        if (container.endsWith(".scope")) {
            // <runtime>-<id>.scope
            container = container.substring(container.lastIndexOf('-') + 1, container.length() - ".scope".length());
        }
        return Optional.of(new Place(pod.group(1).replace('_', '-'), container));
    }

    /** The event's reason, as kubelet and node-problem-detector spell it. */
    public String reason() {
        return system ? "SystemOOM" : "OOMKilling";
    }

    /** The event's message. */
    public String message() {
        return system
                ? "System OOM encountered, victim process: %s, pid: %d".formatted(task, pid)
                : "Memory cgroup out of memory: Killed process %d (%s)".formatted(pid, task);
    }
}
