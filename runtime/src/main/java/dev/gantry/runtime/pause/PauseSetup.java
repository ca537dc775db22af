package dev.gantry.runtime.pause;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Value;
import java.util.Optional;

/** Steps of the program that pause executes itself, once, before any container. */
public final class PauseSetup {
    /** The pod's shared memory in pause's mount namespace, to be cloned by each container's program. */
    public static final String SHM = "/shm";

    /** Where the new root is put together; every Linux system has it (procfs is mounted there) and nothing is left. */
    private static final String STAGE = "/proc";

    private PauseSetup() {}

    /**
     * Gives pause a mount namespace of nothing but {@link #SHM}, so that it pins no mount of the host and adds none.
     * After it there is no {@code /proc} and no {@code /sys}: sysctls come first.
     *
     * @param shmBytes size of the pod's shared memory, Kubernetes gives 64 MiB
     * @param users the pod's own, if it has some
     * @param shmOptions more options of its shared memory's mount, each with a comma before it
     */
    public static void addTinyRoot(ProgramBuilder program, long shmBytes, Optional<UserMaps> users, String shmOptions) {
        program.unshare(Sched.CLONE_NEWNS).named("leave the host's mount namespace");
        program.mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null)
                .named("keep mounts from spreading to the host");
        long safe = MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;
        program.mount("pause", STAGE, "tmpfs", safe, "mode=0755,size=64k,nr_inodes=8")
                .named("mount pause's own root");
        Value root = program.openat(Value.AT_FDCWD, STAGE, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)
                .result("root");
        program.mkdirat(root, "shm", 0755);
        program.mount("shm", STAGE + SHM, "tmpfs", safe, "mode=1777,size=" + shmBytes + owner(users) + shmOptions)
                .named("mount the pod's shared memory");
        program.fchdir(root);
        program.pivotRoot(".", ".").named("make it the root");
        program.umount2(".", MountFlags.MNT_DETACH).named("let go of the host's mounts");
        program.mountSetattr(Value.AT_FDCWD, "/", 0, MountFlags.MOUNT_ATTR_RDONLY, 0, 0)
                .named("make pause's root read-only");
        program.close(root);
    }

    private static String owner(Optional<UserMaps> users) {
        return users.map(maps -> ",uid=%d,gid=%d".formatted(maps.firstUser(), maps.firstGroup()))
                .orElse("");
    }

    /** Writes {@code value} to a sysctl of the pod's namespaces, {@code name} with dots as Kubernetes writes it. */
    public static void addSysctl(ProgramBuilder program, String name, String value) {
        String path = "/proc/sys/" + name.replace('.', '/');
        Value file = program.openat2(
                        Value.AT_FDCWD,
                        path,
                        Fcntl.O_WRONLY,
                        0,
                        Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_MAGICLINKS)
                .named("open sysctl " + name)
                .result(name);
        program.write(file, value).named("set sysctl " + name + " to " + value);
        program.close(file);
    }
}
