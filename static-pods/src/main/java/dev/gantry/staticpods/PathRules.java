package dev.gantry.staticpods;

import java.util.List;

/** Paths that must stay where they are put. */
final class PathRules {
    /** PATH_MAX, without the NUL byte. */
    static final int MAX_PATH = 4095;

    private PathRules() {}

    /** A path below a volume or directory: neither absolute nor leading out. */
    static void relative(FieldErrors errors, String field, String path) {
        if (path.startsWith("/")) {
            errors.invalid(field, path, "must be a relative path");
        }
        noParents(errors, field, path);
    }

    static void noParents(FieldErrors errors, String field, String path) {
        if (List.of(path.split("/")).contains("..")) {
            errors.invalid(field, path, "must not contain '..'");
        }
    }
}
