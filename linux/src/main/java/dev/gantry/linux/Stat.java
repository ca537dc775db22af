package dev.gantry.linux;

/** Constants of linux/stat.h and magic numbers of linux/magic.h. */
public final class Stat {
    public static final int S_IFMT = 0xf000;
    public static final int S_IFSOCK = 0xc000;
    public static final int S_IFLNK = 0xa000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;
    public static final int S_ISUID = 0x800;
    public static final int S_ISGID = 0x400;
    public static final int S_ISVTX = 0x200;

    public static final long CGROUP2_SUPER_MAGIC = 0x63677270L;
    public static final long TMPFS_MAGIC = 0x01021994L;
    public static final long OVERLAYFS_SUPER_MAGIC = 0x794c7630L;
    public static final long PROC_SUPER_MAGIC = 0x9fa0L;
    public static final long SYSFS_MAGIC = 0x62656572L;
    public static final long NSFS_MAGIC = 0x6e736673L;

    private Stat() {}
}
