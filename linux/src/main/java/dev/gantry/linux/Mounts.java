package dev.gantry.linux;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Mounting, by the old call and by the descriptors of Linux 5.2 and later. What changes the calling thread's mount
 * table belongs into {@link Namespaces#onFreshThread} unless the host's table is meant.
 */
public interface Mounts {
    /** {@code flags}: MS_* of {@link MountFlags}. */
    void mount(
            @Nullable String source, String target, @Nullable String fileSystemType, long flags, @Nullable String data)
            throws ErrnoException;

    /** {@code flags}: MNT_DETACH, UMOUNT_NOFOLLOW … */
    void umount2(String target, int flags) throws ErrnoException;

    void pivotRoot(String newRoot, String putOld) throws ErrnoException;

    /** A mount as a descriptor; with OPEN_TREE_CLONE a detached copy, with AT_RECURSIVE of all below it too. */
    Fd openTree(Fd directory, String path, int flags) throws ErrnoException;

    void moveMount(Fd fromDirectory, String fromPath, Fd toDirectory, String toPath, int flags) throws ErrnoException;

    Fd fsopen(String fileSystemType) throws ErrnoException;

    Fd fspick(Fd directory, String path, int flags) throws ErrnoException;

    /** A failure of this and the next ones carries the kernel's own words from the context's log, if there are any. */
    void fsconfigString(Fd context, String key, String value) throws ErrnoException;

    void fsconfigFlag(Fd context, String key) throws ErrnoException;

    void fsconfigFd(Fd context, String key, Fd value) throws ErrnoException;

    void fsconfigCreate(Fd context) throws ErrnoException;

    void fsconfigReconfigure(Fd context) throws ErrnoException;

    /** The file system as a detached mount; {@code attributes}: MOUNT_ATTR_*. */
    Fd fsmount(Fd context, long attributes) throws ErrnoException;

    /**
     * Changes attributes of a mount.
     *
     * @param flags AT_EMPTY_PATH, AT_RECURSIVE …
     * @param propagation MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0
     * @param userNamespace for MOUNT_ATTR_IDMAP
     */
    void mountSetattr(
            Fd directory, String path, int flags, long set, long clear, long propagation, @Nullable Fd userNamespace)
            throws ErrnoException;

    default void mountSetattr(Fd mount, int flags, long set, long clear) throws ErrnoException {
        mountSetattr(mount, "", flags | Fcntl.AT_EMPTY_PATH, set, clear, 0, null);
    }

    /** The mounts of the calling thread's namespace. */
    List<MountInfo> mountInfo() throws ErrnoException;
}
