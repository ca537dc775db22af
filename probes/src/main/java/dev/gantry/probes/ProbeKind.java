package dev.gantry.probes;

/** What a probe decides about its container. */
public enum ProbeKind {
    /** A failing container is killed, and restarted as its restart policy says. */
    LIVENESS(ProbeVerdict.HEALTHY),
    /** A failing container gets no traffic. */
    READINESS(ProbeVerdict.UNHEALTHY),
    /** Until it passes, the other two wait; failing for good is as failing liveness. */
    STARTUP(ProbeVerdict.UNKNOWN);

    private final ProbeVerdict initialVerdict;

    ProbeKind(ProbeVerdict initialVerdict) {
        this.initialVerdict = initialVerdict;
    }

    /** The verdict before the first result, as the kubelet has it ({@code pkg/kubelet/prober/worker.go}). */
    public ProbeVerdict initialVerdict() {
        return initialVerdict;
    }

    /**
     * Whether a probe of this kind has nothing more to find out about a container with {@code verdict}: the container is
     * about to be killed, or has started.
     */
    public boolean isSettledBy(ProbeVerdict verdict) {
        return switch (this) {
            case LIVENESS -> verdict == ProbeVerdict.UNHEALTHY;
            case READINESS -> false;
            case STARTUP -> verdict != ProbeVerdict.UNKNOWN;
        };
    }

    /** The word in event messages: {@code Liveness probe failed: …}. */
    public String title() {
        return switch (this) {
            case LIVENESS -> "Liveness";
            case READINESS -> "Readiness";
            case STARTUP -> "Startup";
        };
    }
}
