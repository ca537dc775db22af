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
import java.util.stream.Stream;

/**
 * The records below {@code <run>/sandboxes}. A file is replaced by renaming, so a reader after a crash finds the old or
 * the new one; nothing is synced, since the directory does not outlive a reboot, nor need it.
 *
 * <pre>
 *   sandboxes/&lt;id&gt;/            0700
 *     config                   PodSandboxConfig, protobuf
 *     state.json               SandboxRecord
 *     pause.sock  hosts  hostname  resolv.conf
 *     containers/&lt;id&gt;.config   ContainerConfig, protobuf
 *     containers/&lt;id&gt;.json     ContainerRecord
 * </pre>
 */
final class RunDirectory implements AutoCloseable {
    private static final String CONFIG = "config";
    private static final String STATE = "state.json";
    private static final String CONTAINERS = "containers";

    private final FileCalls files;
    private final Path sandboxes;
    private final Fd lock;

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
        files.replaceFile(sandbox(id) + "/" + STATE, RecordFormat.write(record), 0600, false);
    }

    void create(String sandboxId, String id, ContainerConfig config, ContainerRecord record) throws IOException {
        files.replaceFile(container(sandboxId, id) + ".config", config.toByteArray(), 0600, false);
        write(sandboxId, id, record);
    }

    void write(String sandboxId, String id, ContainerRecord record) throws IOException {
        files.replaceFile(container(sandboxId, id) + ".json", RecordFormat.write(record), 0600, false);
    }

    void removeContainer(String sandboxId, String id) throws IOException {
        // The state last is the state gone: a configuration without it is nobody's.
        Files.deleteIfExists(Path.of(container(sandboxId, id) + ".json"));
        Files.deleteIfExists(Path.of(container(sandboxId, id) + ".config"));
    }

    void removeSandbox(String id) throws IOException {
        // The state first: a directory without one is swept at the next start.
        Path directory = sandbox(id);
        Files.deleteIfExists(directory.resolve(STATE));
        deleteTree(directory);
    }

    /** Text files in the sandbox's directory, written in place of older ones. Readable by the container's users. */
    void writeShared(String id, String name, String content) throws IOException {
        files.replaceFile(sandbox(id) + "/" + name, content, 0644, false);
    }

    /** Whether a cgroup of this name belongs to a sandbox that has not been taken over yet. */
    boolean knows(String cgroupName) {
        return Files.exists(sandbox(cgroupName.replace("gantry-", "").replace(".scope", "")));
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
                found.add(new Found(
                        id,
                        PodSandboxConfig.parseFrom(Files.readAllBytes(directory.resolve(CONFIG))),
                        RecordFormat.sandbox(Files.readAllBytes(directory.resolve(STATE))),
                        containers(directory.resolve(CONTAINERS))));
            } catch (IOException | IllegalArgumentException e) {
                broken.add(id);
            }
        }
        return found;
    }

    private static Map<String, FoundContainer> containers(Path directory) throws IOException {
        Map<String, FoundContainer> containers = new TreeMap<>();
        List<Path> records;
        try (Stream<Path> entries = Files.list(directory)) {
            records = entries.filter(path -> path.toString().endsWith(".json")).toList();
        }
        for (Path path : records) {
            String name = String.valueOf(path.getFileName());
            String id = name.substring(0, name.length() - ".json".length());
            containers.put(
                    id,
                    new FoundContainer(
                            ContainerConfig.parseFrom(Files.readAllBytes(directory.resolve(id + ".config"))),
                            RecordFormat.container(Files.readAllBytes(path))));
        }
        return containers;
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
