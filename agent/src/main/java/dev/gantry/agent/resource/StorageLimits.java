package dev.gantry.agent.resource;

import dev.gantry.staticpods.Quantities;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a pod takes more of the disk than its limits of {@code ephemeral-storage} allow (pkg/kubelet/eviction,
 * {@code localStorageEviction}).
 *
 * <p>The pod as a whole is limited if all of its containers are; the kubelet adds up the limits that there are.
 */
public final class StorageLimits {
    private static final String SCALE = "KMGTPE";

    private StorageLimits() {}

    /**
     * What a pod takes.
     *
     * @param containers bytes in writable layer and logs, by name; those that do not run are not in it
     * @param volumes bytes in the volumes that are its own and on disk
     */
    public record Usage(Map<String, Long> containers, long volumes) {
        long total() {
            return containers.values().stream().mapToLong(bytes -> bytes).sum() + volumes;
        }
    }

    /** Whether there is any such limit. */
    public static boolean any(PodSpec spec) {
        return all(spec).anyMatch(container -> limit(container) > 0);
    }

    /** Which limit is exceeded, in the kubelet's words and order; empty if none is. */
    public static Optional<String> exceeded(PodSpec spec, Usage usage) {
        long ofPod = PodAmounts.isLimited(spec, Amounts.EPHEMERAL_STORAGE)
                ? PodAmounts.limits(spec).get(Amounts.EPHEMERAL_STORAGE)
                : 0;
        if (ofPod > 0 && usage.total() > ofPod) {
            boolean binary = all(spec).findFirst().map(StorageLimits::isBinary).orElse(true);
            return Optional.of("Pod ephemeral local storage usage exceeds the total limit of containers %s. "
                    .formatted(text(ofPod, binary)));
        }
        return all(spec)
                .filter(container -> limit(container) > 0
                        && usage.containers().getOrDefault(container.getName(), 0L) > limit(container))
                .findFirst()
                .map(container -> "Container %s exceeded its local ephemeral storage limit \"%s\". "
                        .formatted(container.getName(), text(limit(container), isBinary(container))));
    }

    private static Stream<Container> all(PodSpec spec) {
        return Stream.concat(PodAmounts.containers(spec).stream(), PodAmounts.initContainers(spec).stream());
    }

    private static long limit(Container container) {
        Quantity quantity = quantity(container);
        return quantity == null ? 0 : Quantities.units(quantity);
    }

    private static @Nullable Quantity quantity(Container container) {
        Map<String, Quantity> limits = container.getResources() == null
                ? null
                : container.getResources().getLimits();
        return limits == null ? null : limits.get(Amounts.EPHEMERAL_STORAGE);
    }

    private static boolean isBinary(Container container) {
        Quantity quantity = quantity(container);
        return quantity != null
                && quantity.getFormat() != null
                && quantity.getFormat().endsWith("i");
    }

    /** As the API writes quantities: with the largest suffix that leaves a whole number. */
    private static String text(long bytes, boolean binary) {
        int step = binary ? 1024 : 1000;
        long number = bytes;
        int scale = 0;
        while (number % step == 0 && scale < SCALE.length()) {
            number /= step;
            scale++;
        }
        if (scale == 0) {
            return Long.toString(number);
        }
        String letter = SCALE.substring(scale - 1, scale);
        return number + (binary ? letter + "i" : letter.replace('K', 'k'));
    }
}
