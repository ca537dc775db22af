package dev.gantry.agent.main;

import dev.gantry.agent.resource.Amounts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What this machine has: processors, memory, swap space, room for pods' files, huge pages. */
final class MachineResources {
    private static final String HUGE_PAGE_DIRECTORY = "hugepages-";

    private static final int MAX_BYTES = 64 << 10;

    private final Path root;

    /** @param root of the file system in which /proc and /sys are found */
    MachineResources(Path root) {
        this.root = root;
    }

    /**
     * The capacity.
     *
     * @param cpus logical processors
     * @param state directory of pods' files, whose file system counts as ephemeral storage
     */
    Amounts capacity(int cpus, Path state) throws IOException {
        Map<String, Long> values = new TreeMap<>();
        values.put(Amounts.CPU, cpus * 1000L);
        values.put(Amounts.MEMORY, memoryInfo("MemTotal:"));
        FileStore store = Files.getFileStore(existing(state));
        values.put(Amounts.EPHEMERAL_STORAGE, store.getTotalSpace());
        values.put(Amounts.PID, number(root.resolve("proc/sys/kernel/pid_max")));
        hugePages(values);
        return new Amounts(values);
    }

    private static Path existing(Path path) {
        Path parent = path.toAbsolutePath().getParent();
        return Files.exists(path) || parent == null ? path : existing(parent);
    }

    /** Size of all swap space in bytes. */
    long swapBytes() throws IOException {
        return memoryInfo("SwapTotal:");
    }

    /** Of each size that the kernel knows, e.g. {@code /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages}. */
    private void hugePages(Map<String, Long> values) throws IOException {
        Path directory = root.resolve("sys/kernel/mm/hugepages");
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> sizes = Files.list(directory)) {
            for (Path size : sizes.toList()) {
                String name = String.valueOf(size.getFileName());
                if (name.matches(HUGE_PAGE_DIRECTORY + "[0-9]+kB")) {
                    long kib = Long.parseLong(name.replaceAll("[^0-9]", ""));
                    values.put(Amounts.HUGE_PAGES + binary(kib), number(size.resolve("nr_hugepages")) * kib * 1024);
                }
            }
        }
    }

    /** {@code 2Mi} for 2048. */
    private static String binary(long kib) {
        if (kib % (1 << 20) == 0) {
            return (kib >> 20) + "Gi";
        }
        return kib % 1024 == 0 ? (kib >> 10) + "Mi" : kib + "Ki";
    }

    private static long number(Path file) throws IOException {
        return Long.parseLong(text(file));
    }

    /**
     * A small file of /proc or /sys, without the white space at its end. In one read: a number of /proc/sys is over after the first,
     * however short that was, and {@link Files#readString} begins with a single byte where the file's size is 0.
     */
    static String text(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_BYTES), StandardCharsets.UTF_8).strip();
        }
    }

    private long memoryInfo(String field) throws IOException {
        for (String line : text(root.resolve("proc/meminfo")).split("\n", -1)) {
            if (line.startsWith(field)) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        return 0;
    }
}
