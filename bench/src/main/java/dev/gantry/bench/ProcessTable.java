package dev.gantry.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code /proc} says about processes. A process that ends while it is read counts as nothing. */
final class ProcessTable {
    private static final Path PROC = Path.of("/proc");
    private static final Pattern KILOBYTES = Pattern.compile("^(\\w+):\\s+(\\d+) kB$", Pattern.MULTILINE);

    private ProcessTable() {}

    /** The ids of all processes. */
    static Set<Long> all() throws IOException {
        Set<Long> ids = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
            entries.forEach(entry -> ids.add(Long.parseLong(entry.getFileName().toString())));
        }
        return ids;
    }

    /** The arguments, separated by blanks. */
    static String commandLine(long pid) {
        return read(pid, "cmdline").replace('\0', ' ').strip();
    }

    /** The proportional share of the memory it maps, in kB. */
    static long pssKilobytes(long pid) {
        return kilobytes(read(pid, "smaps_rollup"), "Pss");
    }

    /** Resident memory in kB. */
    static long rssKilobytes(long pid) {
        return kilobytes(read(pid, "status"), "VmRSS");
    }

    static int threads(long pid) {
        return count(pid, "task");
    }

    static int descriptors(long pid) {
        return count(pid, "fd");
    }

    /** Processor time used so far, in ticks of 10 ms. */
    static long cpuTicks(long pid) {
        String stat = read(pid, "stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static int count(long pid, String directory) {
        String[] names =
                PROC.resolve(Long.toString(pid)).resolve(directory).toFile().list();
        return names == null ? 0 : names.length;
    }

    private static long kilobytes(String text, String key) {
        Matcher matcher = KILOBYTES.matcher(text);
        while (matcher.find()) {
            if (matcher.group(1).equals(key)) {
                return Long.parseLong(matcher.group(2));
            }
        }
        return 0;
    }

    private static String read(long pid, String file) {
        try {
            return new String(
                    Files.readAllBytes(PROC.resolve(Long.toString(pid)).resolve(file)), StandardCharsets.UTF_8);
        } catch (IOException gone) {
            return "";
        }
    }
}
