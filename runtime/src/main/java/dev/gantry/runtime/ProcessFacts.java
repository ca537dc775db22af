package dev.gantry.runtime;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import java.util.List;
import java.util.OptionalLong;

/**
 * What {@code /proc} says of some processes together. One that ends meanwhile counts as far as it was read.
 *
 * @param residentBytes memory in use; what processes share counts for each
 * @param anonymousBytes the part of it that no file backs
 * @param maxOpenFiles soft limit of the first process; empty for no limit
 */
record ProcessFacts(
        int processes,
        long threads,
        long files,
        long sockets,
        long residentBytes,
        long anonymousBytes,
        OptionalLong maxOpenFiles) {
    private static final String OPEN_FILES = "Max open files";

    /** Memory only, which one file per process tells. */
    static ProcessFacts memoryOf(FileCalls files, List<Integer> pids) {
        return new Sum(files).add(pids, false);
    }

    /** Everything: looks at each open file. */
    static ProcessFacts of(FileCalls files, List<Integer> pids) {
        return new Sum(files).add(pids, true);
    }

    private static final class Sum {
        private final FileCalls calls;
        private int processes;
        private long threads;
        private long files;
        private long sockets;
        private long residentKilobytes;
        private long anonymousKilobytes;
        private OptionalLong maxOpenFiles = OptionalLong.empty();

        Sum(FileCalls calls) {
            this.calls = calls;
        }

        ProcessFacts add(List<Integer> pids, boolean everything) {
            for (int pid : pids) {
                try {
                    status(calls.readSmallFile("/proc/%d/status".formatted(pid)));
                    if (everything) {
                        if (processes == 0) {
                            limits(calls.readSmallFile("/proc/%d/limits".formatted(pid)));
                        }
                        descriptors(pid);
                    }
                    processes++;
                } catch (ErrnoException e) {
                    // It has ended.
                }
            }
            return new ProcessFacts(
                    processes,
                    threads,
                    files,
                    sockets,
                    residentKilobytes * 1024,
                    anonymousKilobytes * 1024,
                    maxOpenFiles);
        }

        private void status(String text) {
            for (String line : text.split("\n", -1)) {
                if (line.startsWith("VmRSS:")) {
                    residentKilobytes += number(line);
                } else if (line.startsWith("RssAnon:")) {
                    anonymousKilobytes += number(line);
                } else if (line.startsWith("Threads:")) {
                    threads += number(line);
                }
            }
        }

        private static long number(String line) {
            return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }

        private void limits(String text) {
            for (String line : text.split("\n", -1)) {
                if (line.startsWith(OPEN_FILES)) {
                    String soft = line.substring(OPEN_FILES.length()).strip().split(" +", -1)[0];
                    maxOpenFiles =
                            soft.equals("unlimited") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(soft));
                }
            }
        }

        private void descriptors(int pid) throws ErrnoException {
            try (Fd directory = calls.open("/proc/%d/fd".formatted(pid), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
                for (DirectoryEntry entry : calls.list(directory)) {
                    files++;
                    if (isSocket(directory, entry)) {
                        sockets++;
                    }
                }
            }
        }

        private boolean isSocket(Fd directory, DirectoryEntry entry) {
            try {
                return calls.readlinkat(directory, entry.name()).startsWith("socket:");
            } catch (ErrnoException e) {
                // Closed meanwhile.
                return false;
            }
        }
    }
}
