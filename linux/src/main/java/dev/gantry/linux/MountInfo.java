package dev.gantry.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One line of /proc/…/mountinfo, proc_pid_mountinfo(5).
 *
 * @param root what of the file system is mounted, e.g. {@code /} or a subdirectory
 * @param options per mount
 * @param optionalFields propagation, e.g. {@code shared:1}, {@code master:2}
 * @param superOptions per file system
 */
public record MountInfo(
        int mountId,
        int parentId,
        int major,
        int minor,
        String root,
        String mountPoint,
        List<String> options,
        List<String> optionalFields,
        String fileSystemType,
        String source,
        List<String> superOptions) {

    public static List<MountInfo> parse(String text) {
        List<MountInfo> mounts = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            if (!line.isEmpty()) {
                mounts.add(parseLine(line));
            }
        }
        return mounts;
    }

    static MountInfo parseLine(String line) {
        List<String> fields = List.of(line.split(" ", -1));
        int separator = fields.indexOf("-");
        if (separator < 6 || fields.size() < separator + 4) {
            throw new IllegalArgumentException("not a line of mountinfo: " + line);
        }
        String device = fields.get(2);
        int colon = device.indexOf(':');
        return new MountInfo(
                Integer.parseInt(fields.get(0)),
                Integer.parseInt(fields.get(1)),
                Integer.parseInt(device.substring(0, colon)),
                Integer.parseInt(device.substring(colon + 1)),
                unescape(fields.get(3)),
                unescape(fields.get(4)),
                List.of(fields.get(5).split(",", -1)),
                List.copyOf(fields.subList(6, separator)),
                unescape(fields.get(separator + 1)),
                unescape(fields.get(separator + 2)),
                List.of(fields.get(separator + 3).split(",", -1)));
    }

    /** The mount among these that a path lies on: the longest mount point above it, the last of several on one. */
    public static Optional<MountInfo> of(String path, List<MountInfo> mounts) {
        MountInfo best = null;
        for (MountInfo mount : mounts) {
            if (isBelow(path, mount.mountPoint)
                    && (best == null || mount.mountPoint.length() >= best.mountPoint.length())) {
                best = mount;
            }
        }
        return Optional.ofNullable(best);
    }

    private static boolean isBelow(String path, String directory) {
        return directory.equals("/") || path.equals(directory) || path.startsWith(directory + "/");
    }

    /** The kernel writes space, tab, newline and backslash as three octal digits. */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) == '\\' && i + 3 < field.length()) {
                plain.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
                i += 3;
            } else {
                plain.append(field.charAt(i));
            }
        }
        return plain.toString();
    }
}
