package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the programs on a small eBPF machine; that the kernel takes them is shown in CgroupIT. */
class DeviceFilterTest {
    private static final int BLOCK = 1;
    private static final int CHARACTER = 2;
    private static final int MKNOD = 1;
    private static final int READ = 2;
    private static final int WRITE = 4;

    @ParameterizedTest(name = "{0} {1}:{2} access {3}: {4}")
    @CsvSource({
        "2, 1, 3, 6, true", // /dev/null
        "2, 1, 3, 7, true",
        "2, 136, 17, 6, true", // /dev/pts/17
        "2, 10, 200, 6, true", // /dev/net/tun
        "2, 10, 229, 6, false", // /dev/fuse
        "2, 10, 229, 1, true", // making a node is harmless, using it is not
        "1, 8, 0, 1, true",
        "1, 8, 0, 2, false",
        "1, 8, 0, 3, false",
        "2, 1, 1, 2, false", // /dev/mem
    })
    void theDefaultIsWhatContainersNeed(int type, int major, int minor, int access, boolean allowed) {
        assertThat(run(DeviceFilter.DEFAULT, type, access, major, minor)).isEqualTo(allowed);
    }

    @Test
    void nothingIsAllowedWithoutARule() {
        assertThat(run(new DeviceFilter(List.of()), CHARACTER, READ, 1, 3)).isFalse();
    }

    @Test
    void theLastRuleHoldsForEachKindOfAccess() {
        DeviceFilter filter = new DeviceFilter(List.of(
                DeviceRule.deny("a *:* rwm"),
                DeviceRule.allow("b 8:* rw"),
                DeviceRule.deny("b 8:1 w"),
                DeviceRule.allow("b 8:0 m")));
        assertThat(run(filter, BLOCK, READ | WRITE, 8, 2)).isTrue();
        assertThat(run(filter, BLOCK, READ, 8, 1)).isTrue();
        assertThat(run(filter, BLOCK, READ | WRITE, 8, 1)).isFalse();
        assertThat(run(filter, BLOCK, READ | WRITE | MKNOD, 8, 0)).isTrue();
        assertThat(run(filter, BLOCK, MKNOD, 8, 2)).isFalse();
        assertThat(run(filter, CHARACTER, READ, 8, 2)).isFalse();
    }

    /** Any list of rules, any access: the program says what reading the list forwards, access by access, says. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void theProgramDoesWhatTheListSays(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            DeviceFilter filter = randomFilter(random);
            for (int i = 0; i < 50; i++) {
                int type = 1 + random.nextInt(2);
                int access = 1 + random.nextInt(7);
                int major = random.nextInt(3);
                int minor = random.nextInt(3);
                assertThat(run(filter, type, access, major, minor))
                        .as("%s: type %d access %d %d:%d", filter, type, access, major, minor)
                        .isEqualTo(meaning(filter, type, access, major, minor));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "c 1:3", "d 1:3 r", "c 1 r", "c 1:3 x", "c -1:3 r", "c 1:3 rwmr"})
    void aLineThatIsNoRuleIsRefused(String line) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRule.allow(line))
                .withMessageContaining("device rule \"" + line + "\"");
    }

    private static DeviceFilter randomFilter(Random random) {
        List<DeviceRule> rules = new ArrayList<>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            DeviceRule.Type type = List.of(DeviceRule.Type.values()).get(random.nextInt(3));
            rules.add(new DeviceRule(
                    random.nextBoolean(),
                    type,
                    random.nextInt(4) - 1,
                    random.nextInt(4) - 1,
                    random.nextBoolean(),
                    random.nextBoolean(),
                    random.nextBoolean()));
        }
        return new DeviceFilter(rules);
    }

    private static boolean meaning(DeviceFilter filter, int type, int access, int major, int minor) {
        boolean allowed = true;
        for (int bit : new int[] {MKNOD, READ, WRITE}) {
            if ((access & bit) != 0) {
                allowed &= meaningOfOne(filter, type, bit, major, minor);
            }
        }
        return allowed;
    }

    private static boolean meaningOfOne(DeviceFilter filter, int type, int bit, int major, int minor) {
        boolean allowed = false;
        for (DeviceRule rule : filter.rules()) {
            boolean matches = (rule.type() == DeviceRule.Type.ALL || rule.type().bpfNumber() == type)
                    && (rule.major() == DeviceRule.ANY || rule.major() == major)
                    && (rule.minor() == DeviceRule.ANY || rule.minor() == minor)
                    && (rule.accessMask() & bit) != 0;
            if (matches) {
                allowed = rule.allow();
            }
        }
        return allowed;
    }

    private static boolean run(DeviceFilter filter, int type, int access, int major, int minor) {
        int[] context = {access << 16 | type, major, minor};
        return interpret(ByteBuffer.wrap(filter.program()).order(ByteOrder.nativeOrder()), context) == 1;
    }

    private static long interpret(ByteBuffer program, int[] context) {
        long[] registers = new long[11];
        int at = 0;
        while (true) {
            int code = program.get(8 * at) & 0xff;
            int to = program.get(8 * at + 1) & 0xf;
            int from = (program.get(8 * at + 1) & 0xf0) >> 4;
            int offset = program.getShort(8 * at + 2);
            int immediate = program.getInt(8 * at + 4);
            at++;
            switch (code) {
                case 0x61 -> registers[to] = context[offset / 4] & 0xffffffffL;
                case 0xbf -> registers[to] = registers[from];
                case 0xb7 -> registers[to] = immediate;
                case 0x57 -> registers[to] &= immediate;
                case 0x77 -> registers[to] >>>= immediate;
                case 0x05 -> at += offset;
                case 0x55 -> at += registers[to] != immediate ? offset : 0;
                case 0x45 -> at += (registers[to] & immediate) != 0 ? offset : 0;
                case 0x95 -> {
                    return registers[0];
                }
                default -> throw new IllegalStateException("instruction 0x%x at %d".formatted(code, at - 1));
            }
        }
    }
}
