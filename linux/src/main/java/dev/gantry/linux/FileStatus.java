package dev.gantry.linux;

import java.time.Instant;

/**
 * What statx(2) says of a file.
 *
 * @param mode type and permissions, S_IF* of {@link Stat}
 * @param deviceMajor of the device that a device file stands for
 * @param blocks in units of 512 bytes
 * @param fileSystem number of the file system the file is on, major and minor as stat(2) packs them
 * @param mountId as the first field of mountinfo; 0 if the kernel does not tell (before 5.8)
 */
public record FileStatus(
        int mode,
        long inode,
        int links,
        int uid,
        int gid,
        long size,
        long blocks,
        int deviceMajor,
        int deviceMinor,
        long fileSystem,
        long mountId,
        Instant accessTime,
        Instant modificationTime,
        Instant changeTime) {

    public int type() {
        return mode & Stat.S_IFMT;
    }

    public int permissions() {
        return mode & ~Stat.S_IFMT;
    }

    public boolean isDirectory() {
        return type() == Stat.S_IFDIR;
    }

    public boolean isRegularFile() {
        return type() == Stat.S_IFREG;
    }

    public boolean isSymbolicLink() {
        return type() == Stat.S_IFLNK;
    }

    public boolean isCharacterDevice() {
        return type() == Stat.S_IFCHR;
    }

    public boolean isBlockDevice() {
        return type() == Stat.S_IFBLK;
    }

    public boolean isSocket() {
        return type() == Stat.S_IFSOCK;
    }

    public boolean isFifo() {
        return type() == Stat.S_IFIFO;
    }

    /** Whether both are the same file: the same inode of the same file system. */
    public boolean sameFile(FileStatus other) {
        return inode == other.inode && fileSystem == other.fileSystem;
    }
}
