package dev.gantry.staticpods;

/**
 * One thing wrong with a manifest.
 *
 * @param file path as shown to its author
 * @param position of the value at fault, or of what should have contained it
 * @param field path such as {@code spec.containers[0].image}; empty if the document as a whole is at fault
 * @param message what is wrong, what was expected, and what may have been meant
 */
public record ManifestError(String file, Position position, String field, String message) {
    /** {@code web.yaml:7:9: spec.containers[0].imagee: unknown field, did you mean 'image'?}. */
    @Override
    public String toString() {
        return file + ":" + position + ": " + (field.isEmpty() ? "" : field + ": ") + message;
    }
}
