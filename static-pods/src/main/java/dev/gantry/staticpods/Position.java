package dev.gantry.staticpods;

/**
 * A place in a manifest.
 *
 * @param line from 1
 * @param column in characters, from 1
 */
public record Position(int line, int column) {
    /** Where a document begins; for errors that concern a file as a whole. */
    public static final Position START = new Position(1, 1);

    @Override
    public String toString() {
        return line + ":" + column;
    }
}
