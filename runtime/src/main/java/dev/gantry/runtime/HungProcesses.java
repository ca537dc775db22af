package dev.gantry.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Says of processes that outlive SIGKILL what they do, from proc(5): one in state D sleeps in the kernel until a disk, a network
 * file system or a device answers, and no signal reaches it before.
 */
final class HungProcesses {
    private static final int MAX_NAMED = 5;
    private static final int MAX_STAT_BYTES = 4096;

    private final Path proc;

    /** Reads below {@code proc}, where proc(5) is mounted. */
    HungProcesses(Path proc) {
        this.proc = proc;
    }

    /** {@code pid 41 (dd) in uninterruptible sleep (state D) in nfs_wait_bit_killable}, for some of them. */
    String describe(List<Integer> pids) {
        List<String> texts = new ArrayList<>();
        for (int pid : pids) {
            if (texts.size() == MAX_NAMED) {
                texts.add("and %d more".formatted(pids.size() - MAX_NAMED));
                break;
            }
            texts.add(describe(pid));
        }
        return texts.isEmpty() ? "no process of it is left in its cgroup" : String.join(", ", texts);
    }

    private String describe(int pid) {
        String stat = read(pid, "stat");
        int open = stat.indexOf('(');
        int close = stat.lastIndexOf(')');
        if (open < 0 || close < open || stat.length() < close + 3) {
            return "pid " + pid;
        }
        char state = stat.charAt(close + 2);
        String text = "pid %d (%s) %s".formatted(pid, printable(stat.substring(open + 1, close)), word(state));
        String where = read(pid, "wchan").strip();
        return where.isEmpty() || where.equals("0") ? text : text + " in " + printable(where);
    }

    private static String word(char state) {
        return switch (state) {
            case 'D' -> "in uninterruptible sleep (state D)";
            case 'Z' -> "ended but not reaped (state Z)";
            default -> "in state " + state;
        };
    }

    /** Processes choose their names. */
    private static String printable(String text) {
        return text.chars()
                .mapToObj(c -> c >= ' ' && c < 127 ? String.valueOf((char) c) : "\\x%02x".formatted(c))
                .reduce("", String::concat);
    }

    private String read(int pid, String file) {
        try (var in = Files.newInputStream(
                proc.resolve(String.format(Locale.ROOT, "%d", pid)).resolve(file))) {
            return new String(in.readNBytes(MAX_STAT_BYTES), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            // Gone meanwhile, or hidden.
            return "";
        }
    }
}
