package dev.gantry.netns;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * What a {@code resolv.conf} says.
 *
 * @param servers addresses, asked in this order
 * @param searches domains, tried in this order
 * @param options {@code name} or {@code name:value}
 * @see <a href="https://man7.org/linux/man-pages/man5/resolv.conf.5.html">resolv.conf(5)</a>
 */
public record DnsConfig(List<String> servers, List<String> searches, List<String> options) {
    public static final DnsConfig EMPTY = new DnsConfig(List.of(), List.of(), List.of());

    public DnsConfig {
        servers = List.copyOf(servers);
        searches = List.copyOf(searches);
        options = List.copyOf(options);
    }

    /**
     * For a node that names no {@code resolvConf}: its own name server, if it has one, and no search.
     *
     * @param ipv6Only whether the node has no IPv4 address
     */
    public static DnsConfig withoutNodeFile(boolean ipv6Only) {
        return new DnsConfig(List.of(ipv6Only ? "::1" : "127.0.0.1"), List.of("."), List.of());
    }

    /** Reads a file; of several search lines the last counts, as for the C library. What it does not know it leaves out. */
    public static DnsConfig parse(String text) {
        List<String> servers = new ArrayList<>();
        List<String> searches = List.of();
        List<String> options = List.of();
        for (String line : text.lines().toList()) {
            List<String> words = List.of(line.replaceFirst("[#;].*", "").strip().split("\\s+"));
            List<String> values = words.subList(1, words.size());
            switch (words.get(0)) {
                case "nameserver" -> values.stream().limit(1).forEach(servers::add);
                case "search" ->
                    searches =
                            values.stream().map(DnsConfig::withoutTrailingDot).toList();
                case "options" -> options = mergeOptions(options, values);
                default -> {}
            }
        }
        return new DnsConfig(servers, searches, options);
    }

    private static String withoutTrailingDot(String domain) {
        return domain.length() > 1 && domain.endsWith(".") ? domain.substring(0, domain.length() - 1) : domain;
    }

    /** With another's behind: repetitions are dropped, an option of the same name is replaced. */
    DnsConfig with(DnsConfig more) {
        return new DnsConfig(
                concatenated(servers, more.servers),
                concatenated(searches, more.searches),
                mergeOptions(options, more.options));
    }

    private static List<String> concatenated(List<String> first, List<String> second) {
        LinkedHashSet<String> all = new LinkedHashSet<>(first);
        all.addAll(second);
        return List.copyOf(all);
    }

    private static List<String> mergeOptions(List<String> first, List<String> second) {
        Map<String, String> byName = new LinkedHashMap<>();
        for (List<String> options : List.of(first, second)) {
            for (String option : options) {
                byName.put(option.replaceFirst(":.*", ""), option);
            }
        }
        return List.copyOf(byName.values());
    }
}
