package dev.gantry.testing;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A kernel whose cgroup2 file system is an ordinary directory: making a directory fills it with the files of the
 * controllers that its parent hands down, handing down follows the kernel's rules and errors, processes are numbers.
 * All other calls reach the real kernel.
 */
public final class FakeCgroups extends ForwardingLinux {
    private static final Map<String, List<String>> FILES = Map.of(
            "cpu", List.of("cpu.weight=100", "cpu.max=max 100000", "cpu.max.burst=0"),
            "memory",
                    List.of(
                            "memory.max=max",
                            "memory.high=max",
                            "memory.low=0",
                            "memory.min=0",
                            "memory.swap.max=max",
                            "memory.swap.current=0",
                            "memory.current=0",
                            "memory.oom.group=0",
                            "memory.stat=anon 0\nfile 0\ninactive_file 0\n",
                            "memory.events=low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"),
            "pids", List.of("pids.max=max", "pids.current=0"),
            "io", List.of("io.weight=default 100", "io.max=", "io.stat="),
            "hugetlb", List.of("hugetlb.2MB.max=max", "hugetlb.2MB.rsvd.max=max", "hugetlb.2MB.current=0"),
            "cpuset", List.of("cpuset.cpus=", "cpuset.mems="));

    private static final List<String> CORE_FILES = List.of(
            "cgroup.procs=",
            "cgroup.subtree_control=",
            "cgroup.events=populated 0\nfrozen 0\n",
            "cgroup.freeze=0",
            "cgroup.kill=",
            "cpu.stat=usage_usec 0\nuser_usec 0\nsystem_usec 0\n",
            "cpu.pressure=some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");

    private final Path top;
    private final Set<String> refused = new HashSet<>();
    private final FileCalls files;

    /** @param top an empty directory that becomes the top of the tree */
    public FakeCgroups(Linux real, Path top, String... controllers) {
        super(real);
        this.top = top;
        this.files = new CgroupFiles(real.files());
        fill(top, String.join(" ", controllers));
    }

    /** From now on the kernel does not hand this controller down, as it does with cpu while there are real-time tasks. */
    public void refuse(String controller) {
        refused.add(controller);
    }

    @Override
    public FileCalls files() {
        return files;
    }

    private static void fill(Path directory, String controllers) {
        put(directory, "cgroup.controllers=" + controllers);
        CORE_FILES.forEach(file -> put(directory, file));
        addFiles(directory, words(controllers));
    }

    private static void addFiles(Path directory, Set<String> controllers) {
        for (String controller : controllers) {
            FILES.getOrDefault(controller, List.of()).forEach(file -> put(directory, file));
        }
    }

    private static void put(Path directory, String file) {
        int equals = file.indexOf('=');
        set(directory.resolve(file.substring(0, equals)), file.substring(equals + 1));
    }

