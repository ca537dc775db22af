package dev.gantry.staticpods;

import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with one file: the first of it, where there is much, and no more of each than fits a line. */
final class ManifestErrors {
    private static final int MAX_FIELD = 300;
    private static final int MAX_MESSAGE = 2000;

    private final String file;
    private final List<ManifestError> found = new ArrayList<>();
    private int more;

    ManifestErrors(String file) {
        this.file = file;
    }

    void add(Position position, String field, String message) {
        if (isFull()) {
            more++;
            return;
        }
        found.add(new ManifestError(
                file, position, FieldError.oneLine(field, MAX_FIELD), FieldError.oneLine(message, MAX_MESSAGE)));
    }

    /** Whether nothing more will be kept, so that nobody needs to look for more. */
    boolean isFull() {
        return found.size() >= FieldErrors.MAX;
    }

    int size() {
        return found.size();
    }

    List<String> fieldsSince(int index) {
        return found.subList(index, found.size()).stream()
                .map(ManifestError::field)
                .toList();
    }

    /** All that were kept, and a last one if there were more. */
    List<ManifestError> found() {
        if (more == 0) {
            return List.copyOf(found);
        }
        List<ManifestError> result = new ArrayList<>(found);
        result.add(new ManifestError(
                file, Position.START, "", "has more errors than the " + found.size() + " before; mend these first"));
        return List.copyOf(result);
    }
}
