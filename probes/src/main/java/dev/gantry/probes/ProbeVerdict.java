package dev.gantry.probes;

/** What a run of probe results amounts to. */
public enum ProbeVerdict {
    /** No threshold has been reached yet; only a startup probe begins so. */
    UNKNOWN,
    HEALTHY,
    UNHEALTHY
}
