package dev.gantry.runtime.program;

import dev.gantry.linux.Architecture;
import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Prctl;
import dev.gantry.linux.RawName;
import dev.gantry.linux.ResourceLimit;
import dev.gantry.linux.Syscall;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Collects the steps of a {@link Program}. A method named as a system call adds that call, its operands in the manual's
 * order; what it returns lets the caller name the step, use its result and tolerate errors.
 *
 * <p>Paths follow {@link RawName}. Descriptors that a step opens are close-on-exec where the call can do that, and are
 * numbered by the kernel: 3 and up.
 */
public final class ProgramBuilder {
    private static final int DATA_ALIGNMENT = 8;
    private static final int STATX_BYTES = 256;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_MODE_OFFSET = 28;
    private static final int STATX_RDEV_MAJOR_OFFSET = 128;
    private static final int MOUNT_ATTR_USERNS_FD = 24;
    private static final int STATFS_BYTES = 120;
    private static final int PATH_MAX = 4096;
    private static final int CAPABILITY_VERSION_3 = 0x20080522;
    private static final int KEYCTL_JOIN_SESSION_KEYRING = 1;
    private static final int SOCK_FILTER_BYTES = 8;

    private final Architecture architecture;
    private final List<Step> steps = new ArrayList<>();
    private final DataPool data = new DataPool();
    private final Map<List<String>, Integer> pointerArrays = new HashMap<>();
    private final List<String> passedFds = new ArrayList<>();
    private int slots;
    private boolean slotsUsed;

    ProgramBuilder(Architecture architecture) {
        this.architecture = architecture;
    }

    // ---- what steps refer to

    /** A descriptor that the agent passes with the program. All of them are declared before the first step. */
    public Value passedFd(String name) {
        if (slotsUsed || !steps.isEmpty()) {
            throw new IllegalStateException("passed descriptor '" + name + "' is declared after the first step");
        }
        if (passedFds.size() == ProgramFormat.MAX_PASSED_FDS) {
            throw new IllegalStateException("more than " + ProgramFormat.MAX_PASSED_FDS + " passed descriptors");
        }
        passedFds.add(name);
        return Value.slot(slots++, name);
    }

    Value newSlot(String name) {
        slotsUsed = true;
        if (slots == ProgramFormat.MAX_SLOTS) {
            throw new IllegalStateException("more than " + ProgramFormat.MAX_SLOTS + " results and descriptors");
        }
        return Value.slot(slots++, name);
    }

    /** Zeroed space that steps fill in and read. */
    public Buffer buffer(int size, String name) {
        return new Buffer(data.reserve(size), size, name);
    }

    /** Bytes that a step takes by pointer. */
    public Buffer bytes(byte[] content, String name) {
        return new Buffer(data.intern(content), content.length, name);
    }

    /** A place for steps to go to; {@link #place} says where it is. */
    public Label label(String name) {
        return new Label(name);
    }

    /** The label stands for the step that is added next. */
    public ProgramBuilder place(Label label) {
        label.place(steps.size());
        return this;
    }

    // ---- control

    /** Goes on at the label, which lies further down. */
    public Step jump(Label target) {
        return add(new Step(this, ProgramFormat.OP_JUMP, 0, "go to", List.of())).jumpingTo(target);
    }

    /** Ends the program with this error. */
    public Step fail(Errno errno) {
        return op(ProgramFormat.OP_FAIL, "fail", Arg.immediate(errno.number(), errno.name()));
    }

    /** Fails with {@code errno} unless the bytes there (1, 2, 4 or 8 of them, a number), masked, are as expected. */
    public Step check(Buffer field, long mask, long expected, Errno errno) {
        if (Integer.bitCount(field.size()) != 1 || field.size() > Long.BYTES) {
            throw new IllegalArgumentException("not a number: " + field.text() + " of " + field.size() + " bytes");
        }
        return check(field.arg(), field.size(), mask, expected, errno);
    }

