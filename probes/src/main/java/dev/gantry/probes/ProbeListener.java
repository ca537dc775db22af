package dev.gantry.probes;

/** Is told of results, on the probes' event loop: must not block. */
@FunctionalInterface
public interface ProbeListener {
    /**
     * One attempt ended.
     *
     * @param before the history before {@code result}
     * @param after the history after it; the verdict to act on
     */
    void probed(ProbeResult result, ProbeHistory before, ProbeHistory after);
}
