package dev.gantry.netns;

import java.util.List;

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
}