    /** Fails with {@code errno} unless the value, masked, is as expected. */
    public Step check(Value value, long mask, long expected, Errno errno) {
        return check(value.arg, Long.BYTES, mask, expected, errno);
    }

    private Step check(Arg what, int width, long mask, long expected, Errno errno) {
        return op(
                ProgramFormat.OP_CHECK,
                "check",
                what,
                Arg.immediate(width),
                hex(mask),
                hex(expected),
                Arg.immediate(errno.number(), errno.name()));
    }

    /** Writes a value into the data, as for a descriptor inside a structure; the field has 4 or 8 bytes. */
    public Step store(Value value, Buffer field) {
        return op(ProgramFormat.OP_STORE, "store", value.arg, field.arg(), Arg.immediate(field.size()));
    }

    /**
     * The process ends here in favour of a new one with the same parent, which goes on with the next step. After setns
     * into a PID namespace it is the new one that is inside.
     *
     * @param flags CLONE_NEW…, or 0
     */
    public Step forkSibling(long flags) {
        return op(ProgramFormat.OP_FORK, "clone3", FlagText.CLONE.arg(flags | 0x8000));
    }

    /** Hands the master side of a terminal to pause, see {@link dev.gantry.runtime.pause.Stdio}. */
    public Step sendTerminal(Value master) {
        return op(ProgramFormat.OP_TERMINAL, "send terminal", master.arg);
    }

    // ---- files

    public Step openat(Value directory, String path, int flags, int mode) {
        return call(Syscall.OPENAT, directory.arg, path(path), open(flags), Arg.octal(mode));
    }

    /** {@code resolve}: RESOLVE_* of {@link Fcntl}. */
    public Step openat2(Value directory, String path, int flags, int mode, long resolve) {
        ByteBuffer how =
                struct(24).putLong(flags | Fcntl.O_CLOEXEC).putLong(mode).putLong(resolve);
        String text =
                "{%s, %s, %s}".formatted(open(flags).text(), Arg.octal(mode).text(), FlagText.RESOLVE.text(resolve));
        return call(Syscall.OPENAT2, directory.arg, path(path), struct(how, text), Arg.immediate(24));
    }

    public Step mkdirat(Value directory, String path, int mode) {
        return call(Syscall.MKDIRAT, directory.arg, path(path), Arg.octal(mode));
    }

    /** {@code mode} includes the type, S_IF*. */
    public Step mknodat(Value directory, String path, int mode, int major, int minor) {
        long device = (long) (minor & 0xff) | (major & 0xfffL) << 8 | (minor & ~0xffL) << 12;
        return call(
                Syscall.MKNODAT,
                directory.arg,
                path(path),
                Arg.octal(mode),
                Arg.immediate(device, "makedev(" + major + ", " + minor + ")"));
    }

    public Step symlinkat(String target, Value directory, String path) {
        return call(Syscall.SYMLINKAT, path(target), directory.arg, path(path));
    }

    public Step unlinkat(Value directory, String path, int flags) {
        return call(Syscall.UNLINKAT, directory.arg, path(path), FlagText.AT.arg(flags));
    }

    public Step fchownat(Value directory, String path, int uid, int gid, int flags) {
        return call(Syscall.FCHOWNAT, directory.arg, path(path), id(uid), id(gid), FlagText.AT.arg(flags));
    }

    public Step fchmodat(Value directory, String path, int mode) {
        return call(Syscall.FCHMODAT, directory.arg, path(path), Arg.octal(mode));
    }

    public Step fchmod(Value file, int mode) {
        return call(Syscall.FCHMOD, file.arg, Arg.octal(mode));
    }

    public Step readlinkat(Value directory, String path, Buffer target) {
        return call(Syscall.READLINKAT, directory.arg, path(path), target.arg(), Arg.immediate(target.size()));
    }

    /** Writes text with one call, as files of procfs and cgroupfs want it. */
    public Step write(Value file, String text) {
        byte[] content = RawName.encode(text);
        return call(Syscall.WRITE, file.arg, bytes(content, quote(text)).arg(), Arg.immediate(content.length));
    }

