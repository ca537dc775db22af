package dev.gantry.runtime.seccomp;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * From a profile to a filter: one balanced search tree over ranges of system call numbers for each architecture.
 *
 * <p>Numbers that no header knows answer ENOSYS, whatever the profile's default, so that a C library falls back from a
 * newer call to an older one. The x32 numbers (bit 30) answer ENOSYS too, as kernels built without x32 do; programs of
 * a foreign architecture are killed.
 */
final class SeccompCompiler {
    // struct seccomp_data, linux/seccomp.h
    private static final int NR = 0;
    private static final int ARCH = 4;
    private static final int ARGS = 16;

    private static final int X32_SYSCALL_BIT = 0x40000000;

    /**
     * Arguments the kernel declares as int: only their low 32 bits count, and a comparison of all 64 would let
     * {@code socket(0x100000026, …)} pass as a family above 40.
     */
    private static final Map<String, Integer> INT_ARGUMENTS = Map.ofEntries(
            Map.entry("socket", 0b111),
            Map.entry("socketpair", 0b111),
            Map.entry("personality", 0b1),
            Map.entry("clone", 0b1),
            Map.entry("unshare", 0b1),
            Map.entry("setns", 0b11),
            Map.entry("ioctl", 0b11),
            Map.entry("fcntl", 0b11),
            Map.entry("prctl", 0b1),
            Map.entry("arch_prctl", 0b1),
            Map.entry("setsockopt", 0b10111),
            Map.entry("getsockopt", 0b111),
            Map.entry("kill", 0b11),
            Map.entry("tgkill", 0b111),
            Map.entry("tkill", 0b11),
            Map.entry("keyctl", 0b1),
            Map.entry("bpf", 0b101),
            Map.entry("socketcall", 0b1),
            Map.entry("ipc", 0b1));

    private final SyscallTable table;

    SeccompCompiler(SyscallTable table) {
        this.table = table;
    }

    /** Returns an array of {@code struct sock_filter}. */
    byte[] compile(SeccompProfile profile, Set<String> capabilities, SeccompArchitecture machine) {
        BpfAssembler code = new BpfAssembler();
        int foreign = code.ret(SeccompAction.KILL_PROCESS.returned());
        int next = foreign;
        List<SeccompArchitecture> family = covered(profile, machine);
        for (int i = family.size() - 1; i >= 0; i--) {
            SeccompArchitecture architecture = family.get(i);
            int tree = tree(code, ranges(profile, capabilities, architecture));
            if (architecture == SeccompArchitecture.X86_64) {
                int x32 = code.ret(SeccompAction.ENOSYS.returned());
                tree = code.branch(BpfAssembler.JMP_JGE_K, X32_SYSCALL_BIT, x32, tree);
            }
            int body = code.load(NR);
            next = code.branch(BpfAssembler.JMP_JEQ_K, architecture.auditArch(), body, next);
        }
        code.load(ARCH);
        return code.bytes();
    }

    private static List<SeccompArchitecture> covered(SeccompProfile profile, SeccompArchitecture machine) {
        Set<String> named = profile.architectures();
        return machine.family().stream()
                .filter(architecture ->
                        architecture == machine || named.isEmpty() || named.contains(architecture.libraryName()))
                .toList();
    }

    /** A verdict for the numbers from {@code first} up to the next range. */
    private record Range(long first, Verdict verdict) {}

    private record Verdict(String call, List<SeccompRule> conditional, SeccompAction otherwise) {
        static Verdict always(SeccompAction action) {
            return new Verdict("", List.of(), action);
        }
    }

    private List<Range> ranges(SeccompProfile profile, Set<String> capabilities, SeccompArchitecture architecture) {
        Map<String, List<SeccompRule>> byName = new LinkedHashMap<>();
        for (SeccompRule rule : profile.rules()) {
            if (rule.counts(capabilities, architecture)) {
                rule.names()
                        .forEach(name -> byName.computeIfAbsent(name, n -> new ArrayList<>())
                                .add(rule));
            }
        }
        Map<Integer, String> names = new TreeMap<>();
        table.all(architecture).forEach((name, number) -> names.put(number, name));

        List<Range> ranges = new ArrayList<>();
        Verdict unknown = Verdict.always(SeccompAction.ENOSYS);
        long expected = 0;
        for (Map.Entry<Integer, String> entry : names.entrySet()) {
            if (entry.getKey() > expected) {
                append(ranges, expected, unknown);
            }
            append(ranges, entry.getKey(), verdict(entry.getValue(), byName, profile.defaultAction()));
            expected = entry.getKey() + 1L;
        }
        append(ranges, expected, unknown);
        return ranges;
    }

