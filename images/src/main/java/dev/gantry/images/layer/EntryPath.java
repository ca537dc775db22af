package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import java.util.ArrayList;
import java.util.List;

/**
 * The path of a tar entry, relative to the layer's root.
 *
 * @param components none for the root itself; none of them empty, {@code .} or {@code ..}
 */
record EntryPath(List<String> components) {
    private static final String WHITEOUT = ".wh.";
    private static final String META = ".wh..wh.";
    private static final String OPAQUE = ".wh..wh..opq";

    /** What an entry means by its name. */
    enum Kind {
        /** To be created. */
        PLAIN,
        /** Removes a name of the layers below. */
        WHITEOUT,
        /** Hides all that the layers below have in its directory. */
        OPAQUE,
        /** Bookkeeping of aufs. */
        IGNORED
    }

    static EntryPath of(String name, LayerLimits limits) throws LayerFormatException {
        List<String> components = new ArrayList<>();
        int start = 0;
        while (start <= name.length()) {
            int slash = name.indexOf('/', start);
            int end = slash < 0 ? name.length() : slash;
            String component = name.substring(start, end);
            if (component.equals("..")) {
                if (components.isEmpty()) {
                    throw new LayerFormatException("'" + Quoted.cut(name) + "' leaves the layer's root");
                }
                components.remove(components.size() - 1);
            } else if (!component.isEmpty() && !component.equals(".")) {
                components.add(component);
            }
            start = end + 1;
        }
        if (components.size() > limits.pathDepth()) {
            throw new LayerFormatException(
                    "'" + Quoted.cut(name, 60) + "' is deeper than " + limits.pathDepth() + " directories");
        }
        return new EntryPath(components);
    }

    boolean isRoot() {
        return components.isEmpty();
    }

    String last() {
        return components.get(components.size() - 1);
    }

    EntryPath parent() {
        return new EntryPath(components.subList(0, components.size() - 1));
    }

    Kind kind() throws LayerFormatException {
        for (int i = 0; i < components.size() - 1; i++) {
            String component = components.get(i);
            if (component.startsWith(META)) {
                return Kind.IGNORED;
            }
            if (component.startsWith(WHITEOUT)) {
                throw new LayerFormatException("'" + Quoted.cut(toString()) + "' lies within a whiteout");
            }
        }
        if (isRoot() || !last().startsWith(WHITEOUT)) {
            return Kind.PLAIN;
        }
        if (last().equals(OPAQUE)) {
            return Kind.OPAQUE;
        }
        if (last().startsWith(META)) {
            return Kind.IGNORED;
        }
        String name = whitedOut();
        if (name.isEmpty() || name.equals(".") || name.equals("..")) {
            throw new LayerFormatException("'" + Quoted.cut(toString()) + "' is a whiteout of nothing");
        }
        return Kind.WHITEOUT;
    }

    /** The name that a whiteout removes. */
    String whitedOut() {
        return last().substring(WHITEOUT.length());
    }

    @Override
    public String toString() {
        return String.join("/", components);
    }
}
