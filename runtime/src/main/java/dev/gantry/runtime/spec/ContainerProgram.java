package dev.gantry.runtime.spec;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.ResourceLimit;
import dev.gantry.linux.Sched;
import dev.gantry.linux.Stat;
import dev.gantry.runtime.pause.PauseSetup;
import dev.gantry.runtime.program.Label;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Step;
import dev.gantry.runtime.program.Value;
import dev.gantry.runtime.spec.MountSpec.Bind;
import dev.gantry.runtime.spec.MountSpec.FileSystem;
import dev.gantry.runtime.spec.MountSpec.ImageVolume;
import dev.gantry.runtime.spec.MountSpec.SharedMemory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes the program that makes a container's first process.
 *
 * <p>It starts in pause's namespaces. What comes from the host is opened first, in the host's mount namespace; then the
 * process makes a namespace of its own and puts the root file system together on {@link #ROOT_STAGE}, every mount onto
 * a descriptor that was resolved inside the new root; then that becomes the root and the host's mounts are let go.
 * Nothing of this is ever visible in the host's mount table.
 *
 * <p>In a pod with users of its own the process becomes one of them half-way ({@link UserSteps}): the mounts that only the
 * host's root can make are made before, the namespaces that the container shall own after.
 */
public final class ContainerProgram {
    /** Exist on every Linux system and are not needed any more when they are used, in a namespace of our own. */
    private static final String ROOT_STAGE = "/proc";

    private static final String MASK_STAGE = "/sys";

    /** One image volume after the other, before {@link #MASK_STAGE} is needed. */
    private static final String VOLUME_STAGE = "/sys";

    /** File systems of the kernel whose files get their label from an option of their mount. */
    private static final Set<String> LABELLED_TYPES = Set.of("tmpfs", "devpts");

    private static final long IN_ROOT = Fcntl.RESOLVE_IN_ROOT | Fcntl.RESOLVE_NO_MAGICLINKS;

    /** What systemd gives a service, and with it containerd its containers. */
    private static final long SOFT_FILES = 1024;

    private final ContainerSpec spec;
    private final ProgramBuilder program = Program.builder();
    private final ProcessSteps process;
    private final Map<MountSpec, Value> sources = new HashMap<>();
    private final @Nullable UserSteps users;
    private @Nullable Value root;
    private @Nullable Value proc;
    private @Nullable Value dev;
    private @Nullable Value pts;

    /**
     * The layers of the root, or of an image that is mounted.
     *
     * @param directory where relative names of {@code options} are looked up
     * @param options of an overlay mount
     * @param upper the writable layer
     * @param optionsElsewhere the same, for when the directory's files are seen somewhere else
     */
    public record Layers(String directory, String options, String upper, String optionsElsewhere) {}

    private ContainerProgram(ContainerSpec spec, ProcessContext context) {
        this.spec = spec;
        this.process = new ProcessSteps(program, context);
        this.users = spec.users().map(maps -> new UserSteps(program, maps)).orElse(null);
    }

    /**
     * Writes the program. Descriptors to pass with it: the host's mount namespace; for {@link
     * ContainerSpec.PidMode#TARGET} then a pidfd of the target.
     *
     * @param volumes layers of image volumes by the index of their mount
     * @param maxFiles RLIMIT_NOFILE that cannot be exceeded
     */
    public static Program write(
            ContainerSpec spec, ProcessContext context, Layers root, Map<Integer, Layers> volumes, long maxFiles) {
        return new ContainerProgram(spec, context).write(root, volumes, maxFiles);
    }

    private Program write(Layers layers, Map<Integer, Layers> volumes, long maxFiles) {
        Value hostMounts = program.passedFd("host mount namespace");
        if (spec.pid() == ContainerSpec.PidMode.TARGET) {
            Value target = program.passedFd("target");
            process.hideFromTracing();
            program.setns(target, Sched.CLONE_NEWPID).named("join the target's PID namespace");
            program.forkSibling(0).named("be born in it");
        } else {
            process.hideFromTracing();
        }
        program.umask(0);
        openSources(hostMounts);
        leaveHost(layers);
        stageVolumes(volumes);
        stageRoot(layers);
        if (users == null) {
            spec.mounts().forEach(this::mount);
            makeDevices();
        } else {
            joinUsers(users);
            spec.mounts().forEach(this::mount);
        }
        makeWorkingDirectory();
        Value terminal = spec.terminal() ? openConsole() : null;
        restrictPaths();
        if (spec.readOnlyRoot()) {
            program.mountSetattr(root(), "", Fcntl.AT_EMPTY_PATH, MountFlags.MOUNT_ATTR_RDONLY, 0, 0)
                    .named("make the root read-only");
        }
        if (users == null) {
            process.setOomScore(proc());
            process.enterSecurityModules(proc());
        }
        enterRoot();
        long hard = Math.min(524_288, maxFiles);
        program.prlimit(ResourceLimit.RLIMIT_NOFILE, new ResourceLimit(Math.min(SOFT_FILES, hard), hard))
                .named("limit open files");
        process.newSession();
        if (terminal != null) {
            process.adoptTerminal(terminal);
        } else if (users == null) {
            ownStdio();
        }
        process.enterWorkingDirectory();
        process.becomeUser();
        process.execute(spec.arguments());
        return program.build();
    }

    private void ownStdio() {
        process.ownStdio(spec.stdin() ? List.of(0, 1, 2) : List.of(1, 2));
    }

    /**
     * Whoever owns a mount namespace may only mount procfs and sysfs if it could see all of them before, so these two are
     * mounted for it. Device files are made in a tmpfs that is not its own: in one of its own they would not work.
     */
    private void joinUsers(UserSteps steps) {
        for (MountSpec mount : spec.mounts()) {
            if (mount instanceof FileSystem fileSystem && isMadeByHost(fileSystem)) {
                Value made = make(fileSystem);
                sources.put(mount, made);
                remember(fileSystem, made);
                if (fileSystem.type().equals("tmpfs")) {
                    steps.give(made, "");
                }
            }
        }
        makeDevices();
        process.setOomScore(proc());
        process.enterSecurityModules(proc());
        if (!spec.terminal()) {
            ownStdio();
        }
        long cgroups = spec.privateCgroupNamespace() ? Sched.CLONE_NEWCGROUP : 0;
        steps.enter(Sched.CLONE_NEWNS | cgroups);
        process.hideFromTracing();
        // What came with the namespace cannot be moved; a copy can.
        Value copy = program.openTree(Value.AT_FDCWD, ROOT_STAGE, MountFlags.OPEN_TREE_CLONE)
                .named("take the root file system")
                .result("root copy");
        program.moveMount(copy, "", Value.AT_FDCWD, ROOT_STAGE, MountFlags.MOVE_MOUNT_F_EMPTY_PATH)
                .named("mount it as the pod's");
        openRoot();
    }

    private static boolean isMadeByHost(FileSystem fileSystem) {
        return fileSystem.type().equals("proc")
                || fileSystem.type().equals("sysfs")
                || fileSystem.type().equals("tmpfs");
    }

    private void openRoot() {
        root = program.openat(Value.AT_FDCWD, ROOT_STAGE, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)
                .result("root");
    }

    private void openSources(Value hostMounts) {
        for (MountSpec mount : spec.mounts()) {
            if (mount instanceof SharedMemory) {
                Value shm = program.openTree(Value.AT_FDCWD, PauseSetup.SHM, MountFlags.OPEN_TREE_CLONE)
                        .named("take the pod's shared memory")
                        .result("shm");
                sources.put(mount, shm);
            }
        }
        program.setns(hostMounts, Sched.CLONE_NEWNS).named("enter the host's mount namespace");
        if (users != null) {
            users.open();
        }
        for (MountSpec mount : spec.mounts()) {
            if (mount instanceof Bind bind) {
                int recursive = bind.recursive() ? Fcntl.AT_RECURSIVE : 0;
                Value source = program.openTree(Value.AT_FDCWD, bind.source(), MountFlags.OPEN_TREE_CLONE | recursive)
                        .named("take " + bind.source() + " of the host")
                        .result("source" + sources.size());
                sources.put(mount, source);
                if (users != null && bind.ids() != MountSpec.Ids.HOST) {
                    Step step = users.idMap(source, bind.source());
                    if (bind.ids() == MountSpec.Ids.POD_IF_POSSIBLE) {
                        step.tolerate(Errno.EINVAL);
                    }
                }
            }
        }
    }

    private void leaveHost(Layers layers) {
        if (users == null) {
            program.chdir(layers.directory()).named("go to the layers' directory");
        }
        long cgroups = users == null && spec.privateCgroupNamespace() ? Sched.CLONE_NEWCGROUP : 0;
        program.unshare(Sched.CLONE_NEWNS | cgroups).named("leave the host's namespaces");
        program.mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null)
                .named("keep mounts from spreading to the host");
    }

    /** A copy of each is kept by descriptor. That they have an upper layer, which stays empty, lets one layer be enough. */
    private void stageVolumes(Map<Integer, Layers> volumes) {
        for (MountSpec mount : spec.mounts()) {
            if (mount instanceof ImageVolume volume) {
                mountLayers(
                        Objects.requireNonNull(volumes.get(volume.mount())),
                        VOLUME_STAGE,
                        "mount image " + volume.image());
                Value stage = program.openat(Value.AT_FDCWD, VOLUME_STAGE, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)
                        .result("image");
                Value part = volume.subPath().isEmpty()
                        ? stage
                        : program.openat2(stage, volume.subPath(), Fcntl.O_PATH, 0, IN_ROOT)
                                .named("open %s in image %s".formatted(volume.subPath(), volume.image()))
                                .result("part of image");
                Value copy = program.openTree(part, "", MountFlags.OPEN_TREE_CLONE | Fcntl.AT_EMPTY_PATH)
                        .named("take %s for %s".formatted(volume.image(), volume.target()))
                        .result("image mount");
                program.mountSetattr(
                                copy, "", Fcntl.AT_EMPTY_PATH, MountFlags.MOUNT_ATTR_RDONLY | volume.attributes(), 0, 0)
                        .named("make %s read-only".formatted(volume.target()));
                sources.put(mount, copy);
                if (part != stage) {
                    program.close(part);
                }
                program.close(stage);
                program.umount2(VOLUME_STAGE, MountFlags.MNT_DETACH).named("let go of the rest of it");
                if (users != null) {
                    program.umount2(VOLUME_STAGE, MountFlags.MNT_DETACH).named("let go of its layers");
                }
            }
        }
    }

    private void mountLayers(Layers layers, String stage, String what) {
        if (users == null) {
            program.mount("overlay", stage, "overlay", 0, labelled(layers.options()))
                    .named(what);
        } else {
            users.give(Value.AT_FDCWD, layers.upper());
            users.mountLayers(layers.directory(), labelled(layers.optionsElsewhere()), stage, what);
        }
    }

    private void stageRoot(Layers layers) {
        mountLayers(layers, ROOT_STAGE, "mount the root file system");
        if (users == null) {
            openRoot();
        }
        if (!spec.maskedPaths().isEmpty()) {
            long flags = MountFlags.MS_RDONLY | MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;
            program.mount("tmpfs", MASK_STAGE, "tmpfs", flags, labelled("size=0,nr_inodes=2,mode=755"))
                    .named("mount the empty directory for masked paths");
        }
    }

    private String labelled(String options) {
        return options + spec.seLinux().map(SeLinuxLabels::mountOption).orElse("");
    }

    private void mount(MountSpec mount) {
        if (mount instanceof FileSystem fileSystem) {
            Value target = directory(fileSystem.target(), true);
            Value before = sources.get(mount);
            Value made = before == null ? make(fileSystem) : before;
            program.moveMountOnto(made, target)
                    .named("mount %s on %s".formatted(fileSystem.type(), fileSystem.target()));
            if (before == null) {
                remember(fileSystem, made);
            }
        } else if (mount instanceof Bind bind) {
            Value target = bind.directory() ? directory(bind.target(), false) : file(bind.target());
            Value source = source(mount);
            setAttributes(bind, source);
            program.moveMountOnto(source, target).named("mount %s on %s".formatted(bind.source(), bind.target()));
        } else if (mount instanceof ImageVolume volume) {
            Value target = volume.directory() ? directory(volume.target(), false) : file(volume.target());
            program.moveMountOnto(source(mount), target)
                    .named("mount image %s on %s".formatted(volume.image(), volume.target()));
        } else {
            Value target = directory(mount.target(), true);
            program.moveMountOnto(source(mount), target).named("mount the pod's shared memory on " + mount.target());
        }
    }

    private Value make(FileSystem fileSystem) {
        Value context = program.fsopen(fileSystem.type())
                .named("open file system " + fileSystem.type())
                .result(fileSystem.type());
        for (String option : fileSystem.options()) {
            int equals = option.indexOf('=');
            Step step = equals < 0
                    ? program.fsconfigFlag(context, option)
                    : program.fsconfigString(context, option.substring(0, equals), option.substring(equals + 1));
            step.named("set option %s of %s".formatted(option, fileSystem.type()));
        }
        if (LABELLED_TYPES.contains(fileSystem.type())) {
            spec.seLinux()
                    .ifPresent(labels -> program.fsconfigString(context, "context", labels.files())
                            .named("label %s with %s".formatted(fileSystem.type(), labels.files())));
        }
        program.fsconfigCreate(context).named("create %s for %s".formatted(fileSystem.type(), fileSystem.target()));
        Value mount = program.fsmount(context, fileSystem.attributes())
                .named("make a mount of %s for %s".formatted(fileSystem.type(), fileSystem.target()))
                .result("mount of " + fileSystem.type());
        program.close(context);
        return mount;
    }

    private void remember(FileSystem fileSystem, Value mount) {
        switch (fileSystem.target()) {
            case "/proc" -> proc = mount;
            case "/dev" -> {
                dev = mount;
                populateDev(mount);
            }
            case "/dev/pts" -> pts = mount;
            default -> {
                // needed no more
            }
        }
    }

    /** The devices and links that every container has: OCI's default devices, and what programs expect beside them. */
    private void populateDev(Value directory) {
        device(directory, "null", 1, 3);
        device(directory, "zero", 1, 5);
        device(directory, "full", 1, 7);
        device(directory, "random", 1, 8);
        device(directory, "urandom", 1, 9);
        device(directory, "tty", 5, 0);
        program.symlinkat("pts/ptmx", directory, "ptmx");
        program.symlinkat("/proc/self/fd", directory, "fd");
        program.symlinkat("/proc/self/fd/0", directory, "stdin");
        program.symlinkat("/proc/self/fd/1", directory, "stdout");
        program.symlinkat("/proc/self/fd/2", directory, "stderr");
        program.symlinkat("/proc/kcore", directory, "core");
        if (users != null) {
            List.of("ptmx", "fd", "stdin", "stdout", "stderr", "core").forEach(link -> give(directory, link));
        }
    }

    private void give(Value directory, String name) {
        if (users != null) {
            users.give(directory, name);
        }
    }

    private void device(Value directory, String name, int major, int minor) {
        program.mknodat(directory, name, Stat.S_IFCHR | 0666, major, minor).named("make /dev/" + name);
        give(directory, name);
    }

    private void setAttributes(Bind bind, Value source) {
        long propagation = switch (bind.propagation()) {
            case PRIVATE -> MountFlags.MS_PRIVATE;
            case HOST_TO_CONTAINER -> MountFlags.MS_SLAVE;
            case BIDIRECTIONAL -> MountFlags.MS_SHARED;
        };
        int all = Fcntl.AT_EMPTY_PATH | (bind.recursive() ? Fcntl.AT_RECURSIVE : 0);
        program.mountSetattr(source, "", all, 0, 0, propagation)
                .named("set the propagation of %s to %s".formatted(bind.target(), bind.propagation()));
        long readOnly = bind.readOnly() ? MountFlags.MOUNT_ATTR_RDONLY : 0;
        long top = bind.attributes() | (bind.recursivelyReadOnly() ? 0 : readOnly);
        if (top != 0) {
            program.mountSetattr(source, "", Fcntl.AT_EMPTY_PATH, top, 0, 0).named("set the flags of " + bind.target());
        }
        if (bind.recursivelyReadOnly()) {
            program.mountSetattr(source, "", all, MountFlags.MOUNT_ATTR_RDONLY, 0, 0)
                    .named("make %s read-only recursively".formatted(bind.target()));
        }
    }

    private void makeDevices() {
        if (dev == null) {
            return;
        }
        for (DeviceNode device : spec.devices()) {
            Value parent = users == null ? parentOf(device.path()) : parentInDev(device.path());
            String name = device.path().substring(device.path().lastIndexOf('/') + 1);
            int type = device.block() ? Stat.S_IFBLK : Stat.S_IFCHR;
            Label exists = program.label("device exists");
            program.mknodat(parent, name, type | device.permissions(), device.major(), device.minor())
                    .named("make device " + device.path())
                    .on(Errno.EEXIST, exists);
            if (device.uid() != 0 || device.gid() != 0) {
                program.fchownat(parent, name, device.uid(), device.gid(), Fcntl.AT_SYMLINK_NOFOLLOW);
            }
            program.place(exists);
        }
    }

    /** In a /dev that is empty but for what was made here. */
    private Value parentInDev(String path) {
        Value parent = Objects.requireNonNull(dev);
        String[] names = path.substring("/dev/".length()).split("/", -1);
        for (int i = 0; i + 1 < names.length; i++) {
            program.mkdirat(parent, names[i], 0755).ignore(Errno.EEXIST);
            give(parent, names[i]);
            parent = program.openat(parent, names[i], Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)
                    .result(names[i]);
        }
        return parent;
    }

    private void makeWorkingDirectory() {
        if (!spec.workingDirectory().equals("/")) {
            directory(spec.workingDirectory(), false);
        }
    }

    /** The terminal's other end is also the container's console, mounted by descriptor: no path is followed. */
    private Value openConsole() {
        Value directory = pts != null
                ? pts
                : program.openat2(root(), "dev/pts", Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, IN_ROOT)
                        .result("pts");
        Value terminal = process.openTerminal(directory);
        if (dev != null) {
            program.mknodat(dev, "console", Stat.S_IFREG | 0620, 0, 0).named("make /dev/console");
            Value target = program.openat(dev, "console", Fcntl.O_PATH | Fcntl.O_NOFOLLOW, 0)
                    .result("console");
            Value copy = program.openTree(terminal, "", MountFlags.OPEN_TREE_CLONE | Fcntl.AT_EMPTY_PATH)
                    .result("console mount");
            program.moveMountOnto(copy, target).named("mount the terminal on /dev/console");
        }
        return terminal;
    }

    private void restrictPaths() {
        for (String path : spec.readOnlyPaths()) {
            Label next = program.label("after " + path);
            Value target = program.openat2(root(), path.substring(1), Fcntl.O_PATH, 0, IN_ROOT)
                    .named("open %s to make it read-only".formatted(path))
                    .on(Errno.ENOENT, next)
                    .on(Errno.ENOTDIR, next)
                    .result("target");
            Value copy = program.openTree(
                            target, "", MountFlags.OPEN_TREE_CLONE | Fcntl.AT_EMPTY_PATH | Fcntl.AT_RECURSIVE)
                    .result("copy");
            program.mountSetattr(
                    copy, "", Fcntl.AT_EMPTY_PATH | Fcntl.AT_RECURSIVE, MountFlags.MOUNT_ATTR_RDONLY, 0, 0);
            program.moveMountOnto(copy, target).named("make %s read-only".formatted(path));
            program.place(next);
        }
        for (String path : spec.maskedPaths()) {
            mask(path);
        }
    }

    /** All directories share one empty file system, files get the host's /dev/null: never one of the container's. */
    private void mask(String path) {
        Label file = program.label("file " + path);
        Label next = program.label("after " + path);
        Value directory = program.openat2(root(), path.substring(1), Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, IN_ROOT)
                .named("open %s to mask it".formatted(path))
                .on(Errno.ENOENT, next)
                .on(Errno.ENOTDIR, file)
                .result("directory");
        Value empty = program.openTree(Value.AT_FDCWD, MASK_STAGE, MountFlags.OPEN_TREE_CLONE)
                .result("empty directory");
        program.moveMountOnto(empty, directory).named("mask %s with an empty directory".formatted(path));
        program.jump(next);
        program.place(file);
        Value target = program.openat2(root(), path.substring(1), Fcntl.O_PATH, 0, IN_ROOT)
                .named("open %s to mask it".formatted(path))
                .on(Errno.ENOENT, next)
                .on(Errno.ENOTDIR, next)
                .result("file");
        Value nothing = program.openTree(Value.AT_FDCWD, "/dev/null", MountFlags.OPEN_TREE_CLONE)
                .result("null");
        program.moveMountOnto(nothing, target).named("mask %s with /dev/null".formatted(path));
        program.place(next);
    }

    private void enterRoot() {
        program.fchdir(root());
        program.pivotRoot(".", ".").named("make it the root");
        program.umount2(".", MountFlags.MNT_DETACH).named("let go of the host's mounts");
        program.chdir("/");
    }

    /**
     * Makes a directory with its parents if it is missing and opens it. Each component is resolved anew inside the root,
     * so a link that something swaps in leads nowhere else.
     *
     * @param plain whether links are refused altogether, as for the kernel's own file systems
     */
    private Value directory(String path, boolean plain) {
        Value parent = parentOf(path);
        String name = path.substring(path.lastIndexOf('/') + 1);
        program.mkdirat(parent, name, 0755)
                .named("make directory " + path)
                .ignore(Errno.EEXIST, Errno.EROFS, Errno.EACCES, Errno.EPERM);
        long resolve = plain ? IN_ROOT | Fcntl.RESOLVE_NO_SYMLINKS : IN_ROOT;
        return program.openat2(root(), path.substring(1), Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0, resolve)
                .named("open directory " + path)
                .result(name);
    }

    private Value file(String path) {
        Value parent = parentOf(path);
        String name = path.substring(path.lastIndexOf('/') + 1);
        program.mknodat(parent, name, Stat.S_IFREG | 0644, 0, 0)
                .named("make file " + path)
                .ignore(Errno.EEXIST, Errno.EROFS, Errno.EACCES, Errno.EPERM);
        return program.openat2(root(), path.substring(1), Fcntl.O_PATH, 0, IN_ROOT)
                .named("open " + path)
                .result(name);
    }

    private Value parentOf(String path) {
        int slash = path.lastIndexOf('/');
        return slash == 0 ? root() : directory(path.substring(0, slash), false);
    }

    private Value source(MountSpec mount) {
        return Objects.requireNonNull(sources.get(mount));
    }

    private Value root() {
        return Objects.requireNonNull(root);
    }

    private Value proc() {
        return Objects.requireNonNull(proc);
    }
}
