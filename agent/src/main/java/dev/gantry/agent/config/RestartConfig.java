package dev.gantry.agent.config;

import java.time.Duration;
import java.util.Locale;

/**
 * How long a container that ended waits before it is started again; {@code crashLoopBackOff} in the configuration.
 *
 * @param initial the wait before the second restart; each next one is twice as long. 0 s to 300 s, at most {@code max}
 * @param max the longest wait, 1 s to 300 s as in the kubelet (KEP-5593)
 * @param cleanExitsCount whether a container that ends with 0 waits longer each time too
 */
public record RestartConfig(Duration initial, Duration max, boolean cleanExitsCount) {
    /** KEP-4603: a gate of the kubelet's that only changes its defaults. */
    static final String REDUCED_GATE = "ReduceDefaultCrashLoopBackOffDecay";

    private static final String GROUP = "crashLoopBackOff.";
    private static final String INITIAL = GROUP + "initialContainerRestartPeriod";
    private static final String MAX = GROUP + "maxContainerRestartPeriod";
    private static final Duration LONGEST = Duration.ofMinutes(5);

    static RestartConfig read(Settings settings) {
        boolean reduced =
                settings.map("featureGates").getOrDefault(REDUCED_GATE, "").equals("true");
        Duration max = period(settings, MAX, Duration.ofSeconds(1), Duration.ofSeconds(reduced ? 60 : 300));
        Duration initial = period(settings, INITIAL, Duration.ZERO, Duration.ofSeconds(reduced ? 1 : 10));
        boolean cleanExits = settings.get(GROUP + "cleanExits").orElse("true").equals("true");
        return new RestartConfig(initial.compareTo(max) > 0 ? max : initial, max, cleanExits);
    }

    private static Duration period(Settings settings, String field, Duration least, Duration otherwise) {
        Duration found = settings.get(field)
                .map(value -> Duration.ofMillis(Durations.parseMillis(value)))
                .orElse(otherwise);
        if (found.compareTo(least) < 0 || found.compareTo(LONGEST) > 0) {
            settings.error(
                    settings.origin(field),
                    field,
                    String.format(
                            Locale.ROOT,
                            "expected a duration from %d s to %d s, found '%s'",
                            least.toSeconds(),
                            LONGEST.toSeconds(),
                            settings.get(field).orElse("")));
            return otherwise;
        }
        return found;
    }
}
