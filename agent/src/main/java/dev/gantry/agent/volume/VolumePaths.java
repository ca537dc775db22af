package dev.gantry.agent.volume;

import java.util.Arrays;

/** The rules for paths inside volumes ({@code validateLocalNonReservedPath} and {@code atomic_writer.go}). */
final class VolumePaths {
    private static final int MAX_NAME_BYTES = 255;
    private static final int MAX_PATH_BYTES = 4096;

    private VolumePaths() {}

    /**
     * Checks a path that a manifest names.
     *
     * @throws VolumeException if it is empty or absolute, leaves the volume, or uses names kept for the volume's own links
     */
    static void requireRelative(String field, String path) throws VolumeException {
        String wrong = null;
        if (path.isEmpty()) {
            wrong = "is empty";
        } else if (path.startsWith("/")) {
            wrong = "must be relative";
        } else if (Arrays.asList(path.split("/", -1)).contains("..")) {
            wrong = "must not contain '..'";
        } else if (path.startsWith("..")) {
            wrong = "must not begin with '..', which is kept for the volume's own links";
        } else if (path.length() > MAX_PATH_BYTES) {
            wrong = "is longer than %d bytes".formatted(MAX_PATH_BYTES);
        } else if (Arrays.stream(path.split("/")).anyMatch(name -> name.length() > MAX_NAME_BYTES)) {
            wrong = "has a name longer than %d bytes".formatted(MAX_NAME_BYTES);
        } else if (path.indexOf('\0') >= 0) {
            wrong = "contains a NUL";
        } else if (Arrays.stream(path.split("/")).allMatch(name -> name.isEmpty() || name.equals("."))) {
            wrong = "names no file";
        }
        if (wrong != null) {
            throw new VolumeException("%s '%s' %s".formatted(field, path, wrong));
        }
    }
}
