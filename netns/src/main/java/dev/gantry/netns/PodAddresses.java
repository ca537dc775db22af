package dev.gantry.netns;

import java.net.InetAddress;
import java.util.List;

/**
 * What a pod got.
 *
 * @param ips the primary one first
 * @param gateways one per family of the ips, in their order
 * @param mtu bytes
 */
public record PodAddresses(List<InetAddress> ips, List<InetAddress> gateways, int mtu) {
    public PodAddresses {
        ips = List.copyOf(ips);
        gateways = List.copyOf(gateways);
    }
}
