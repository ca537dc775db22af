package dev.gantry.runtime.pause;

/** Namespaces that a pod can have of its own; what is missing is shared with the host. */
public enum PodNamespace {
    NETWORK(0x4000_0000),
    PID(0x2000_0000),
    IPC(0x0800_0000),
    UTS(0x0400_0000);

    private final int flag;

    PodNamespace(int flag) {
        this.flag = flag;
    }

    /** As clone(2) wants it, {@code CLONE_NEW…}. */
    public int flag() {
        return flag;
    }
}
