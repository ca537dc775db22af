package dev.gantry.probes;

/**
 * A verdict, and the run of equal results that may overturn it.
 *
 * @param verdict what the rest of the agent acts on
 * @param lastPassed whether the results of the run passed; meaningless while {@code run} is 0
 * @param run how many results in a row were alike, capped at the threshold that they reached
 */
public record ProbeHistory(ProbeVerdict verdict, boolean lastPassed, int run) {
    public ProbeHistory {
        if (run < 0) {
            throw new IllegalArgumentException("a run cannot be negative: " + run);
        }
    }

    /** The history of a container that has not been probed. */
    public static ProbeHistory startingAs(ProbeVerdict verdict) {
        return new ProbeHistory(verdict, false, 0);
    }

    /**
     * The history after one more result. Does not change this one.
     *
     * <p>As the kubelet counts: a result unlike the one before begins a new run, also where it agrees with the verdict, so
     * {@code FFPFF} does not reach a failure threshold of 3.
     */
    public ProbeHistory after(ProbeResult result, ProbeSpec spec) {
        if (result instanceof ProbeResult.NotTried) {
            return this;
        }
        boolean passed = result.isSuccess();
        int threshold = passed ? spec.successThreshold() : spec.failureThreshold();
        int length = run > 0 && passed == lastPassed ? Math.min(run + 1, threshold) : 1;
        if (length < threshold) {
            return new ProbeHistory(verdict, passed, length);
        }
        return new ProbeHistory(passed ? ProbeVerdict.HEALTHY : ProbeVerdict.UNHEALTHY, passed, threshold);
    }
}
