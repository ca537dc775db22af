package dev.gantry.cri.transport;

/** Decides by the kernel's word (SO_PEERCRED) which processes may speak CRI to us. */
@FunctionalInterface
public interface PeerPolicy {
    /** Answers on an event loop: must not block. */
    boolean admits(Peer peer);

    /** Root and the given user. */
    static PeerPolicy rootAnd(int uid) {
        return peer -> peer.uid() == 0 || peer.uid() == uid;
    }

    /**
     * A connecting process as it was when it connected.
     *
     * @param pid in our pid namespace, 0 if the peer is outside of it
     */
    record Peer(int pid, int uid) {}
}
