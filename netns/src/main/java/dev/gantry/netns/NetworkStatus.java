package dev.gantry.netns;

import java.util.List;

/**
 * Whether pods can be connected.
 *
 * @param message why not; empty if ready
 * @param limitations what does not work although the network is ready
 */
public record NetworkStatus(boolean ready, String message, List<NetworkLimitation> limitations) {
    public NetworkStatus {
        limitations = List.copyOf(limitations);
    }

    public static NetworkStatus ready(List<NetworkLimitation> limitations) {
        return new NetworkStatus(true, "", limitations);
    }

    public static NetworkStatus notReady(String message) {
        return new NetworkStatus(false, message, List.of());
    }
}
