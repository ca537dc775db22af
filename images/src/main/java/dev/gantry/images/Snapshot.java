package dev.gantry.images;

import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The root file system of one container as overlayfs wants it: read-only layers below, one writable directory above.
 * Nothing is mounted by the store.
 */
public interface Snapshot {
    String containerId();

    /** The image that it was made from. */
    Digest imageId();

    /** The directory to be in while mounting, so that {@link #lowerDirs} can be short. */
    Path linkDir();

    /**
     * Names relative to {@link #linkDir}, the topmost layer first: joined by {@code :} they are the value of
     * {@code lowerdir=}. Never empty. Some characters each, so that hundreds fit the page that mount(2) takes.
     */
    List<String> lowerDirs();

    /** Absolute. */
    Path upperDir();

    /** Absolute, on the same file system as {@link #upperDir}. */
    Path workDir();

    /** The data argument of mount(2) for overlay, to be used in {@link #linkDir}. */
    String mountOptions();

    /** The same for a directory in which the layers have the same names, but nothing else is in its place. */
    String mountOptionsElsewhere();

    /**
     * Reads a file as a process in the container would see it, without any mount: upper directory and layers with their
     * whiteouts and opaque directories; symbolic links are followed inside this root only.
     *
     * @param path absolute, in the container
     * @param maxBytes more is an error
     * @return empty if there is no such file
     * @throws IOException if it is no regular file, larger than {@code maxBytes}, or a loop of links
     */
    Optional<byte[]> readFile(String path, int maxBytes) throws IOException;

    /**
     * Looks at a file as {@link #readFile} does.
     *
     * @return empty if there is none
     * @throws IOException if a directory cannot be read, or links form a loop
     */
    Optional<FileStatus> status(String path) throws IOException;

    /** Bytes and inodes of the writable directory, counted now. */
    StoreUsage usage() throws IOException;
}
