package dev.gantry.agent.volume;

import dev.gantry.agent.resource.PodAmounts;
import dev.gantry.linux.ErrnoException;
import io.fabric8.kubernetes.api.model.EmptyDirVolumeSource;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.math.RoundingMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Directories that live as long as their pod.
 *
 * <ul>
 *   <li>On disk: a directory; with a {@code sizeLimit}, a file system of that size in a sparse file beside it.
 *   <li>In memory: a tmpfs that holds what the pod may use at most.
 * </ul>
 */
final class EmptyDirs {
    private static final String HUGE_PAGES = "HugePages";
    private static final int MODE = 0777;
    private static final int SET_GROUP_ID = 02000;
    /** What an fsGroup may do whatever the mode says. */
    private static final int GROUP_MODE = 0070;

    private final HostMounts mounts;
    private final DiskImages images;
    private final Map<String, Quantity> allocatable;

    EmptyDirs(HostMounts mounts, DiskImages images, Map<String, Quantity> allocatable) {
        this.mounts = mounts;
        this.images = images;
        this.allocatable = allocatable;
    }

    /** Hears of a limit that cannot be kept. */
    interface Unlimited {
        void because(String reason);
    }

    /**
     * Makes the directory, or finds it as it was: what is in it survives restarts of containers, of the agent and, on disk, of
     * the machine.
     *
     * @param directory where containers find it
     * @param group the pod's fsGroup
     */
    void make(Path directory, PodSpec spec, EmptyDirVolumeSource source, OptionalInt group, Unlimited unlimited)
            throws IOException, VolumeException {
        String medium = source.getMedium() == null ? "" : source.getMedium();
        boolean fresh = Files.notExists(directory);
        Files.createDirectories(directory);
        boolean mounted = !fresh && mounts.isMountPoint(directory);
        if (medium.isEmpty()) {
            OptionalLong limit = limit(source);
            if (limit.isPresent() && !mounted) {
                fresh = limitDisk(directory, limit.getAsLong(), fresh, unlimited);
            }
        } else if (!mounted) {
            fresh = true;
            if (medium.equals("Memory")) {
                mounts.tmpfs(directory, memory(spec, source));
            } else if (medium.equals(HUGE_PAGES) || medium.startsWith(HUGE_PAGES + "-")) {
                mounts.hugePages(directory, pageSize(spec, medium));
            } else {
                throw new VolumeException(
                        "unknown storage medium \"%s\"; use \"\", Memory, HugePages or HugePages-<size>"
                                .formatted(medium));
            }
        }
        if (fresh) {
            open(directory, source.getMode() == null ? MODE : source.getMode(), group);
        }
    }

    private boolean limitDisk(Path directory, long bytes, boolean fresh, Unlimited unlimited) throws IOException {
        if (!fresh && !DiskImages.has(directory) && !isEmpty(directory)) {
            // Mounted over, what is in it would be gone for the pod.
            unlimited.because("it was made as a plain directory, and stays one while its pod runs");
            return false;
        }
        try {
            return images.mount(directory, bytes) || fresh;
        } catch (DiskImages.UnavailableException e) {
            unlimited.because(String.valueOf(e.getMessage()));
            return fresh;
        } catch (ErrnoException e) {
            unlimited.because(e.getMessage() + "; the volume is a plain directory");
            return fresh;
        }
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            return !entries.iterator().hasNext();
        }
    }

    private static void open(Path directory, int mode, OptionalInt group) throws IOException {
        if (group.isPresent()) {
            Files.setAttribute(directory, "unix:gid", group.getAsInt());
        }
        // setPosixFilePermissions knows no set-group-id bit.
        Files.setAttribute(directory, "unix:mode", group.isPresent() ? SET_GROUP_ID | GROUP_MODE | mode : mode);
    }

    /** The least of the limit, what the pod may use, and what the node has for pods. */
    private OptionalLong memory(PodSpec spec, EmptyDirVolumeSource source) {
        OptionalLong least = bytes(allocatable.get("memory"));
        least = least(least, bytes(PodAmounts.limits(spec).quantities().get("memory")));
        return least(least, limit(source));
    }

    private static OptionalLong least(OptionalLong one, OptionalLong other) {
        if (one.isEmpty() || other.isEmpty()) {
            return one.isPresent() ? one : other;
        }
        return OptionalLong.of(Math.min(one.getAsLong(), other.getAsLong()));
    }

    private static OptionalLong limit(EmptyDirVolumeSource source) {
        return bytes(source.getSizeLimit());
    }

    /** Empty for what is not set or nothing. */
    private static OptionalLong bytes(@Nullable Quantity quantity) {
        if (quantity == null || quantity.getNumericalAmount().signum() <= 0) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(quantity.getNumericalAmount()
                .setScale(0, RoundingMode.CEILING)
                .min(java.math.BigDecimal.valueOf(Long.MAX_VALUE))
                .longValue());
    }

    /** The one that the medium names, or the only one that the pod asks for. */
    private static String pageSize(PodSpec spec, String medium) throws VolumeException {
        var asked = PodAmounts.limits(spec).quantities().keySet().stream()
                .filter(name -> name.startsWith("hugepages-"))
                .map(name -> name.substring("hugepages-".length()))
                .toList();
        String size = medium.equals(HUGE_PAGES) ? "" : medium.substring(HUGE_PAGES.length() + 1);
        if (size.isEmpty() ? asked.size() != 1 : !asked.contains(size)) {
            throw new VolumeException("medium %s needs huge pages of %s among the containers' limits, which have %s"
                    .formatted(medium, size.isEmpty() ? "one size" : "this size", asked));
        }
        // The API writes 2Mi, the kernel 2M.
        return (size.isEmpty() ? asked.get(0) : size).replace("i", "");
    }
}
