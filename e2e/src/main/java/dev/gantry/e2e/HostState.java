package dev.gantry.e2e;

import dev.gantry.netns.NetworkNames;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What pods use of a machine, as far as one agent's are told from others': compared before and after, it shows leaks.
 *
 * @param processes command lines of the agent's children and of what runs in its pods' cgroups
 * @param mounts mount points below the agent's root
 * @param cgroups pod cgroups that belong to it
 * @param sandboxes folders of sandbox records
 * @param addresses sandboxes that hold addresses
 * @param volumes folders of pods
 */
public record HostState(
        Set<String> processes,
        Set<String> mounts,
        Set<String> cgroups,
        Set<String> sandboxes,
        Set<String> addresses,
        Set<String> volumes) {
    private static final Pattern POD_CGROUP = Pattern.compile("pod[0-9a-f]{8}.*|.*-pod[0-9a-f_]{32,}.*");

    private static final Pattern PAUSE = Pattern.compile("/sandboxes/([0-9a-f]{64})/pause\\.sock");

    /** Looks now. {@code uids} are the uids of all pods the agent ever had: only their cgroups count. */
    public static HostState of(AgentProcess agent, Set<String> uids) throws IOException, InterruptedException {
        Path root = agent.root();
        return new HostState(
                processesOf(agent, uids),
                linesOf(Path.of("/proc/self/mounts"), line -> line.contains(" " + root) ? line : ""),
                cgroupsOf(uids),
                namesIn(root.resolve("run/sandboxes")),
                addresses(root.resolve("lib/network")),
                namesIn(root.resolve("lib/pods")));
    }

    /** Names of the host's ends of the network cables of this agent's pods. */
    public static Set<String> links(AgentProcess agent) throws IOException {
        return namesIn(Path.of("/sys/class/net", names(agent).bridge(), "brif"));
    }

    /** Lines of this agent's nftables table. */
    public static Set<String> firewall(AgentProcess agent) throws IOException, InterruptedException {
        Set<String> lines = new TreeSet<>();
        Command.run("nft", "list", "table", "inet", names(agent).table())
                .output()
                .lines()
                .map(String::strip)
                .forEach(lines::add);
        return lines;
    }

    private static NetworkNames names(AgentProcess agent) {
        return NetworkNames.forRoot(agent.root().resolve("lib"), Path.of("/var/lib/gantry"));
    }

    private static Set<String> processesOf(AgentProcess agent, Set<String> uids) throws IOException {
        Set<String> found = new TreeSet<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                try {
                    String cgroup = Files.readString(process.resolve("cgroup"));
                    String command =
                            Files.readString(process.resolve("cmdline")).replace('\0', ' ');
                    if (uids.stream().anyMatch(uid -> cgroup.contains(uid) || cgroup.contains(uid.replace('-', '_')))) {
                        found.add(process.getFileName() + " " + command);
                    }
                } catch (IOException ended) {
                    // It ended while it was looked at.
                }
            }
        }
        Set<String> sandboxes = namesIn(agent.root().resolve("run/sandboxes"));
        List<String> spares = new ArrayList<>();
        for (ProcessHandle child : ProcessHandle.of(agent.pid()).stream()
                .flatMap(ProcessHandle::children)
                .toList()) {
            String command = child.info().commandLine().orElse("?");
            Matcher pause = PAUSE.matcher(command);
            boolean isSpare = pause.find() && !sandboxes.contains(pause.group(1));
            (isSpare ? spares : found).add(child.pid() + " " + command);
        }
        // One sandbox is kept ready for the next pod; the next one may be in the making when the test looks.
        spares.stream().skip(1).forEach(found::add);
        return found;
    }

    private static Set<String> cgroupsOf(Set<String> uids) throws IOException {
        Set<String> found = new TreeSet<>();
        try (Stream<Path> tree = Files.walk(Path.of("/sys/fs/cgroup"))) {
            tree.filter(folder ->
                            POD_CGROUP.matcher(folder.getFileName().toString()).matches())
                    .filter(folder -> uids.stream()
                            .anyMatch(uid -> folder.toString().contains(uid)
                                    || folder.toString().contains(uid.replace('-', '_'))))
                    .forEach(folder -> found.add(folder.toString()));
        } catch (java.io.UncheckedIOException vanished) {
            // Another pod's cgroup was removed meanwhile.
        }
        return found;
    }

    /** The sandboxes that hold addresses: "+" in the journal gives one, "-" takes it back. */
    private static Set<String> addresses(Path network) throws IOException {
        Set<String> held = new TreeSet<>();
        Path journal = network.resolve("addresses");
        if (Files.exists(journal)) {
            for (String line : Files.readAllLines(journal)) {
                if (line.startsWith("+ ")) {
                    held.add(line.substring(2).split(" ", 2)[0]);
                } else if (line.startsWith("- ")) {
                    held.remove(line.substring(2).split(" ", 2)[0].strip());
                }
            }
        }
        return held;
    }

    private static Set<String> namesIn(Path folder) throws IOException {
        Set<String> names = new TreeSet<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
                entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
            }
        }
        return names;
    }

    private static Set<String> linesOf(Path file, UnaryOperator<String> wanted) throws IOException {
        Set<String> lines = new TreeSet<>();
        for (String line : Files.readAllLines(file)) {
            String kept = wanted.apply(line);
            if (!kept.isEmpty()) {
                lines.add(kept);
            }
        }
        return lines;
    }
}
