package dev.gantry.agent.rotation;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The files that a run of a container has written, by the names in their directory: {@code 0.log} is being written,
 * {@code 0.log.20260102-150405} was rotated at that time (UTC), {@code 0.log.20260102-150405.gz} is compressed. Pure.
 */
public final class RotatedLogs {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private static final Pattern STAMPED = Pattern.compile("[0-9]{8}-[0-9]{6}");
    private static final String GZIP = ".gz";
    private static final String UNFINISHED = ".tmp";

    private RotatedLogs() {}

    /**
     * One rotated file.
     *
     * @param stamp by which such files sort in the order of their contents
     */
    public record Rotated(String name, String stamp, boolean compressed) {
        /** When it was rotated: nothing in it is younger. */
        public Instant at() {
            return STAMP.parse(stamp, Instant::from);
        }
    }

    /**
     * What a rotation does, in this order.
     *
     * @param delete what is unfinished, twice there, or too old
     * @param renameTo the name that the current file gets: of now, or of a second after the newest there is
     * @param compress of those that stay, all but the newest
     */
    public record Plan(List<String> delete, String renameTo, List<String> compress) {
        public Plan {
            delete = List.copyOf(delete);
            compress = List.copyOf(compress);
        }
    }

    /**
     * The rotated files, oldest first.
     *
     * @param log name of the current file
     * @param siblings names in its directory, in any order
     */
    public static List<Rotated> of(String log, Collection<String> siblings) {
        TreeMap<String, Rotated> byStamp = new TreeMap<>();
        for (String name : siblings) {
            rotated(log, name)
                    // One that was compressed and not removed yet is whole both ways.
                    .ifPresent(
                            file -> byStamp.merge(file.stamp(), file, (one, other) -> one.compressed() ? other : one));
        }
        return List.copyOf(byStamp.values());
    }

    private static Optional<Rotated> rotated(String log, String name) {
        String prefix = log + ".";
        if (!name.startsWith(prefix)) {
            return Optional.empty();
        }
        boolean compressed = name.endsWith(GZIP);
        String stamp = name.substring(prefix.length(), name.length() - (compressed ? GZIP.length() : 0));
        return STAMPED.matcher(stamp).matches() ? Optional.of(new Rotated(name, stamp, compressed)) : Optional.empty();
    }

    /** Plans the rotation of a log that is too large. */
    public static Plan plan(String log, Collection<String> siblings, RotationPolicy policy, Instant now) {
        List<Rotated> present = of(log, siblings);
        Set<String> used = new HashSet<>();
        present.forEach(file -> used.add(file.name()));
        List<String> delete = new ArrayList<>();
        for (String name : siblings) {
            boolean duplicate = rotated(log, name).isPresent() && !used.contains(name);
            if (duplicate || isUnfinished(log, name)) {
                delete.add(name);
            }
        }
        Collections.sort(delete);
        // Beside those, the current file and its successor count.
        int kept = Math.min(present.size(), policy.maxFiles() - 2);
        present.subList(0, present.size() - kept).forEach(file -> delete.add(file.name()));
        List<String> compress = present.subList(present.size() - kept, present.size()).stream()
                .filter(file -> !file.compressed())
                .map(Rotated::name)
                .toList();
        return new Plan(delete, log + "." + stamp(present, now), compress);
    }

    /** Names tell the order, also where the clock was put back. */
    private static String stamp(List<Rotated> present, Instant now) {
        String stamp = STAMP.format(now);
        if (present.isEmpty()) {
            return stamp;
        }
        Rotated newest = present.get(present.size() - 1);
        return stamp.compareTo(newest.stamp()) > 0
                ? stamp
                : STAMP.format(newest.at().plusSeconds(1));
    }

    private static boolean isUnfinished(String log, String name) {
        return name.startsWith(log + ".")
                && name.endsWith(GZIP + UNFINISHED)
                && rotated(log, name.substring(0, name.length() - UNFINISHED.length()))
                        .isPresent();
    }

    /** The name while it is being compressed. */
    static String unfinished(String name) {
        return name + GZIP + UNFINISHED;
    }

    /** The name once it is compressed. */
    static String compressed(String name) {
        return name + GZIP;
    }

    /** Whether a file belongs to a run's log: the log itself, or what rotation made of it. */
    public static boolean belongsTo(String log, String name) {
        return name.equals(log) || rotated(log, name).isPresent() || isUnfinished(log, name);
    }
}