    public Step read(Value file, Buffer into) {
        return call(Syscall.READ, file.arg, into.arg(), Arg.immediate(into.size()));
    }

    public Step close(Value file) {
        return call(Syscall.CLOSE, file.arg);
    }

    /** A second descriptor with this number; {@code flags}: O_CLOEXEC or 0, as for the standard three. */
    public Step dup3(Value file, int number, int flags) {
        Arg text = flags == 0 ? Arg.immediate(0) : open(flags);
        return call(Syscall.DUP3, file.arg, Arg.immediate(number), text);
    }

    public Step closeRange(int first, long last, int flags) {
        return call(
                Syscall.CLOSE_RANGE,
                Arg.immediate(first),
                Arg.immediate(last, last == 0xffff_ffffL ? "~0U" : Long.toString(last)),
                FlagText.CLOSE_RANGE.arg(flags));
    }

    /** Fills {@code into} (of {@link #statxBuffer}). */
    public Step statx(Value directory, String path, int flags, Buffer into) {
        return call(
                Syscall.STATX,
                directory.arg,
                path(path),
                FlagText.AT.arg(flags),
                Arg.immediate(STATX_BASIC_STATS, "STATX_BASIC_STATS"),
                into.arg());
    }

    public Buffer statxBuffer(String name) {
        return buffer(STATX_BYTES, name);
    }

    /** Fails with EINVAL unless the file in {@code statx} is of this type, S_IF*. */
    public Step checkType(Buffer statx, int type) {
        return check(statx.at(STATX_MODE_OFFSET, 2, "stx_mode"), 0xf000, type, Errno.EINVAL);
    }

    /** Fails with EINVAL unless the device file in {@code statx} is this device. */
    public Step checkDevice(Buffer statx, int major, int minor) {
        return check(statx.at(STATX_RDEV_MAJOR_OFFSET, 8, "stx_rdev"), -1L, (long) minor << 32 | major, Errno.EINVAL);
    }

    /** Two steps: fails with {@code errno} unless the file is on a file system of this type, *_MAGIC; returns the last. */
    public Step checkFileSystem(Value file, long magic, Errno errno) {
        Buffer statfs = buffer(STATFS_BYTES, "statfs");
        call(Syscall.FSTATFS, file.arg, statfs.arg());
        return check(statfs.at(0, Long.BYTES, "f_type"), -1L, magic, errno);
    }

    /** {@code argument} is passed by pointer. */
    public Step ioctl(Value file, long request, String requestName, Buffer argument) {
        return call(Syscall.IOCTL, file.arg, Arg.immediate(request, requestName), argument.arg());
    }

    public Step ioctl(Value file, long request, String requestName, long argument) {
        return call(Syscall.IOCTL, file.arg, Arg.immediate(request, requestName), Arg.immediate(argument));
    }

    // ---- mounts

    public Step mount(
            @Nullable String source, String target, @Nullable String type, long flags, @Nullable String options) {
        return call(Syscall.MOUNT, path(source), path(target), path(type), FlagText.MOUNT.arg(flags), path(options));
    }

    public Step umount2(String target, int flags) {
        return call(Syscall.UMOUNT2, path(target), FlagText.UMOUNT.arg(flags));
    }

    public Step pivotRoot(String newRoot, String putOld) {
        return call(Syscall.PIVOT_ROOT, path(newRoot), path(putOld));
    }

    /** {@code flags}: OPEN_TREE_* of {@link MountFlags} and AT_*; OPEN_TREE_CLOEXEC is added. */
    public Step openTree(Value directory, String path, int flags) {
        return call(
                Syscall.OPEN_TREE,
                directory.arg,
                path(path),
                FlagText.OPEN_TREE.arg(flags | MountFlags.OPEN_TREE_CLOEXEC));
    }

