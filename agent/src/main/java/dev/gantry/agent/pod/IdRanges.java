package dev.gantry.agent.pod;

import java.io.IOException;
import java.util.List;

/**
 * The host's user and group ids that pods with a user namespace of their own are given: {@code count} ranges of
 * {@code length} ids, one after the other.
 *
 * @param first of the first range, 65536 or more: below are the users of the host
 * @param length of each range, a multiple of 65536 (KEP-127)
 * @param count how many pods there can be at a time
 */
public record IdRanges(long first, int length, int count) {
    /** As many ids as programs expect there to be. */
    public static final int UNIT = 65_536;

    /** The kubelet's, without a configuration of its own: behind the host's users, one for each of 110 pods. */
    public static final IdRanges DEFAULT = new IdRanges(UNIT, UNIT, 110);

    private static final long MAX_ID = 4_294_967_294L;

    public IdRanges {
        if (first < UNIT || length < UNIT || length % UNIT != 0 || count < 1) {
            throw new IllegalArgumentException(
                    "%d ranges of %d ids from %d: ranges are multiples of %d, and begin there or above"
                            .formatted(count, length, first, UNIT));
        }
        if (first + (long) length * count - 1 > MAX_ID) {
            throw new IllegalArgumentException(
                    "%d ranges of %d ids from %d: the last would end above %d".formatted(count, length, first, MAX_ID));
        }
    }

    /** The host's first id of a range, {@code index} from 0. */
    long start(int index) {
        return first + (long) index * length;
    }

    /** The range of this index, from 0. */
    public IdRange range(int index) {
        return new IdRange(start(index), length);
    }

    /**
     * The ids that the machine's administrator has given to the user {@code kubelet}, as the kubelet takes them too;
     * otherwise those behind the host's users.
     *
     * @param subuid content of {@code /etc/subuid}, see subuid(5); empty if there is no such file
     * @param subgid content of {@code /etc/subgid}
     * @param idsPerPod length of a range
     * @param maxPods how many ranges are needed at most
     * @throws IOException if what is given cannot be used
     */
    public static IdRanges of(String subuid, String subgid, int idsPerPod, int maxPods) throws IOException {
        List<String> users = entries(subuid);
        List<String> groups = entries(subgid);
        try {
            if (users.isEmpty() && groups.isEmpty()) {
                long most = (MAX_ID + 1 - UNIT) / idsPerPod;
                return new IdRanges(UNIT, idsPerPod, (int) Math.min(maxPods, most));
            }
            if (users.size() != 1 || !users.equals(groups)) {
                throw new IllegalArgumentException("'kubelet' must have exactly one range, the same in both files");
            }
            String[] parts = users.get(0).split(":", -1);
            long count = parts.length == 2 ? Long.parseLong(parts[1]) / idsPerPod : 0;
            if (count < 1) {
                throw new IllegalArgumentException("'kubelet' must have at least %d ids".formatted(idsPerPod));
            }
            return new IdRanges(Long.parseLong(parts[0]), idsPerPod, (int) Math.min(maxPods, count));
        } catch (IllegalArgumentException e) {
            throw new IOException("read /etc/subuid and /etc/subgid: " + e.getMessage(), e);
        }
    }

    /** What follows the name in the lines of the user {@code kubelet}. */
    private static List<String> entries(String file) {
        return file.lines()
                .map(String::strip)
                .filter(line -> line.startsWith("kubelet:"))
                .map(line -> line.substring("kubelet:".length()))
                .toList();
    }
}
