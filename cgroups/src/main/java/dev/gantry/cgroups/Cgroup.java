package dev.gantry.cgroups;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * One directory of the cgroup v2 tree. Holds nothing open; the directory need not exist. What the machine cannot do is
 * answered as {@link Missing}, what goes wrong is thrown as {@link CgroupException}.
 */
public final class Cgroup {
    private static final int MODE = 0755;

    /** CGROUP_FILE_NOTIFY_MIN_INTV of the kernel. */
    private static final int LATE_REPORT_MILLIS = 10;

    /** A directory that is being filled again and again is not removed for ever. */
    private static final int REMOVE_ATTEMPTS = 20;

    private final Linux linux;
    private final FileCalls files;
    private final String path;
    private final Known known;

    /** @param path of the directory in the file system, e.g. {@code /sys/fs/cgroup/kubepods} */
    public Cgroup(Linux linux, String path) {
        this(linux, path, Known.NOTHING);
    }

    Cgroup(Linux linux, String path, Known known) {
        this.linux = linux;
        this.files = linux.files();
        this.path = path;
        this.known = known;
    }

    Known known() {
        return known;
    }

    public String path() {
        return path;
    }

    public String name() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** A cgroup below this one; need not exist. */
    public Cgroup child(String name) {
        return new Cgroup(linux, path + "/" + name, known);
    }

    public boolean exists() {
        try {
            return files.lstat(path).isDirectory();
        } catch (ErrnoException e) {
            return false;
        }
    }

    /** Makes the directory, if it is not there already, and its parents. Enables nothing. */
    public void create() throws CgroupException {
        try {
            files.mkdirat(Fd.AT_FDCWD, path, MODE);
        } catch (ErrnoException e) {
            if (e.is(Errno.EEXIST)) {
                return;
            }
            if (!e.is(Errno.ENOENT) || path.lastIndexOf('/') <= 0) {
                throw CgroupException.of(e, diagnoseCreate(e));
            }
            new Cgroup(linux, path.substring(0, path.lastIndexOf('/'))).create();
            create();
        }
    }

    private static String diagnoseCreate(ErrnoException e) {
        return switch (e.errno()) {
            case EAGAIN -> "cgroup.max.descendants or cgroup.max.depth of a parent is reached";
            case EACCES, EPERM, EROFS -> "this part of the cgroup tree is not delegated to the agent";
            default -> "";
        };
    }

