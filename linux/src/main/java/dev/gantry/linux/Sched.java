package dev.gantry.linux;

/** Constants of linux/sched.h. */
public final class Sched {
    public static final long CLONE_VM = 0x100L;
    public static final long CLONE_FS = 0x200L;
    public static final long CLONE_FILES = 0x400L;
    public static final long CLONE_SIGHAND = 0x800L;
    public static final long CLONE_PIDFD = 0x1000L;
    public static final long CLONE_VFORK = 0x4000L;
    public static final long CLONE_PARENT = 0x8000L;
    public static final long CLONE_THREAD = 0x10000L;
    public static final long CLONE_NEWNS = 0x20000L;
    public static final long CLONE_SYSVSEM = 0x40000L;
    public static final long CLONE_NEWTIME = 0x80L;
    public static final long CLONE_NEWCGROUP = 0x2000000L;
    public static final long CLONE_NEWUTS = 0x4000000L;
    public static final long CLONE_NEWIPC = 0x8000000L;
    public static final long CLONE_NEWUSER = 0x10000000L;
    public static final long CLONE_NEWPID = 0x20000000L;
    public static final long CLONE_NEWNET = 0x40000000L;
    /** Only clone3. */
    public static final long CLONE_CLEAR_SIGHAND = 0x100000000L;
    /** Only clone3. */
    public static final long CLONE_INTO_CGROUP = 0x200000000L;

    private Sched() {}
}