    private static void append(List<Range> ranges, long first, Verdict verdict) {
        if (ranges.isEmpty() || !ranges.get(ranges.size() - 1).verdict.equals(verdict)) {
            ranges.add(new Range(first, verdict));
        }
    }

    private static Verdict verdict(String name, Map<String, List<SeccompRule>> byName, SeccompAction defaultAction) {
        List<SeccompRule> rules = byName.getOrDefault(name, List.of());
        for (SeccompRule rule : rules) {
            if (rule.arguments().isEmpty()) {
                return Verdict.always(rule.action());
            }
        }
        return rules.isEmpty() ? Verdict.always(defaultAction) : new Verdict(name, List.copyOf(rules), defaultAction);
    }

    private static int tree(BpfAssembler code, List<Range> ranges) {
        if (ranges.size() == 1) {
            return leaf(code, ranges.get(0).verdict);
        }
        int middle = ranges.size() / 2;
        int right = tree(code, ranges.subList(middle, ranges.size()));
        int left = tree(code, ranges.subList(0, middle));
        return code.branch(BpfAssembler.JMP_JGE_K, (int) ranges.get(middle).first, right, left);
    }

    private static int leaf(BpfAssembler code, Verdict verdict) {
        int label = code.ret(verdict.otherwise.returned());
        for (int i = verdict.conditional.size() - 1; i >= 0; i--) {
            SeccompRule rule = verdict.conditional.get(i);
            int otherwise = label;
            label = code.ret(rule.action().returned());
            for (ArgumentCheck check : rule.arguments()) {
                boolean isInt = (INT_ARGUMENTS.getOrDefault(verdict.call, 0) >> check.index() & 1) != 0;
                label = isInt ? check32(code, check, label, otherwise) : check64(code, check, label, otherwise);
            }
        }
        return label;
    }

    private static int check32(BpfAssembler code, ArgumentCheck check, int holds, int fails) {
        compareLow(code, check, holds, fails);
        return code.load(ARGS + 8 * check.index());
    }

    /** Loads and compares the low half; the equality of the high halves is known or does not count. */
    private static void compareLow(BpfAssembler code, ArgumentCheck check, int holds, int fails) {
        int value = (int) check.value();
        switch (check.operator()) {
            case EQ -> code.branch(BpfAssembler.JMP_JEQ_K, value, holds, fails);
            case NE -> code.branch(BpfAssembler.JMP_JEQ_K, value, fails, holds);
            case GT -> code.branch(BpfAssembler.JMP_JGT_K, value, holds, fails);
            case LE -> code.branch(BpfAssembler.JMP_JGT_K, value, fails, holds);
            case GE -> code.branch(BpfAssembler.JMP_JGE_K, value, holds, fails);
            case LT -> code.branch(BpfAssembler.JMP_JGE_K, value, fails, holds);
            case MASKED_EQ -> {
                code.branch(BpfAssembler.JMP_JEQ_K, (int) check.second(), holds, fails);
                code.and(value);
            }
        }
    }

    private static int check64(BpfAssembler code, ArgumentCheck check, int holds, int fails) {
        int low = ARGS + 8 * check.index();
        int high = (int) (check.value() >>> 32);
        compareLow(code, check, holds, fails);
        int lowHalf = code.load(low);
        switch (check.operator()) {
            case EQ -> code.branch(BpfAssembler.JMP_JEQ_K, high, lowHalf, fails);
            case NE -> code.branch(BpfAssembler.JMP_JEQ_K, high, lowHalf, holds);
            case GT, GE -> {
                int notGreater = code.branch(BpfAssembler.JMP_JEQ_K, high, lowHalf, fails);
                code.branch(BpfAssembler.JMP_JGT_K, high, holds, notGreater);
            }
            case LT, LE -> {
                int notGreater = code.branch(BpfAssembler.JMP_JEQ_K, high, lowHalf, holds);
                code.branch(BpfAssembler.JMP_JGT_K, high, fails, notGreater);
            }
            case MASKED_EQ -> {
                code.branch(BpfAssembler.JMP_JEQ_K, (int) (check.second() >>> 32), lowHalf, fails);
                code.and(high);
            }
        }
        return code.load(low + 4);
    }
}
