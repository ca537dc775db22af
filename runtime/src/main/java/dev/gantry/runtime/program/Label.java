package dev.gantry.runtime.program;

/** A place further down in a program, to which a step can go. */
public final class Label {
    private static final int NOT_PLACED = -1;

    private final String name;
    private int index = NOT_PLACED;

    Label(String name) {
        this.name = name;
    }

    void place(int at) {
        if (index != NOT_PLACED) {
            throw new IllegalStateException("label '" + name + "' is placed twice");
        }
        index = at;
    }

    int index() {
        if (index == NOT_PLACED) {
            throw new IllegalStateException("label '" + name + "' is not placed");
        }
        return index;
    }
}
