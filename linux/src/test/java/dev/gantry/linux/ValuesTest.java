package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is pure: names, numbers and texts. */
class ValuesTest {
    @Test
    void everyNameSurvivesTheWayThroughAString() {
        Random random = new Random(1);
        for (int round = 0; round < 5000; round++) {
            byte[] name = new byte[random.nextInt(12)];
            random.nextBytes(name);
            assertThat(RawName.encode(RawName.decode(name))).isEqualTo(name);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "plain", "ä€", "\uD83D\uDE00 face", "a\u0000b"})
    void ordinaryNamesAreOrdinaryUtf8(String name) {
        assertThat(RawName.encode(name)).isEqualTo(name.getBytes(StandardCharsets.UTF_8));
        assertThat(RawName.decode(name.getBytes(StandardCharsets.UTF_8))).isEqualTo(name);
    }

    @Test
    void aByteThatIsNotUtf8IsALoneSurrogate() {
        assertThat(RawName.decode(new byte[] {'a', (byte) 0xe4, 'b'})).isEqualTo("a\uDCE4b");
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "SIGTERM, 15",
        "term, 15",
        "9, 9",
        "SIGKILL, 9",
        "SIGRTMIN, 34",
        "SIGRTMIN+3, 37",
        "RTMAX-1, 63",
        "SIGRTMAX, 64",
        "IOT, 6",
        "SIGPOLL, 29",
        "SIGSYS, 31"
    })
    void signalsByNameAndNumber(String text, int number) {
        assertThat(Signal.parse(text)).hasValue(number);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "SIG", "NOPE", "0", "65", "-1", "SIGRTMIN+99", "RTMAX-40", "1 5"})
    void whatIsNoSignalIsEmpty(String text) {
        assertThat(Signal.parse(text)).isEmpty();
    }

    @Test
    void signalNamesAreParsedBack() {
        for (int number = 1; number <= Signal.SIGRTMAX; number++) {
            if (number <= 31 || number >= Signal.SIGRTMIN) {
                assertThat(Signal.parse(Signal.name(number))).hasValue(number);
            }
        }
    }

    @Test
    void capabilitiesByNameAndMask() {
        assertThat(LinuxCapability.parse("net_admin")).contains(LinuxCapability.CAP_NET_ADMIN);
        assertThat(LinuxCapability.parse("CAP_NET_ADMIN")).contains(LinuxCapability.CAP_NET_ADMIN);
        assertThat(LinuxCapability.parse("ALL")).isEmpty();
        assertThat(LinuxCapability.CAP_CHECKPOINT_RESTORE.number()).isEqualTo(40);
        assertThat(LinuxCapability.CAP_SYS_ADMIN.number()).isEqualTo(21);
        Set<LinuxCapability> some = Set.of(LinuxCapability.CAP_CHOWN, LinuxCapability.CAP_BPF);
        assertThat(LinuxCapability.ofMask(LinuxCapability.maskOf(some))).isEqualTo(some);
    }

    @Test
    void errnoByNumber() {
        assertThat(Errno.of(2)).isEqualTo(Errno.ENOENT);
        assertThat(Errno.of(9999)).isEqualTo(Errno.UNKNOWN);
        assertThat(new ErrnoException("x()", 9999)).hasMessage("x(): UNKNOWN (errno 9999, Unknown error)");
        assertThat(new ErrnoException("x()", 1, "why").getMessage()).endsWith("Operation not permitted): why");
        for (Errno errno : Errno.values()) {
            assertThat(Errno.of(errno.number())).isEqualTo(errno);
        }
    }

    @Test
    void mountInfoLines() {
        List<MountInfo> mounts = MountInfo.parse("""
                36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
                23 1 0:21 / / rw - tmpfs none rw
                37 36 0:40 / /mnt\\0402/a rw - tmpfs none rw
                """);
        MountInfo first = mounts.get(0);
        assertThat(first.mountPoint()).isEqualTo("/mnt 2");
        assertThat(first.optionalFields()).containsExactly("master:1", "shared:2");
        assertThat(first.fileSystemType()).isEqualTo("ext3");
        assertThat(first.superOptions()).contains("errors=continue");
        assertThat(MountInfo.of("/mnt 2/a/b", mounts)).contains(mounts.get(2));
        assertThat(MountInfo.of("/mnt 2/ab", mounts)).contains(first);
        assertThat(MountInfo.of("/other", mounts)).contains(mounts.get(1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MountInfo.parseLine("36 35 98:0"))
                .withMessageContaining("36 35 98:0");
    }

    @Test
    void deviceNumbersArePackedAsTheKernelDoes() {
        assertThat(SystemFiles.deviceNumber(1, 3)).isEqualTo(0x103);
        assertThat(SystemFiles.deviceNumber(259, 65537)).isEqualTo(0x10010301L);
    }

    @Test
    void waitWords() {
        assertThat(WaitStatus.ofWord(1, 3 << 8)).isEqualTo(new WaitStatus(1, Wait.CLD_EXITED, 3));
        assertThat(WaitStatus.ofWord(1, 9)).isEqualTo(new WaitStatus(1, Wait.CLD_KILLED, 9));
        assertThat(WaitStatus.ofWord(1, 139)).isEqualTo(new WaitStatus(1, Wait.CLD_DUMPED, 11));
        assertThat(WaitStatus.ofWord(1, 9).exitCode()).isEqualTo(137);
    }

    @Test
    void systemCallNumbersOfBothMachines() {
        assertThat(Syscall.MOUNT.number(Architecture.X86_64)).isEqualTo(165);
        assertThat(Syscall.MOUNT.number(Architecture.AARCH64)).isEqualTo(40);
        assertThat(Syscall.CLONE3.number(Architecture.X86_64))
                .isEqualTo(Syscall.CLONE3.number(Architecture.AARCH64))
                .isEqualTo(435);
    }
}
