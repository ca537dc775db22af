package dev.gantry.probes;

/** The outcome of one attempt. Texts are bounded to {@link #MAX_OUTPUT_BYTES}. */
public sealed interface ProbeResult {
    /** More output is cut: the kubelet's {@code maxProbeRespBodyLength} and {@code maxReadLength}, 10 KiB. */
    int MAX_OUTPUT_BYTES = 10 * 1024;

    /** The container answered as its spec asks. */
    record Passed(String output) implements ProbeResult {}

    /** It answered, but with something a person should look at; counts as passed. */
    record Warned(String output) implements ProbeResult {}

    /**
     * It answered otherwise, or not in time: counts towards {@code failureThreshold}.
     *
     * @param withoutTls whether a server that was asked over TLS answered without
     */
    record Failed(String reason, boolean withoutTls) implements ProbeResult {
        public Failed(String reason) {
            this(reason, false);
        }
    }

    /** This agent could not try, for example because the runtime was away: counts neither way. */
    record NotTried(String reason) implements ProbeResult {}

    /** Whether the result counts towards {@code successThreshold}. */
    default boolean isSuccess() {
        return this instanceof Passed || this instanceof Warned;
    }
}
