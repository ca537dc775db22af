package dev.gantry.runtime;

import dev.gantry.netns.NetworkLimitation;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.netns.NetworkStatus;
import dev.gantry.netns.PodAddresses;
import dev.gantry.netns.PodNetworkRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A network for new pods, and the one before it, which takes away what it gave. Each knows its own sandboxes. */
final class FormerNetwork implements NetworkProvider {
    private final NetworkProvider now;
    private final NetworkProvider former;

    FormerNetwork(NetworkProvider now, NetworkProvider former) {
        this.now = now;
        this.former = former;
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        return now.add(request);
    }

    @Override
    public boolean takesPreparedNamespaces() {
        return now.takesPreparedNamespaces();
    }

    @Override
    public void remove(String sandboxId) throws IOException {
        former.remove(sandboxId);
        now.remove(sandboxId);
    }

    /** One of the two knows the sandbox. */
    @Override
    public void check(String sandboxId) throws IOException {
        @Nullable IOException first = null;
        try {
            now.check(sandboxId);
            return;
        } catch (IOException e) {
            first = e;
        }
        try {
            former.check(sandboxId);
        } catch (IOException e) {
            first.addSuppressed(e);
            throw first;
        }
    }

    @Override
    public NetworkStatus status() {
        NetworkStatus status = now.status();
        List<NetworkLimitation> limitations = new ArrayList<>(status.limitations());
        limitations.addAll(former.status().limitations());
        return new NetworkStatus(status.ready(), status.message(), limitations);
    }

    @Override
    public List<NetworkLimitation> limitations() {
        List<NetworkLimitation> limitations = new ArrayList<>(now.limitations());
        limitations.addAll(former.limitations());
        return limitations;
    }

    @Override
    public void recover(Set<String> liveSandboxIds) throws IOException {
        former.recover(liveSandboxIds);
        now.recover(liveSandboxIds);
    }

    @Override
    public void close() {
        former.close();
        now.close();
    }
}
