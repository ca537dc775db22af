package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How the built-in pod network is to be.
 *
 * @param stateDirectory where the addresses in use are remembered
 * @param podCidrs at most one of each family; empty to let the agent find a free IPv4 network
 */
public record PodNetworkConfig(Path stateDirectory, NetworkNames names, List<PodSubnet> podCidrs) {
    public PodNetworkConfig {
        podCidrs = List.copyOf(podCidrs);
        if (podCidrs.stream().map(PodSubnet::isIpv6).distinct().count() != podCidrs.size()) {
            throw new IllegalArgumentException(
                    "--pod-cidr takes at most one IPv4 and one IPv6 network, not " + podCidrs);
        }
    }

    /**
     * Reads the value of {@code --pod-cidr}: {@code 10.88.0.0/22,fd00:88::/64}, or nothing.
     *
     * @throws IllegalArgumentException if it is something else
     */
    public static List<PodSubnet> parsePodCidrs(String text) {
        List<PodSubnet> subnets = new ArrayList<>();
        Arrays.stream(text.split(",", -1))
                .map(String::strip)
                .filter(part -> !part.isEmpty())
                .forEach(part -> subnets.add(new PodSubnet(IpPrefix.parse(part))));
        return subnets;
    }
}
