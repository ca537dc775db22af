package dev.gantry.staticpods;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** Where the files of one volume go: two cannot be at one path, nor can a file be where another's directory is. */
final class FilePaths {
    private final Set<String> files = new HashSet<>();
    private final Set<String> directories = new HashSet<>();

    /**
     * Takes a path.
     *
     * @param path relative, at most {@link PathRules#MAX_PATH} characters
     * @return why it cannot be had; empty if it can
     */
    Optional<String> add(String path) {
        if (!files.add(path)) {
            return Optional.of("conflicting duplicate paths");
        }
        if (directories.contains(path)) {
            return Optional.of("is the directory of another path of this volume");
        }
        for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
            String directory = path.substring(0, slash);
            if (files.contains(directory)) {
                return Optional.of("needs \"" + directory + "\" as a directory, which is a file of this volume");
            }
            directories.add(directory);
        }
        return Optional.empty();
    }
}