    public Step moveMount(Value from, String fromPath, Value to, String toPath, int flags) {
        return call(Syscall.MOVE_MOUNT, from.arg, path(fromPath), to.arg, path(toPath), FlagText.MOVE_MOUNT.arg(flags));
    }

    /** Mounts one descriptor onto another: no path is looked up. */
    public Step moveMountOnto(Value mount, Value target) {
        return moveMount(
                mount, "", target, "", MountFlags.MOVE_MOUNT_F_EMPTY_PATH | MountFlags.MOVE_MOUNT_T_EMPTY_PATH);
    }

    public Step fsopen(String type) {
        return call(Syscall.FSOPEN, path(type), FlagText.FSOPEN.arg(MountFlags.FSOPEN_CLOEXEC));
    }

    public Step fsconfigString(Value context, String key, String value) {
        return fsconfig(context, MountFlags.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING", path(key), path(value));
    }

    public Step fsconfigFlag(Value context, String key) {
        return fsconfig(context, MountFlags.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG", path(key), Arg.NULL);
    }

    public Step fsconfigFd(Value context, String key, Value file) {
        Arg command = Arg.immediate(MountFlags.FSCONFIG_SET_FD, "FSCONFIG_SET_FD");
        return call(Syscall.FSCONFIG, context.arg, command, path(key), Arg.NULL, file.arg);
    }

    public Step fsconfigCreate(Value context) {
        return fsconfig(context, MountFlags.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE", Arg.NULL, Arg.NULL);
    }

    private Step fsconfig(Value context, int command, String name, Arg key, Arg value) {
        return call(Syscall.FSCONFIG, context.arg, Arg.immediate(command, name), key, value, Arg.immediate(0));
    }

    /** {@code attributes}: MOUNT_ATTR_* of {@link MountFlags}. */
    public Step fsmount(Value context, long attributes) {
        return call(
                Syscall.FSMOUNT,
                context.arg,
                FlagText.FSMOUNT.arg(MountFlags.FSMOUNT_CLOEXEC),
                FlagText.MOUNT_ATTR.arg(attributes));
    }

    /**
     * Changes attributes of a mount.
     *
     * @param flags AT_EMPTY_PATH, AT_RECURSIVE …
     * @param propagation MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or 0 to leave it
     */
    public Step mountSetattr(Value directory, String path, int flags, long set, long clear, long propagation) {
        ByteBuffer attributes = struct(MountFlags.MOUNT_ATTR_SIZE_VER0)
                .putLong(set)
                .putLong(clear)
                .putLong(propagation)
                .putLong(0);
        String text = "{set=%s, clr=%s, propagation=%s}"
                .formatted(
                        FlagText.MOUNT_ATTR.text(set),
                        FlagText.MOUNT_ATTR.text(clear),
                        FlagText.MOUNT.text(propagation));
        return call(
                Syscall.MOUNT_SETATTR,
                directory.arg,
                path(path),
                FlagText.AT.arg(flags),
                struct(attributes, text),
                Arg.immediate(MountFlags.MOUNT_ATTR_SIZE_VER0));
    }

    /** Three steps: makes the ids of a mount's files those of a user namespace, MOUNT_ATTR_IDMAP; returns the last. */
    public Step idMapMount(Value mount, Value userNamespace) {
        Buffer attributes = buffer(MountFlags.MOUNT_ATTR_SIZE_VER0, "mount_attr");
        store(Value.named(MountFlags.MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"), attributes.at(0, Long.BYTES, "attr_set"));
        store(userNamespace, attributes.at(MOUNT_ATTR_USERNS_FD, Long.BYTES, "userns_fd"));
        return call(
                Syscall.MOUNT_SETATTR,
                mount.arg,
                path(""),
                FlagText.AT.arg(Fcntl.AT_EMPTY_PATH),
                attributes.arg(),
                Arg.immediate(MountFlags.MOUNT_ATTR_SIZE_VER0));
    }

    // ---- namespaces and the process

    /** {@code types}: CLONE_NEW*; several of them if {@code namespace} is a pidfd. */
    public Step setns(Value namespace, long types) {
        return call(Syscall.SETNS, namespace.arg, FlagText.CLONE.arg(types));
    }

    public Step unshare(long flags) {
        return call(Syscall.UNSHARE, FlagText.CLONE.arg(flags));
    }

    public Step sethostname(String name) {
        return call(Syscall.SETHOSTNAME, path(name), Arg.immediate(RawName.encode(name).length));
    }

    public Step setdomainname(String name) {
        return call(Syscall.SETDOMAINNAME, path(name), Arg.immediate(RawName.encode(name).length));
    }

    public Step chdir(String path) {
        return call(Syscall.CHDIR, path(path));
    }

    public Step fchdir(Value directory) {
        return call(Syscall.FCHDIR, directory.arg);
    }

    public Step chroot(String path) {
        return call(Syscall.CHROOT, path(path));
    }

    /**
     * Two steps: fails with ENOENT if the working directory is not below the root, as it would be if it had been reached
     * through a leaked descriptor. Returns the last.
     */
    public Step checkWorkingDirectory() {
        Buffer path = buffer(PATH_MAX, "cwd");
        call(Syscall.GETCWD, path.arg(), Arg.immediate(PATH_MAX)).named("find the working directory below the root");
        return check(path.at(0, 1, "first"), 0xff, '/', Errno.ENOENT).named("check that it is below the root");
    }

    public Step umask(int mask) {
        return call(Syscall.UMASK, Arg.octal(mask));
    }

    public Step setsid() {
        return call(Syscall.SETSID);
    }

    public Step prlimit(int resource, ResourceLimit limit) {
        ByteBuffer struct = struct(16).putLong(limit.soft()).putLong(limit.hard());
        String text = "{%s, %s}".formatted(limitText(limit.soft()), limitText(limit.hard()));
        return call(Syscall.PRLIMIT64, Arg.immediate(0), Arg.immediate(resource), struct(struct, text), Arg.NULL);
    }

    /** {@code mask}: bit n of byte n/8 is CPU n. */
    public Step schedSetaffinity(byte[] mask) {
        return call(
                Syscall.SCHED_SETAFFINITY,
                Arg.immediate(0),
                Arg.immediate(mask.length),
                bytes(mask, "{" + mask.length * 8 + " CPUs}").arg());
    }

    // ---- privileges

    public Step prctl(int option, String optionName, long arg2) {
        return prctl(option, optionName, arg2, 0);
    }

    public Step prctl(int option, String optionName, long arg2, long arg3) {
        return call(
                Syscall.PRCTL,
                Arg.immediate(option, optionName),
                Arg.immediate(arg2),
                Arg.immediate(arg3),
                Arg.immediate(0),
                Arg.immediate(0));
    }

    public Step setNoNewPrivs() {
        return prctl(Prctl.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", 1);
    }

    public Step setKeepCapabilities(boolean keep) {
        return prctl(Prctl.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", keep ? 1 : 0);
    }

    /** Takes one out of the bounding set; a kernel that does not know it answers EINVAL. */
    public Step dropBounding(LinuxCapability capability) {
        return capability(
                Arg.immediate(Prctl.PR_CAPBSET_DROP, "PR_CAPBSET_DROP"),
                Arg.immediate(capability.number(), capability.name()),
                Arg.immediate(0));
    }

    public Step raiseAmbient(LinuxCapability capability) {
        return capability(
                Arg.immediate(Prctl.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"),
                Arg.immediate(Prctl.PR_CAP_AMBIENT_RAISE, "PR_CAP_AMBIENT_RAISE"),
                Arg.immediate(capability.number(), capability.name()));
    }

    public Step clearAmbient() {
        return capability(
                Arg.immediate(Prctl.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"),
                Arg.immediate(Prctl.PR_CAP_AMBIENT_CLEAR_ALL, "PR_CAP_AMBIENT_CLEAR_ALL"),
                Arg.immediate(0));
    }

    private Step capability(Arg option, Arg arg2, Arg arg3) {
        return call(Syscall.PRCTL, option, arg2, arg3, Arg.immediate(0), Arg.immediate(0));
    }

    /** Masks have bit n for capability n. */
    public Step capset(long effective, long permitted, long inheritable) {
        ByteBuffer header = struct(8).putInt(CAPABILITY_VERSION_3).putInt(0);
        ByteBuffer sets = struct(24);
        for (int shift = 0; shift <= 32; shift += 32) {
            sets.putInt((int) (effective >>> shift)).putInt((int) (permitted >>> shift));
            sets.putInt((int) (inheritable >>> shift));
        }
        String text = "{effective=%s, permitted=%s, inheritable=%s}"
                .formatted(caps(effective), caps(permitted), caps(inheritable));
        return call(Syscall.CAPSET, struct(header, "{V3, self}"), struct(sets, text));
    }

    public Step setgroups(List<Integer> groups) {
        ByteBuffer ids = struct(groups.size() * Integer.BYTES);
        groups.forEach(ids::putInt);
        String text = groups.stream().map(Integer::toUnsignedString).collect(Collectors.joining(", ", "[", "]"));
        Arg list = groups.isEmpty() ? Arg.NULL : struct(ids, text);
        return call(Syscall.SETGROUPS, Arg.immediate(groups.size()), list);
    }

    /** Real, effective and saved. */
    public Step setresgid(int gid) {
        return call(Syscall.SETRESGID, id(gid), id(gid), id(gid));
    }

    /** Real, effective and saved. */
    public Step setresuid(int uid) {
        return call(Syscall.SETRESUID, id(uid), id(uid), id(uid));
    }

    /** Leaves the parent's keyrings for a new session keyring without a name. */
    public Step joinNewSessionKeyring() {
        return call(
                Syscall.KEYCTL, Arg.immediate(KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"), Arg.NULL);
    }

    /** {@code filter}: struct sock_filter, 8 bytes each, up to 4096 of them. */
    public Step seccomp(byte[] filter, int flags) {
        int instructions = filter.length / SOCK_FILTER_BYTES;
        if (instructions == 0 || filter.length % SOCK_FILTER_BYTES != 0 || instructions > 4096) {
            throw new IllegalArgumentException("not a BPF program: " + filter.length + " bytes");
        }
        int program = data.reserve(16);
        data.putShort(program, instructions);
        data.pointer(program + 8, data.intern(filter));
        return call(
                Syscall.SECCOMP,
                Arg.immediate(Prctl.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"),
                FlagText.SECCOMP.arg(flags),
                new Buffer(program, 16, "{len=" + instructions + "}").arg());
    }

    // ---- the end

    public Step execve(String path, List<String> argv, List<String> envp) {
        String arguments = argv.stream().map(ProgramBuilder::quote).collect(Collectors.joining(", ", "[", "]"));
        return call(
                Syscall.EXECVE,
                path(path),
                new Arg(Arg.DATA, pointers(argv), arguments),
                new Arg(Arg.DATA, pointers(envp), "[/* " + envp.size() + " variables */]"));
    }

    /**
     * Looks for the file as execvp(3) does: a name with a slash as it is, another in each directory; ends with EACCES if
     * it was found but could not be executed, else with ENOENT. Several steps; returns the one that reports the failure.
     */
    public Step execvp(String file, List<String> directories, List<String> argv, List<String> envp) {
        if (file.indexOf('/') >= 0 || file.isEmpty()) {
            return execve(file, argv, envp).named("execute " + file);
        }
        List<Label> denied = new ArrayList<>();
        for (int i = 1; i <= directories.size(); i++) {
            denied.add(label("permission denied before directory " + i));
        }
        for (int i = 0; i < directories.size(); i++) {
            tryDirectory(directories.get(i), file, argv, envp).on(Errno.EACCES, denied.get(i));
        }
        String where = " in " + String.join(":", directories);
        Step missing = fail(Errno.ENOENT).named("find " + file + where);
        for (int i = 0; i < directories.size(); i++) {
            place(denied.get(i));
            if (i + 1 < directories.size()) {
                tryDirectory(directories.get(i + 1), file, argv, envp).ignore(Errno.EACCES);
            }
        }
        if (!directories.isEmpty()) {
            fail(Errno.EACCES).named("execute " + file + " found" + where);
        }
        return missing;
    }

    private Step tryDirectory(String directory, String file, List<String> argv, List<String> envp) {
        String base = directory.isEmpty() ? "." : directory;
        return execve(base.endsWith("/") ? base + file : base + "/" + file, argv, envp)
                .ignore(Errno.ENOENT, Errno.ENOTDIR);
    }

    /** Any other call; see {@link Value} and {@link #buffer} for its operands, which are Value, Buffer or String. */
    public Step call(Syscall syscall, Object... operands) {
        Arg[] args = Arrays.stream(operands).map(this::operand).toArray(Arg[]::new);
        return add(new Step(
                this, ProgramFormat.OP_SYSCALL, syscall.number(architecture), syscall.callName(), List.of(args)));
    }

    private Arg operand(Object operand) {
        if (operand instanceof Arg arg) {
            return arg;
        }
        if (operand instanceof Value value) {
            return value.arg;
        }
        if (operand instanceof Buffer buffer) {
            return buffer.arg();
        }
        if (operand instanceof String text) {
            return path(text);
        }
        throw new IllegalArgumentException("not an operand: " + operand);
    }

    public Program build() {
        if (steps.size() > ProgramFormat.MAX_STEPS) {
            throw new IllegalStateException(
                    "program has %d steps, more than %d".formatted(steps.size(), ProgramFormat.MAX_STEPS));
        }
        return new Program(architecture, steps, data.relocations(), data.bytes(), slots, passedFds);
    }

    // ---- operands

    private Step op(int op, String text, Arg... args) {
        return add(new Step(this, op, 0, text, List.of(args)));
    }

    private Step add(Step step) {
        steps.add(step);
        return step;
    }

    private Arg path(@Nullable String text) {
        if (text == null) {
            return Arg.NULL;
        }
        return new Arg(Arg.DATA, data.internString(text), quote(text));
    }

    private int pointers(List<String> strings) {
        Integer known = pointerArrays.get(strings);
        if (known != null) {
            return known;
        }
        int array = data.reserve((strings.size() + 1) * Long.BYTES);
        for (int i = 0; i < strings.size(); i++) {
            data.pointer(array + i * Long.BYTES, data.internString(strings.get(i)));
        }
        pointerArrays.put(List.copyOf(strings), array);
        return array;
    }

    private Arg open(int flags) {
        return FlagText.open(architecture, flags | Fcntl.O_CLOEXEC);
    }

    private static Arg id(int id) {
        return Arg.immediate(id, id == -1 ? "-1" : Integer.toUnsignedString(id));
    }

    private static Arg hex(long value) {
        return Arg.immediate(value, "0x" + Long.toHexString(value));
    }

    private static String limitText(long limit) {
        return limit == ResourceLimit.INFINITY ? "RLIM_INFINITY" : Long.toUnsignedString(limit);
    }

    private static String caps(long mask) {
        return mask == 0
                ? "none"
                : LinuxCapability.ofMask(mask).stream().map(Enum::name).collect(Collectors.joining("|"));
    }

    private static ByteBuffer struct(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private Arg struct(ByteBuffer content, String text) {
        byte[] copy = new byte[content.capacity()];
        content.rewind().get(copy);
        return bytes(copy, text).arg();
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> quoted.append('\\').append(c);
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                case '\r' -> quoted.append("\\r");
                default -> {
                    if (c < ' ' || c == 0x7f) {
                        quoted.append("\\%03o".formatted((int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    static int aligned(int offset) {
        return offset + DATA_ALIGNMENT - 1 & -DATA_ALIGNMENT;
    }
}
