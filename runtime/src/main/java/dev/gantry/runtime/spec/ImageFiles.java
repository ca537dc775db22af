package dev.gantry.runtime.spec;

import java.io.IOException;
import java.util.Optional;

/** Files as a process in the container will see them, read before anything is mounted. */
@FunctionalInterface
public interface ImageFiles {
    /**
     * Reads a file, symbolic links resolved inside the image's root.
     *
     * @param maxBytes more is an error
     * @return empty if there is no such file
     */
    Optional<byte[]> read(String path, int maxBytes) throws IOException;
}