    /** The directory, for {@code CLONE_INTO_CGROUP} and for attaching programs. */
    public Fd open() throws CgroupException {
        try {
            return files.open(path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
        } catch (ErrnoException e) {
            throw CgroupException.of(e, "");
        }
    }

    /** The controllers that this cgroup itself has, i.e. whose files are in it. */
    public Set<Controller> controllers() throws CgroupException {
        return Controller.parse(read("cgroup.controllers"));
    }

    /** The controllers that its children have. */
    public Set<Controller> enabledControllers() throws CgroupException {
        return Controller.parse(read("cgroup.subtree_control"));
    }

    /**
     * Gives controllers to the children: all at once, and where that is refused one by one.
     *
     * @return why not, by controller that its children do not have afterwards
     */
    public Map<Controller, String> enable(Set<Controller> wanted) throws CgroupException {
        Map<Controller, String> refused = new LinkedHashMap<>();
        Set<Controller> toEnable = new TreeSet<>(wanted);
        toEnable.removeAll(enabledControllers());
        if (toEnable.isEmpty() || enableAtOnce(toEnable)) {
            return refused;
        }
        for (Controller controller : toEnable) {
            try {
                files.writeSmallFile(path + "/cgroup.subtree_control", "+" + controller.kernelName());
            } catch (ErrnoException e) {
                refused.put(controller, e.getMessage() + diagnoseEnable(e));
            }
        }
        return refused;
    }

    private boolean enableAtOnce(Set<Controller> controllers) {
        List<String> words = new ArrayList<>();
        for (Controller controller : controllers) {
            words.add("+" + controller.kernelName());
        }
        try {
            files.writeSmallFile(path + "/cgroup.subtree_control", String.join(" ", words));
            return true;
        } catch (ErrnoException e) {
            return false;
        }
    }

    private String diagnoseEnable(ErrnoException e) {
        return switch (e.errno()) {
            case ENOENT -> "; the parent does not give it to " + path;
            case EBUSY -> "; processes are in " + path + " itself, which must have none then";
            case EACCES, EPERM, EROFS -> "; " + path + " is not delegated to the agent";
            default -> "";
        };
    }

    /**
     * Writes limits.
     *
     * @return what could not be limited since this cgroup does not have the controller; the rest is in force
     * @throws CgroupException if the kernel refuses a value
     */
    public List<Missing> apply(CgroupResources resources) throws CgroupException {
        Map<String, Missing> missing = new LinkedHashMap<>();
        for (CgroupWrite write : resources.writes()) {
            Optional<Missing> knownMissing = Controller.ofFile(write.file()).flatMap(known::missing);
            if (knownMissing.isPresent()) {
                report(write, knownMissing.get(), missing);
                continue;
            }
            try {
                files.writeSmallFile(path + "/" + write.file(), write.value());
            } catch (ErrnoException e) {
                if (!e.is(Errno.ENOENT)) {
                    throw CgroupException.of(e, "");
                }
                absent(write, e).ifPresent(found -> report(write, found, missing));
            }
        }
        return List.copyOf(missing.values());
    }

    /**
     * Writes limits, all or none: after a refusal each file has what it had before.
     *
     * @return as {@link #apply}
     * @throws CgroupException if the kernel refuses a value
     */
    public List<Missing> change(CgroupResources resources) throws CgroupException {
        Map<String, String> before = new LinkedHashMap<>();
        for (CgroupWrite write : resources.writes()) {
            try {
                before.put(write.file(), files.readSmallFile(path + "/" + write.file()));
            } catch (ErrnoException e) {
                // What is not there is not written either.
            }
        }
        try {
            return apply(resources);
        } catch (CgroupException refused) {
            restore(before, refused);
            throw refused;
        }
    }

    private void restore(Map<String, String> before, CgroupException refused) {
        List<String> latestFirst = new ArrayList<>(before.keySet());
        Collections.reverse(latestFirst);
        for (String file : latestFirst) {
            String value = before.getOrDefault(file, "");
            try {
                if (!files.readSmallFile(path + "/" + file).equals(value)) {
                    // Files with a line for each device take one line at a time; an empty line empties a list.
                    for (String line : value.strip().split("\n", -1)) {
                        files.writeSmallFile(path + "/" + file, line + "\n");
                    }
                }
            } catch (ErrnoException e) {
                refused.addSuppressed(e);
            }
        }
    }

    /** A value that changes nothing is not missed: the kubelet sends a limit of 0 for each size of huge pages. */
    private static void report(CgroupWrite write, Missing found, Map<String, Missing> missing) {
        if (write.ifAbsent() != CgroupWrite.IfAbsent.IGNORE) {
            missing.putIfAbsent(found.what(), found);
        }
    }

    private Optional<Missing> absent(CgroupWrite write, ErrnoException e) throws CgroupException {
        if (!exists()) {
            throw CgroupException.of(e, "the cgroup does not exist");
        }
        Optional<Controller> controller = Controller.ofFile(write.file());
        if (controller.isPresent() && !controllers().contains(controller.get())) {
            return Optional.of(missing(controller.get()));
        }
        return switch (write.ifAbsent()) {
            case IGNORE -> Optional.empty();
            case REPORT ->
                Optional.of(new Missing(
                        "cgroup file " + write.file(),
                        "this kernel does not offer it, so that the limit is not in force",
                        ""));
            case FAIL -> throw CgroupException.of(e, "the kernel has no such file, although its controller is on");
        };
    }

    /** Which parent does not hand the controller down. */
    Missing missing(Controller controller) {
        String name = controller.kernelName();
        String parent = path;
        while (parent.lastIndexOf('/') > 0) {
            parent = parent.substring(0, parent.lastIndexOf('/'));
            try {
                Cgroup cgroup = new Cgroup(linux, parent);
                if (cgroup.controllers().contains(controller)) {
                    return new Missing(
                            "cgroup controller " + name,
                            "it is not in %s/cgroup.subtree_control".formatted(parent),
                            "echo +%s > %s/cgroup.subtree_control".formatted(name, parent));
                }
            } catch (CgroupException aboveTheTree) {
                break;
            }
        }
        return new Missing(
                "cgroup controller " + name,
                "cgroup v2 does not have it on this machine",
                "see /proc/cgroups; boot with cgroup v2 only (systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all)");
    }

    /** Moves a process here; for children, CLONE_INTO_CGROUP is cheaper. */
    public void addProcess(int pid) throws CgroupException {
        try {
            files.writeSmallFile(path + "/cgroup.procs", Integer.toString(pid));
        } catch (ErrnoException e) {
            throw CgroupException.of(
                    e,
                    e.is(Errno.EBUSY)
                            ? "it hands controllers down (cgroup.subtree_control), so that only its children may hold"
                                    + " processes"
                            : "");
        }
    }

    /** The processes in this very cgroup; 0 stands for one of another PID namespace. */
    public List<Integer> processes() throws CgroupException {
        List<Integer> pids = new ArrayList<>();
        for (String line : read("cgroup.procs").split("\n", -1)) {
            if (!line.isEmpty()) {
                pids.add(Integer.parseInt(line));
            }
        }
        return pids;
    }

    /** The processes here and in all cgroups below. */
    public List<Integer> allProcesses() throws CgroupException {
        List<Integer> pids = new ArrayList<>(processes());
        for (Cgroup child : children()) {
            pids.addAll(child.allProcesses());
        }
        return pids;
    }

    /**
     * Sends SIGKILL to every process here and below, so that none escapes by forking. Returns before they are gone.
     * Kernels before 5.14 are served by freezing, killing one by one and thawing.
     */
    public void kill() throws CgroupException {
        try {
            files.writeSmallFile(path + "/cgroup.kill", "1");
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw CgroupException.of(e, "");
            }
            if (exists()) {
                killFrozen();
            }
        }
    }

