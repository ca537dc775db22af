package dev.gantry.images;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The images of this node, unpacked, and the root file systems made from them.
 *
 * <ul>
 *   <li>An image is in the store completely or not at all, whatever crashed and whenever.
 *   <li>All methods may be called from any thread. {@link #pull} returns at once; the others touch the disk only.
 *   <li>Names are {@link ImageReference}s in any form, image ids ({@code sha256:…} or at least 4 digits of it) or
 *       manifest digests.
 * </ul>
 */
public interface ImageStore extends AutoCloseable {
    /**
     * Starts a pull, or joins the one that runs for the same name, credentials and platform. An archive of the archive
     * directory is taken before any registry, if the image is in one.
     *
     * @param credentials anonymous ones mean those of the node's configuration, and at last none
     */
    PullHandle pull(ImageReference reference, Credentials credentials, Platform platform);

    /** As above, with the credentials of the node's configuration and for this machine. */
    PullHandle pull(ImageReference reference);

    /** A look at the pull of this name that runs, if one does: it neither keeps the pull alive nor ends it. */
    Optional<PullHandle> watch(ImageReference reference);

    /** The image of this name, id or digest. */
    Optional<Image> find(String nameOrId);

    /** All images, in order of id. */
    List<Image> list();

    /**
     * Loads the images of an archive: OCI layout or {@code docker save}, as a directory or tar file, which may be
     * compressed by gzip or zstd.
     *
     * @return those that it holds for this machine; at least one
     */
    List<Image> load(Path archiveOrDirectory) throws ImageException, InterruptedException;

    /**
     * Removes an image with all its names. Layers that a container or another image uses stay until they are free.
     *
     * @return whether there was such an image
     */
    boolean remove(String nameOrId) throws ImageException;

    /** Removes only this name; the image goes with its last name. */
    boolean untag(ImageReference reference) throws ImageException;

    /** Gives an image one more name. */
    void tag(String nameOrId, ImageReference name) throws ImageException;

    /** Marks an image as not to be removed by the kubelet's image garbage collection. */
    void pin(String nameOrId, boolean pinned) throws ImageException;

    /** Disk space of layers, manifests and configs. Containers' writable layers are not counted. */
    StoreUsage usage();

    /** Removes layers and blobs that no image, container or running pull uses; returns what was freed. */
    StoreUsage collectGarbage() throws ImageException;

    /**
     * Makes the writable directories for a container. Made before for the same container and image: returns that one.
     *
     * @param containerId 1 to 128 letters, digits, {@code . _ -}, not starting with a dot
     */
    Snapshot prepare(String containerId, Image image) throws ImageException;

    /** The snapshot that was prepared for this container. */
    Optional<Snapshot> snapshot(String containerId);

    /** Removes a container's writable directories, if they are there. They must not be mounted any more. */
    void removeSnapshot(String containerId) throws ImageException;

    /** Removes the snapshots of all other containers: what a crash left. Returns their ids. */
    List<String> retainSnapshots(Collection<String> containerIds) throws ImageException;

    /** What was found broken, and dropped, when the store was opened: one sentence each. */
    List<String> problems();

    /** Cancels pulls and gives the lock back. */
    @Override
    void close();
}
