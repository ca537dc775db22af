package dev.gantry.runtime.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SeccompCompilerTest {
    private static final Set<String> DEFAULT_CAPABILITIES = Set.of(
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE");
    private static final int ALLOW = 0x7fff0000;
    private static final int EPERM = 0x00050001;
    private static final int ENOSYS = 0x00050026;
    private static final int KILL = 0x80000000;

    private static final SyscallTable TABLE = SyscallTable.builtIn();
    private static JsonNode facts;

    @BeforeAll
    static void readFacts() throws IOException {
        try (InputStream in = SeccompCompilerTest.class.getResourceAsStream("/seccomp-facts.json")) {
            facts = new ObjectMapper().readTree(in);
        }
    }

    private static SeccompArchitecture machineOf(SeccompArchitecture architecture) {
        return switch (architecture) {
            case X86_64, X86 -> SeccompArchitecture.X86_64;
            case AARCH64, ARM -> SeccompArchitecture.AARCH64;
        };
    }

    private static BpfInterpreter filter(SeccompArchitecture architecture, Set<String> capabilities) {
        return new BpfInterpreter(new SeccompCompiler(TABLE)
                .compile(SeccompProfile.runtimeDefault(), capabilities, machineOf(architecture)));
    }

    private static Map<String, Integer> numbers(JsonNode node) {
        Map<String, Integer> numbers = new TreeMap<>();
        node.properties()
                .forEach(entry -> numbers.put(
                        entry.getKey(),
                        entry.getValue().isObject()
                                ? entry.getValue().get("nr").asInt()
                                : entry.getValue().asInt()));
        return numbers;
    }

    /** What the published tables resolve to, plus the three lsm_ calls that containerd adds. */
    private static Set<String> expectedAllowed(JsonNode resolved) {
        Set<String> allowed = new HashSet<>(
                numbers(resolved.get("docker_default_caps").get("allow")).keySet());
        allowed.addAll(List.of("lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr"));
        return allowed;
    }

    @ParameterizedTest
    @EnumSource(SeccompArchitecture.class)
    void everySystemCallIsDecidedAsThePublishedTablesSay(SeccompArchitecture architecture) {
        JsonNode resolved = facts.get("resolved").get(architecture.name().toLowerCase(java.util.Locale.ROOT));
        Set<String> allowed = expectedAllowed(resolved);
        Set<String> conditional =
                numbers(resolved.get("docker_default_caps").get("conditional")).keySet();
        BpfInterpreter filter = filter(architecture, DEFAULT_CAPABILITIES);

        List<String> wrong = new ArrayList<>();
        TABLE.all(architecture).forEach((name, number) -> {
            int verdict = filter.run(architecture.auditArch(), number, 0, 0, 0, 0, 0, 0);
            int expected = name.equals("clone3")
                    ? ENOSYS
                    : allowed.contains(name) || conditional.contains(name) ? ALLOW : EPERM;
            if (verdict != expected) {
                wrong.add("%s: %x, expected %x".formatted(name, verdict, expected));
            }
        });

        assertThat(wrong).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(SeccompArchitecture.class)
    void theAdministratorsCapabilityAddsExactlyThePublishedCalls(SeccompArchitecture architecture) {
        JsonNode resolved = facts.get("resolved").get(architecture.name().toLowerCase(java.util.Locale.ROOT));
        Set<String> capabilities = new HashSet<>(DEFAULT_CAPABILITIES);
        capabilities.add("CAP_SYS_ADMIN");
        Set<String> added = numbers(
                        resolved.get("docker_with_CAP_SYS_ADMIN_added").get("extra_allow_vs_default_caps"))
                .keySet();
        BpfInterpreter before = filter(architecture, DEFAULT_CAPABILITIES);
        BpfInterpreter after = filter(architecture, capabilities);

        Set<String> difference = new HashSet<>();
        TABLE.all(architecture).forEach((name, number) -> {
            // clone with all namespaces asked for
            int verdict = after.run(architecture.auditArch(), number, 0x7E020000, 0, 0, 0, 0, 0);
            if (verdict == ALLOW && before.run(architecture.auditArch(), number, 0x7E020000, 0, 0, 0, 0, 0) != ALLOW) {
                difference.add(name);
            }
        });

        Set<String> expected = new HashSet<>(added);
        expected.removeAll(List.of("lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr"));
        assertThat(difference).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} opens {1}")
    @CsvSource({
        "CAP_DAC_READ_SEARCH, open_by_handle_at",
        "CAP_SYS_BOOT, reboot",
        "CAP_SYS_MODULE, init_module",
        "CAP_SYS_MODULE, finit_module",
        "CAP_SYS_PACCT, acct",
        "CAP_SYS_PTRACE, kcmp",
        "CAP_SYS_PTRACE, pidfd_getfd",
        "CAP_SYS_RAWIO, iopl",
        "CAP_SYS_TIME, settimeofday",
        "CAP_SYS_TTY_CONFIG, vhangup",
        "CAP_SYS_NICE, mbind",
        "CAP_SYSLOG, syslog",
        "CAP_BPF, bpf",
        "CAP_PERFMON, perf_event_open",
        "CAP_SYS_ADMIN, mount",
    })
    void aCapabilityOpensItsCalls(String capability, String name) {
        int number = TABLE.number(SeccompArchitecture.X86_64, name).orElseThrow();
        int arch = SeccompArchitecture.X86_64.auditArch();

        assertThat(filter(SeccompArchitecture.X86_64, Set.of()).run(arch, number, 0, 0, 0, 0, 0, 0))
                .isEqualTo(EPERM);
        assertThat(filter(SeccompArchitecture.X86_64, Set.of(capability)).run(arch, number, 0, 0, 0, 0, 0, 0))
                .isEqualTo(ALLOW);
    }

    @ParameterizedTest(name = "{0}({1}) is allowed: {2}")
    @CsvSource({
        "socket, 2, true", // AF_INET
        "socket, 1, true",
        "socket, 37, true",
        "socket, 38, false", // AF_ALG
        "socket, 39, true",
        "socket, 40, false", // AF_VSOCK
        "socket, 41, true",
        "socket, 0x100000002, true", // the kernel sees AF_INET
        "socket, 0x100000026, false", // the kernel sees AF_ALG
        "socket, 0x100000028, false",
        "personality, 0, true",
        "personality, 8, true",
        "personality, 0x20008, true",
        "personality, 0xffffffff, true",
        "personality, 0xffffffffffffffff, true",
        "personality, 0x40000, false", // ADDR_NO_RANDOMIZE
        "clone, 0x1200011, true",
        "clone, 0x10000000, false", // CLONE_NEWUSER
        "clone, 0x20000, false", // CLONE_NEWNS
        "clone, 0x100000000, true",
    })
    void argumentsAreComparedAsTheKernelReadsThem(String name, String argument, boolean allowed) {
        long value = argument.startsWith("0x")
                ? Long.parseUnsignedLong(argument.substring(2), 16)
                : Long.parseLong(argument);
        int number = TABLE.number(SeccompArchitecture.X86_64, name).orElseThrow();

        int verdict = filter(SeccompArchitecture.X86_64, DEFAULT_CAPABILITIES)
                .run(SeccompArchitecture.X86_64.auditArch(), number, value, 0, 0, 0, 0, 0);

        assertThat(verdict).isEqualTo(allowed ? ALLOW : EPERM);
    }

    @Test
    void numbersNobodyKnowsAndX32AnswerEnosysAndForeignProgramsAreKilled() {
        BpfInterpreter filter = filter(SeccompArchitecture.X86_64, DEFAULT_CAPABILITIES);
        int arch = SeccompArchitecture.X86_64.auditArch();

        assertThat(filter.run(arch, 4711)).isEqualTo(ENOSYS);
        assertThat(filter.run(arch, 400)).isEqualTo(ENOSYS);
        assertThat(filter.run(arch, -1)).isEqualTo(ENOSYS);
        assertThat(filter.run(arch, 0x40000000)).isEqualTo(ENOSYS);
        assertThat(filter.run(0x40000028, 3)).isEqualTo(KILL);
    }

    @ParameterizedTest(name = "{0} {1} {2} of {3} is {4}")
    @CsvSource({
        "SCMP_CMP_EQ, 0x500000001, 0, 0x500000001, true",
        "SCMP_CMP_EQ, 0x500000001, 0, 1, false",
        "SCMP_CMP_NE, 0x500000001, 0, 1, true",
        "SCMP_CMP_NE, 0x500000001, 0, 0x500000001, false",
        "SCMP_CMP_NE, 0x500000001, 0, 0x500000002, true",
        "SCMP_CMP_GT, 0x500000001, 0, 0x500000001, false",
        "SCMP_CMP_GT, 0x500000001, 0, 0x500000002, true",
        "SCMP_CMP_GT, 0x500000001, 0, 0x600000000, true",
        "SCMP_CMP_GT, 0x500000001, 0, 0x4ffffffff, false",
        "SCMP_CMP_GE, 0x500000001, 0, 0x500000001, true",
        "SCMP_CMP_GE, 0x500000001, 0, 0x500000000, false",
        "SCMP_CMP_LT, 0x500000001, 0, 0x500000000, true",
        "SCMP_CMP_LT, 0x500000001, 0, 0x4ffffffff, true",
        "SCMP_CMP_LT, 0x500000001, 0, 0x500000001, false",
        "SCMP_CMP_LT, 0x500000001, 0, 0xf00000000, false",
        "SCMP_CMP_LE, 0x500000001, 0, 0x500000001, true",
        "SCMP_CMP_LE, 0x500000001, 0, 0x500000002, false",
        "SCMP_CMP_MASKED_EQ, 0xf0000000f, 0x100000001, 0x1200000f1, true",
        "SCMP_CMP_MASKED_EQ, 0xf0000000f, 0x100000001, 0x10000ab01, true",
        "SCMP_CMP_MASKED_EQ, 0xf0000000f, 0x100000001, 0x200000001, false",
    })
    void longArgumentsAreComparedWhole(String operator, String value, String second, String argument, boolean holds)
            throws Exception {
        SeccompProfile profile =
                SeccompProfile.parse("""
                {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["lseek"], "action": "SCMP_ACT_ALLOW",
                  "args": [{"index": 1, "op": "%s", "value": %d, "valueTwo": %d}]}]}
                """.formatted(operator, Long.decode(value), Long.decode(second)), "test");
        BpfInterpreter filter =
                new BpfInterpreter(new SeccompCompiler(TABLE).compile(profile, Set.of(), SeccompArchitecture.X86_64));

        int verdict = filter.run(SeccompArchitecture.X86_64.auditArch(), 8, 0, Long.decode(argument), 0, 0, 0, 0);

        assertThat(verdict).isEqualTo(holds ? ALLOW : EPERM);
    }

    @Test
    void theDefaultFilterIsSmallAndIsMadeOnce() {
        SeccompFilters filters = new SeccompFilters(SeccompArchitecture.X86_64);

        byte[] first = filters.filter(SeccompProfile.runtimeDefault(), DEFAULT_CAPABILITIES);

        assertThat(first.length / 8).isBetween(100, 1000);
        assertThat(filters.filter(SeccompProfile.runtimeDefault(), new HashSet<>(DEFAULT_CAPABILITIES)))
                .isSameAs(first);
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"} | defaultAction: 'SCMP_ACT_NOTIFY' is not supported",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"sycalls\": []} | unknown field 'sycalls'",
                "{\"syscalls\": []} | defaultAction: must be a string",
                "[] | must be a JSON object",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": []}]} |"
                        + " syscalls[0].names: at least one system call is needed",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/x\"} |"
                        + " listenerPath: user notification is not supported",
            })
    void aBadProfileIsRefusedWithTheField(String json, String reason) {
        assertThatExceptionOfType(SeccompProfileException.class)
                .isThrownBy(() -> SeccompProfile.parse(json, "p.json"))
                .withMessage("seccomp profile 'p.json': " + reason);
    }
}
