package dev.gantry.runtime.spec;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Step;
import dev.gantry.runtime.program.Value;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The steps of a process whose pod has users of its own.
 *
 * <p>It begins as the host's root. What only that may do comes first: mapping the ids of mounts, making devices. Then it
 * enters the pod's user namespace, in which it is root again, and can do no more than the pod's root can.
 */
public final class UserSteps {
    /** ioctl_nsfs(2), {@code _IO(0xb7, 1)}. */
    private static final long NS_GET_USERNS = 0xb701;

    private final ProgramBuilder program;
    private final UserMaps maps;
    private @Nullable Value namespace;

    public UserSteps(ProgramBuilder program, UserMaps maps) {
        this.program = program;
        this.maps = maps;
    }

    /** Finds the user namespace as the owner of the pod's IPC namespace; needs a /proc, and still the pod's namespaces. */
    public void open() {
        Value ipc = program.openat(Value.AT_FDCWD, "/proc/self/ns/ipc", Fcntl.O_RDONLY, 0)
                .named("open the pod's IPC namespace")
                .result("ipc");
        namespace = program.ioctl(ipc, NS_GET_USERNS, "NS_GET_USERNS", 0)
                .named("find the pod's users")
                .result("users");
        program.close(ipc);
    }

    /** Lets the mount's files belong to the pod's users of the same numbers. */
    public Step idMap(Value mount, String what) {
        return program.idMapMount(mount, users()).named("map the ids of " + what + " to the pod's");
    }

    /** Gives a file to the pod's root; needs the host's root. */
    void give(Value directory, String name) {
        int flags = name.isEmpty() ? Fcntl.AT_EMPTY_PATH : Fcntl.AT_SYMLINK_NOFOLLOW;
        program.fchownat(directory, name, maps.user(0), maps.group(0), flags)
                .named("give %s to the pod's root".formatted(name.isEmpty() ? directory : name));
    }

    /** Becomes root of the pod; {@code namespaces} are made anew and belong to its users. */
    void enter(long namespaces) {
        program.setns(users(), Sched.CLONE_NEWUSER).named("join the pod's users");
        becomeRoot();
        program.unshare(namespaces).named("make namespaces that belong to them");
    }

    /** After joining the user namespace. */
    void becomeRoot() {
        program.setgroups(List.of()).named("leave the runtime's groups");
        program.setresgid(0).named("become the pod's group 0");
        program.setresuid(0).named("become the pod's root");
    }

    /**
     * Mounts layers that belong to the host's root so that they belong to the pod's.
     *
     * @param stage where to; what it held is covered
     * @param what names the step that does it
     */
    public void mountLayers(String directory, String options, String stage, String what) {
        Value layers = program.openTree(Value.AT_FDCWD, directory, MountFlags.OPEN_TREE_CLONE)
                .named("take the layers")
                .result("layers");
        var unused = idMap(layers, "the layers");
        program.moveMount(layers, "", Value.AT_FDCWD, stage, MountFlags.MOVE_MOUNT_F_EMPTY_PATH)
                .named("mount the layers");
        program.chdir(stage).named("go to the layers");
        program.mount("overlay", stage, "overlay", 0, options).named(what);
    }

    private Value users() {
        return Objects.requireNonNull(namespace);
    }
}
