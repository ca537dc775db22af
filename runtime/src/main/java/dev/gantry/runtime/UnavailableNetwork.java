package dev.gantry.runtime;

import dev.gantry.netns.NetworkException;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.netns.NetworkStatus;
import dev.gantry.netns.PodAddresses;
import dev.gantry.netns.PodNetworkRequest;
import java.util.List;
import java.util.Set;

/** In place of a pod network that this machine refuses: pods with the host's network work, the others say why not. */
final class UnavailableNetwork implements NetworkProvider {
    private final String reason;

    UnavailableNetwork(String reason) {
        this.reason = reason;
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws NetworkException {
        throw new NetworkException("network of pod %s: %s".formatted(request.pod(), reason));
    }

    @Override
    public void remove(String sandboxId) {
        // Nothing was added.
    }

    @Override
    public void check(String sandboxId) throws NetworkException {
        throw new NetworkException(reason);
    }

    @Override
    public NetworkStatus status() {
        return new NetworkStatus(false, reason, List.of());
    }

    @Override
    public void recover(Set<String> liveSandboxIds) {
        // Nothing was added.
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
