package dev.gantry.netns;

import java.io.IOException;
import java.util.List;
import java.util.Set;

/**
 * Gives pods their network. Calls for one sandbox never overlap; calls for different ones may.
 *
 * <p>The built-in {@link PodNetwork}, {@link HostNetwork} for pods that share the host's, {@link LoopbackNetwork} for
 * those that shall have none, {@link dev.gantry.netns.cni.CniNetwork} for those that plugins connect.
 */
public interface NetworkProvider extends AutoCloseable {
    /**
     * Connects a sandbox. What a failed call leaves behind, {@link #remove} cleans up.
     *
     * @throws NetworkException if the request cannot be met, with the remedy
     */
    PodAddresses add(PodNetworkRequest request) throws IOException;

    /** Whether {@link PodNetworkRequest#prepared} makes {@link #add} faster. Others need the pod's first process to run. */
    default boolean takesPreparedNamespaces() {
        return false;
    }

    /** Disconnects a sandbox and frees what it held. Does nothing if there is nothing to do. */
    void remove(String sandboxId) throws IOException;

    /**
     * Compares what the kernel has with what {@link #add} made.
     *
     * @throws NetworkException if something is missing, and what
     */
    void check(String sandboxId) throws IOException;

    /** May wait a few seconds for the answer of a plugin. */
    NetworkStatus status();

    /** What does not work at this moment, that of {@link #status} included; looks at the machine for it. */
    default List<NetworkLimitation> limitations() {
        return status().limitations();
    }

    /**
     * Frees what sandboxes hold that are no more. To be called once, before the first {@link #add}.
     *
     * @param liveSandboxIds those that shall keep what they have
     */
    void recover(Set<String> liveSandboxIds) throws IOException;

    /** Lets go of sockets and threads, and of what is on the host for no pod any more. The pods stay connected. */
    @Override
    void close();
}
