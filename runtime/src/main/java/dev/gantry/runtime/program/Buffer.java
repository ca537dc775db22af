package dev.gantry.runtime.program;

/**
 * Space in a program's data: what a step reads or fills in.
 *
 * @param offset from the data's start, in bytes
 * @param size in bytes
 */
public record Buffer(int offset, int size, String text) {
    Arg arg() {
        return new Arg(Arg.DATA, offset, text);
    }

    /** A part of this one, as for one field of a structure. */
    public Buffer at(int offsetInside, int sizeInside, String name) {
        if (offsetInside < 0 || sizeInside <= 0 || offsetInside + sizeInside > size) {
            throw new IllegalArgumentException(
                    "%d bytes at %d are not within the %d of %s".formatted(sizeInside, offsetInside, size, text));
        }
        return new Buffer(offset + offsetInside, sizeInside, text + "." + name);
    }
}
