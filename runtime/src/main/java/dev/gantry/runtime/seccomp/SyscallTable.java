package dev.gantry.runtime.seccomp;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Names and numbers of system calls for each architecture. */
public final class SyscallTable {
    private static final SeccompArchitecture[] COLUMNS = {
        SeccompArchitecture.X86_64, SeccompArchitecture.X86, SeccompArchitecture.AARCH64, SeccompArchitecture.ARM
    };

    private final Map<SeccompArchitecture, Map<String, Integer>> numbers;

    private SyscallTable(Map<SeccompArchitecture, Map<String, Integer>> numbers) {
        this.numbers = numbers;
    }

    /** The table that comes with this module. */
    public static SyscallTable builtIn() {
        return BuiltIn.TABLE;
    }

    /** Empty if the architecture has no such call, or nobody has. */
    public OptionalInt number(SeccompArchitecture architecture, String name) {
        Integer number = all(architecture).get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /** Every call of an architecture by name. */
    public Map<String, Integer> all(SeccompArchitecture architecture) {
        return Objects.requireNonNull(numbers.get(architecture));
    }

    private static final class BuiltIn {
        static final SyscallTable TABLE = read();

        private static SyscallTable read() {
            Map<SeccompArchitecture, Map<String, Integer>> numbers = new EnumMap<>(SeccompArchitecture.class);
            for (SeccompArchitecture architecture : COLUMNS) {
                numbers.put(architecture, new TreeMap<>());
            }
            try (InputStream in = Objects.requireNonNull(SyscallTable.class.getResourceAsStream("syscalls.txt"));
                    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (!line.startsWith("#")) {
                        add(line, numbers);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException("read the built-in syscalls.txt", e);
            }
            numbers.replaceAll((architecture, table) -> Collections.unmodifiableMap(table));
            return new SyscallTable(numbers);
        }

        private static void add(String line, Map<SeccompArchitecture, Map<String, Integer>> numbers) {
            String[] words = line.split(" ", -1);
            for (int i = 0; i < COLUMNS.length; i++) {
                if (!words[i + 1].equals("-")) {
                    Objects.requireNonNull(numbers.get(COLUMNS[i])).put(words[0], Integer.valueOf(words[i + 1]));
                }
            }
        }
    }
}