    private void killFrozen() throws CgroupException {
        setFrozen(true);
        try {
            for (int pid : allProcesses()) {
                linux.processes().kill(pid, 9);
            }
        } catch (ErrnoException e) {
            if (!e.is(Errno.ESRCH)) {
                throw CgroupException.of(e, "");
            }
        } finally {
            setFrozen(false);
        }
    }

    /** Stops all processes here and below, or lets them go on. Is complete when {@link #isFrozen} says so. */
    public void setFrozen(boolean frozen) throws CgroupException {
        write("cgroup.freeze", frozen ? "1" : "0");
    }

    public boolean isFrozen() throws CgroupException {
        return keyed("cgroup.events").getOrDefault("frozen", 0L) == 1;
    }

    /** Whether a process, zombies not counted, is here or below. */
    public boolean isPopulated() throws CgroupException {
        return keyed("cgroup.events").getOrDefault("populated", 0L) == 1;
    }

    /** How often the kernel has killed a process here or below for lack of memory; 0 without the controller. */
    public long oomKills() throws CgroupException {
        return readIfPresent("memory.events")
                .map(text -> keyed(text, "oom_kill"))
                .orElse(0L);
    }

    /** A measurement, with what the machine offers. */
    public CgroupStats stats() throws CgroupException {
        return CgroupStats.read(this);
    }

    public List<Cgroup> children() throws CgroupException {
        try (Fd directory = open()) {
            List<Cgroup> children = new ArrayList<>();
            for (DirectoryEntry entry : files.list(directory)) {
                if (entry.type() == DirectoryEntry.DT_DIR) {
                    children.add(child(entry.name()));
                }
            }
            return children;
        } catch (ErrnoException e) {
            throw CgroupException.of(e, "");
        }
    }

