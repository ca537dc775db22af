package dev.gantry.linux;

/**
 * One name in a directory.
 *
 * @param type DT_* as the directory says it: 4 directory, 8 file, 10 symbolic link, 0 unknown (then ask fstatat)
 */
public record DirectoryEntry(String name, long inode, int type) {
    public static final int DT_UNKNOWN = 0;
    public static final int DT_FIFO = 1;
    public static final int DT_CHR = 2;
    public static final int DT_DIR = 4;
    public static final int DT_BLK = 6;
    public static final int DT_REG = 8;
    public static final int DT_LNK = 10;
    public static final int DT_SOCK = 12;
}
