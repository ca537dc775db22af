package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The records below {@code <run>/sandboxes}. A state is written whole under a new number, then the one before is deleted:
 * a reader after a crash finds the old or the new one, or both and takes the higher number. Renaming over the old file
 * would do the same, but ext4 then writes the data out at once, some milliseconds each time. Nothing is synced, since
 * the directory does not outlive a reboot, nor need it.
 *
 * <pre>
 *   sandboxes/&lt;id&gt;/            0700
 *     config                   PodSandboxConfig, protobuf
 *     state.&lt;n&gt;.json           SandboxRecord
 *     pause.sock  hosts  hostname  resolv.conf
 *     containers/&lt;id&gt;.config   ContainerConfig, protobuf
 *     containers/&lt;id&gt;.&lt;n&gt;.json ContainerRecord
 * </pre>
 */
final class RunDirectory implements AutoCloseable {
    private static final String CONFIG = "config";
    private static final String STATE = "state";
    private static final Pattern STATE_FILE = Pattern.compile("(.+)\\.(\\d{1,18})\\.json");
    private static final String CONTAINERS = "containers";

    private final FileCalls files;
    private final Path sandboxes;
    private final Fd lock;
    private final Map<String, Long> numbers = new ConcurrentHashMap<>();

    private RunDirectory(FileCalls files, Path sandboxes, Fd lock) {
        this.files = files;
        this.sandboxes = sandboxes;
        this.lock = lock;
    }

    /** Takes the directory, unless another runtime has it. */
    static RunDirectory open(Linux linux, Path run) throws IOException {
        Path sandboxes = run.resolve("sandboxes");
        Files.createDirectories(
                sandboxes, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Fd lock = linux.files().open(run.resolve("runtime.lock").toString(), Fcntl.O_RDWR | Fcntl.O_CREAT, 0600);
        try {
            linux.files().flock(lock, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
        } catch (IOException e) {
            lock.close();
            throw new IOException(
                    "use '%s': another runtime is running there; give this one another --root".formatted(run), e);
        }
        return new RunDirectory(linux.files(), sandboxes, lock);
    }

    Path sandbox(String id) {
        return sandboxes.resolve(id);
    }

    Path socket(String id) {
        return sandbox(id).resolve("pause.sock");
    }

    /** The intent to have a sandbox: written before anything else is made for it. */
    void create(String id, PodSandboxConfig config, SandboxRecord record) throws IOException {
        String directory = sandbox(id).toString();
        files.mkdirat(Fd.AT_FDCWD, directory, 0700);
        files.mkdirat(Fd.AT_FDCWD, directory + "/" + CONTAINERS, 0700);
        files.replaceFile(directory + "/" + CONFIG, config.toByteArray(), 0600, false);
        write(id, record);
    }

    void write(String id, SandboxRecord record) throws IOException {
        writeState(sandbox(id) + "/" + STATE, RecordFormat.write(record));
    }

    private void writeState(String base, byte[] content) throws IOException {
        long number = numbers.merge(base, 1L, Long::sum);
        files.replaceFile(base + "." + number + ".json", content, 0600, false);
        if (number > 1) {
            Files.deleteIfExists(Path.of(base + "." + (number - 1) + ".json"));
        }
    }

    private void deleteState(String base) throws IOException {
        Long number = numbers.remove(base);
        if (number != null) {
            Files.deleteIfExists(Path.of(base + "." + number + ".json"));
        }
    }

    void create(String sandboxId, String id, ContainerConfig config, ContainerRecord record) throws IOException {
        files.replaceFile(container(sandboxId, id) + ".config", config.toByteArray(), 0600, false);
        write(sandboxId, id, record);
    }

    void write(String sandboxId, String id, ContainerRecord record) throws IOException {
        writeState(container(sandboxId, id), RecordFormat.write(record));
    }

    void removeContainer(String sandboxId, String id) throws IOException {
        // The state first: a configuration without it is nobody's.
        deleteState(container(sandboxId, id));
        Files.deleteIfExists(Path.of(container(sandboxId, id) + ".config"));
    }

    void removeSandbox(String id) throws IOException {
        // The state first: a directory without one is swept at the next start.
        Path directory = sandbox(id);
        deleteState(directory + "/" + STATE);
        deleteTree(directory);
    }

    /** Text files in the sandbox's directory, written in place of older ones. Readable by the container's users. */
    void writeShared(String id, String name, String content) throws IOException {
        files.replaceFile(sandbox(id) + "/" + name, content, 0644, false);
    }

    /** Whether there is a sandbox of this id, though it may not have been taken over yet. */
    boolean knows(String id) {
        return Files.exists(sandbox(id));
    }

    private String container(String sandboxId, String id) {
        return sandbox(sandboxId) + "/" + CONTAINERS + "/" + id;
    }

    /**
     * What an earlier run left.
     *
     * @param containers by id
     */
    record Found(String id, PodSandboxConfig config, SandboxRecord record, Map<String, FoundContainer> containers) {}

    /** A container's record. */
    record FoundContainer(ContainerConfig config, ContainerRecord record) {}

    /** Everything readable; directories without a whole record are in {@code broken}. */
    List<Found> scan(List<String> broken) throws IOException {
        List<Found> found = new ArrayList<>();
        List<Path> directories;
        try (Stream<Path> entries = Files.list(sandboxes)) {
            directories = entries.sorted().toList();
        }
        for (Path directory : directories) {
            String id = String.valueOf(directory.getFileName());
            try {
                Path state = states(directory).get(STATE);
                if (state == null) {
                    throw new IOException("no state");
                }
                found.add(new Found(
                        id,
                        PodSandboxConfig.parseFrom(Files.readAllBytes(directory.resolve(CONFIG))),
                        RecordFormat.sandbox(Files.readAllBytes(state)),
                        containers(directory.resolve(CONTAINERS))));
            } catch (IOException | IllegalArgumentException e) {
                broken.add(id);
            }
        }
        return found;
    }

    private Map<String, FoundContainer> containers(Path directory) throws IOException {
        Map<String, FoundContainer> containers = new TreeMap<>();
        for (Map.Entry<String, Path> state : states(directory).entrySet()) {
            String id = state.getKey();
            containers.put(
                    id,
                    new FoundContainer(
                            ContainerConfig.parseFrom(Files.readAllBytes(directory.resolve(id + ".config"))),
                            RecordFormat.container(Files.readAllBytes(state.getValue()))));
        }
        return containers;
    }

    /** The newest state of each name in a directory; older ones, which a crash left, are deleted. */
    private Map<String, Path> states(Path directory) throws IOException {
        Map<String, Path> newest = new TreeMap<>();
        List<Path> entries;
        try (Stream<Path> all = Files.list(directory)) {
            entries = all.toList();
        }
        for (Path path : entries) {
            Matcher matcher = STATE_FILE.matcher(String.valueOf(path.getFileName()));
            if (!matcher.matches()) {
                continue;
            }
            String name = matcher.group(1);
            long number = Long.parseLong(matcher.group(2));
            String base = directory + "/" + name;
            long known = numbers.getOrDefault(base, 0L);
            Path older = number > known ? newest.put(name, path) : path;
            numbers.put(base, Math.max(number, known));
            if (older != null) {
                Files.deleteIfExists(older);
            }
        }
        return newest;
    }

    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    @Override
    public void close() {
        lock.close();
    }
}