    /**
     * Removes this and all cgroups below if no process is in them.
     *
     * @return false if processes are
     */
    public boolean tryRemove() throws CgroupException {
        try {
            files.unlinkat(Fd.AT_FDCWD, path, Fcntl.AT_REMOVEDIR);
            return true;
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return true;
            }
            // ENOTEMPTY where the directory is none of cgroupfs
            if (!e.is(Errno.EBUSY, Errno.ENOTEMPTY)) {
                throw CgroupException.of(e, "");
            }
        }
        try {
            boolean empty = true;
            List<Cgroup> children = children();
            for (Cgroup child : children) {
                empty &= child.tryRemove();
            }
            // without children the refusal was meant for processes
            return empty && !children.isEmpty() && tryRemove();
        } catch (CgroupException e) {
            if (e.errno() == Errno.ENOENT) {
                return true;
            }
            throw e;
        }
    }

    /**
     * Removes this and all cgroups below; waits, as long as it takes and no longer than {@code patience}, for the kernel
     * to say that the last process is gone. Blocks, so not on an event loop; does not kill.
     */
    public void removeRecursively(Duration patience) throws CgroupException {
        long deadline = System.nanoTime() + patience.toNanos();
        for (int attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
            if (tryRemove()) {
                return;
            }
            long leftNanos = deadline - System.nanoTime();
            if (leftNanos <= 0 || !awaitEmpty(Duration.ofNanos(leftNanos))) {
                break;
            }
        }
        if (!tryRemove()) {
            throw new CgroupException(
                    "rmdir(\"%s\"): not empty after %s; still there: %s".formatted(path, patience, describeProcesses()),
                    null);
        }
    }

    /** Waits until no process is here or below; false if that takes longer. */
    public boolean awaitEmpty(Duration patience) throws CgroupException {
        long deadline = System.nanoTime() + patience.toNanos();
        try (Fd events = files.open(path + "/cgroup.events", Fcntl.O_RDONLY)) {
            for (int round = 0; ; round++) {
                // reading arms the next notification
                byte[] text = new byte[256];
                files.lseek(events, 0, Fcntl.SEEK_SET);
                int length = files.read(events, text, 0, text.length);
                if (new String(text, 0, length, StandardCharsets.US_ASCII).contains("populated 0")) {
                    return true;
                }
                long leftMillis = (deadline - System.nanoTime() + 999_999) / 1_000_000;
                if (leftMillis <= 0) {
                    return false;
                }
                // the kernel reports a second change within 10 ms late, hence a few looks of our own
                long limit = round < LATE_REPORT_MILLIS ? 1 : Integer.MAX_VALUE;
                int ignored = linux.polling().poll(events, Poll.EPOLLPRI, (int) Math.min(leftMillis, limit));
            }
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT, Errno.ENODEV)) {
                return true;
            }
            throw CgroupException.of(e, "");
        }
    }

    /** E.g. {@code 12 (sleep), 13 (sh)}. */
    private String describeProcesses() throws CgroupException {
        List<String> words = new ArrayList<>();
        for (int pid : allProcesses()) {
            String command;
            try {
                command = files.readSmallFile("/proc/" + pid + "/comm").strip();
            } catch (ErrnoException e) {
                command = "gone";
            }
            words.add(pid + " (" + command + ")");
        }
        return words.isEmpty() ? "no process of this PID namespace" : String.join(", ", words);
    }

    void write(String file, String value) throws CgroupException {
        try {
            files.writeSmallFile(path + "/" + file, value);
        } catch (ErrnoException e) {
            throw CgroupException.of(e, e.is(Errno.ENOENT) && !exists() ? "the cgroup does not exist" : "");
        }
    }

    String read(String file) throws CgroupException {
        try {
            return files.readSmallFile(path + "/" + file);
        } catch (ErrnoException e) {
            throw CgroupException.of(e, "");
        }
    }

    /** Empty if the file does not exist, or (pressure of a disabled kind) cannot be read. */
    Optional<String> readIfPresent(String file) throws CgroupException {
        try {
            return Optional.of(files.readSmallFile(path + "/" + file));
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT, Errno.EOPNOTSUPP, Errno.ENODEV) && exists()) {
                return Optional.empty();
            }
            throw CgroupException.of(e, "");
        }
    }

    private Map<String, Long> keyed(String file) throws CgroupException {
        return CgroupStats.keyed(read(file));
    }

    private static long keyed(String text, String key) {
        return CgroupStats.keyed(text).getOrDefault(key, 0L);
    }

    @Override
    public String toString() {
        return path;
    }
}