    private static void set(Path file, String content) {
        try {
            Files.writeString(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String get(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> words(String text) {
        Set<String> words = new LinkedHashSet<>(Arrays.asList(text.strip().split("\\s+", -1)));
        words.remove("");
        return words;
    }

    private static List<Path> children(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void handDown(Path cgroup, String value, String call) throws ErrnoException {
        Set<String> given = words(get(cgroup.resolve("cgroup.subtree_control")));
        for (String change : words(value)) {
            String controller = change.substring(1);
            if (change.startsWith("-")) {
                for (Path child : children(cgroup)) {
                    if (words(get(child.resolve("cgroup.subtree_control"))).contains(controller)) {
                        throw new ErrnoException(call, Errno.EBUSY);
                    }
                }
                given.remove(controller);
                continue;
            }
            if (!words(get(cgroup.resolve("cgroup.controllers"))).contains(controller)) {
                throw new ErrnoException(call, Errno.ENOENT);
            }
            if (refused.contains(controller)) {
                throw new ErrnoException(call, Errno.EINVAL);
            }
            if (!cgroup.equals(top) && !get(cgroup.resolve("cgroup.procs")).isBlank()) {
                throw new ErrnoException(call, Errno.EBUSY);
            }
            given.add(controller);
        }
        set(cgroup.resolve("cgroup.subtree_control"), String.join(" ", given));
        for (Path child : children(cgroup)) {
            set(child.resolve("cgroup.controllers"), String.join(" ", given));
            addFiles(child, given);
        }
    }

    private void move(Path cgroup, String pid, String call) throws ErrnoException {
        boolean hasChildrenWithControllers =
                !get(cgroup.resolve("cgroup.subtree_control")).isBlank();
        if (!cgroup.equals(top) && hasChildrenWithControllers) {
            throw new ErrnoException(call, Errno.EBUSY);
        }
        everywhere(top, pids -> pids.remove(pid));
        Set<String> here = words(get(cgroup.resolve("cgroup.procs")));
        here.add(pid);
        set(cgroup.resolve("cgroup.procs"), String.join("\n", here) + "\n");
        tellPopulated(top);
    }

    /** Changes the processes of a cgroup and of all below. */
    private static void everywhere(Path cgroup, Consumer<Set<String>> change) {
        Set<String> pids = words(get(cgroup.resolve("cgroup.procs")));
        change.accept(pids);
        set(cgroup.resolve("cgroup.procs"), pids.isEmpty() ? "" : String.join("\n", pids) + "\n");
        children(cgroup).forEach(child -> everywhere(child, change));
    }

    private static boolean tellPopulated(Path cgroup) {
        boolean populated = !get(cgroup.resolve("cgroup.procs")).isBlank();
        for (Path child : children(cgroup)) {
            populated |= tellPopulated(child);
        }
        set(cgroup.resolve("cgroup.events"), "populated %d\nfrozen 0\n".formatted(populated ? 1 : 0));
        return populated;
    }

    /** The calls by which cgroups are changed. */
    private final class CgroupFiles extends ForwardingFiles {
        CgroupFiles(FileCalls real) {
            super(real);
        }

        @Override
        public void mkdirat(Fd directory, String path, int mode) throws ErrnoException {
            super.mkdirat(directory, path, mode);
            Path made = Path.of(path);
            Path parent = made.getParent();
            if (made.startsWith(top) && parent != null) {
                fill(made, get(parent.resolve("cgroup.subtree_control")));
            }
        }

        @Override
        public void unlinkat(Fd directory, String path, int flags) throws ErrnoException {
            Path cgroup = Path.of(path);
            if (flags != Fcntl.AT_REMOVEDIR || !cgroup.startsWith(top) || !Files.isDirectory(cgroup)) {
                super.unlinkat(directory, path, flags);
                return;
            }
            if (!children(cgroup).isEmpty()
                    || !get(cgroup.resolve("cgroup.procs")).isBlank()) {
                throw new ErrnoException("rmdir(\"" + path + "\")", Errno.EBUSY);
            }
            try (Stream<Path> entries = Files.list(cgroup)) {
                for (Path file : entries.toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            super.unlinkat(directory, path, flags);
        }

        @Override
        public void writeSmallFile(Fd directory, String path, String value) throws ErrnoException {
            Path file = Path.of(path);
            Path cgroup = file.getParent();
            if (!file.startsWith(top) || cgroup == null || !Files.exists(file)) {
                super.writeSmallFile(directory, path, value);
                return;
            }
            String call = "write \"%s\" to %s".formatted(value, path);
            switch (String.valueOf(file.getFileName())) {
                case "cgroup.subtree_control" -> handDown(cgroup, value, call);
                case "cgroup.procs" -> move(cgroup, value, call);
                case "cgroup.kill" -> {
                    everywhere(cgroup, Set::clear);
                    tellPopulated(top);
                }
                default -> set(file, value.strip() + "\n");
            }
        }
    }

    /** The processes of a cgroup, for assertions. */
    public List<String> processesOf(Path cgroup) {
        return new ArrayList<>(words(get(cgroup.resolve("cgroup.procs"))));
    }

    /** The content of a file, for assertions. */
    public String read(Path file) {
        return get(file).strip();
    }
}
