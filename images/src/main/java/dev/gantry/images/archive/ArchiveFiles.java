package dev.gantry.images.archive;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** The files of an archive by name, whether a directory or a tar. */
interface ArchiveFiles extends Closeable {
    /** For errors. */
    String describe();

    boolean has(String name);

    /** The size of a file; empty if there is none. */
    Optional<Long> size(String name) throws IOException;

    /** Opens a file that is there. Several may be open at once, in several threads. */
    InputStream open(String name) throws IOException;

    /** A small file as a whole; empty if there is none. */
    default Optional<byte[]> read(String name, int maxBytes) throws IOException {
        Optional<Long> size = size(name);
        if (size.isEmpty()) {
            return Optional.empty();
        }
        if (size.get() > maxBytes) {
            throw new IOException(name + " has " + size.get() + " bytes, the limit is " + maxBytes);
        }
        try (InputStream in = open(name)) {
            return Optional.of(in.readNBytes(maxBytes));
        }
    }
}
