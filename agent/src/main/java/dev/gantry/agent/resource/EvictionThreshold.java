package dev.gantry.agent.resource;

import dev.gantry.staticpods.Quantities;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;

/**
 * How little of something may be left on the node, as {@code evictionHard} says it.
 *
 * @param bytes if an amount is meant, else -1
 * @param percent of the capacity, 0 to 100, if a part is meant
 */
public record EvictionThreshold(long bytes, BigDecimal percent) {
    /** Reads {@code 100Mi} or {@code 10%}; empty if it is neither. */
    public static Optional<EvictionThreshold> parse(String text) {
        boolean part = text.endsWith("%");
        BigDecimal value = Quantities.parse(part ? text.substring(0, text.length() - 1) : text);
        if (value == null || value.signum() < 0) {
            return Optional.empty();
        }
        if (part) {
            return value.compareTo(BigDecimal.valueOf(100)) > 0
                    ? Optional.empty()
                    : Optional.of(new EvictionThreshold(-1, value));
        }
        long bytes = value.setScale(0, RoundingMode.CEILING)
                .min(BigDecimal.valueOf(Long.MAX_VALUE))
                .longValue();
        return Optional.of(new EvictionThreshold(bytes, BigDecimal.ZERO));
    }

    /** What has to stay free of this capacity. */
    public long of(long capacity) {
        return bytes >= 0
                ? bytes
                : BigDecimal.valueOf(capacity)
                        .multiply(percent)
                        .divide(BigDecimal.valueOf(100), 0, RoundingMode.FLOOR)
                        .longValue();
    }
}
