package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AddressPoolTest {
    private static final List<PodSubnet> SUBNETS = PodNetworkConfig.parsePodCidrs("10.88.0.0/29,fd00:88::/64");
    private static final PortMapping PORT = new PortMapping(PortProtocol.TCP, Optional.empty(), 8080, 80);

    @TempDir
    Path directory;

    private AddressPool pool;

    @BeforeEach
    void open() throws IOException {
        pool = AddressPool.open(directory, SUBNETS);
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void whatIsReservedSurvivesAndStaysReserved() throws IOException {
        NetworkRecord record = pool.reserve("a", "default/a", List.of(PORT));
        restart();

        assertThat(pool.find("a")).contains(record);
        assertThat(record.addresses()).containsExactly(IpPrefix.parse("10.88.0.2/29"), IpPrefix.parse("fd00:88::2/64"));
        assertThat(pool.reserve("b", "default/b", List.of()).addresses().get(0))
                .isEqualTo(IpPrefix.parse("10.88.0.3/29"));
    }

    @Test
    void anAddressGivenBackIsTheLastToBeGivenOutAgainAlsoAfterARestart() throws IOException {
        pool.reserve("a", "default/a", List.of());
        pool.release("a");
        restart();

        for (int i = 3; i <= 6; i++) {
            assertThat(ipv4(pool.reserve("pod" + i, "default/x", List.of()))).isEqualTo("10.88.0." + i + "/29");
        }
        assertThat(ipv4(pool.reserve("last", "default/x", List.of()))).isEqualTo("10.88.0.2/29");
    }

    @Test
    void anEmptyPoolSaysHowLargeItIsAndWhatToDo() throws IOException {
        for (int i = 0; i < 5; i++) {
            pool.reserve("pod" + i, "default/x", List.of());
        }

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> pool.reserve("more", "default/more", List.of()))
                .withMessage("pod default/more: no free address in pod CIDR 10.88.0.0/29, all 5 are in use; remove pods"
                        + " or give the agent a larger --pod-cidr");
        assertThat(pool.find("more")).isEmpty();
    }

    @Test
    void aLineCutShortIsDroppedWhereverItEnds() throws IOException {
        pool.reserve("a", "default/a", List.of());
        pool.reserve("b", "default/b", List.of());
        pool.close();
        byte[] whole = Files.readAllBytes(directory.resolve("addresses"));
        for (int length = 0; length < whole.length; length++) {
            Files.write(directory.resolve("addresses"), Arrays.copyOf(whole, length));
            pool = AddressPool.open(directory, SUBNETS);
            long lines = new String(whole, 0, length, StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> line.startsWith("+ ") && line.endsWith(" "))
                    .count();
            assertThat((long) pool.records().size()).isLessThanOrEqualTo(lines);
            assertThat(pool.reserve("c", "default/c", List.of()).addresses()).hasSize(2);
            pool.close();
        }
        open();
    }

    @Test
    void theJournalIsRewrittenBeforeItGrowsWithoutBound() throws IOException {
        pool.reserve("stays", "default/stays", List.of(PORT));
        for (int i = 0; i < 20_000; i++) {
            pool.reserve("sandbox" + i, "default/pod", List.of());
            pool.release("sandbox" + i);
        }
        assertThat(directory.resolve("addresses"))
                .satisfies(file -> assertThat(Files.size(file)).isLessThan(1_100_000));
        restart();

        assertThat(pool.records()).extracting(NetworkRecord::sandboxId).containsExactly("stays");
        assertThat(Files.readAllLines(directory.resolve("addresses"))).hasSize(2);
    }

    @Test
    void aJournalThatCannotBeRewrittenGrowsAndLosesNothing() throws IOException {
        Files.createDirectory(directory.resolve("addresses.new"));
        for (int i = 0; i < 20_000; i++) {
            pool.reserve("sandbox" + i, "default/pod", List.of());
            pool.release("sandbox" + i);
        }
        NetworkRecord record = pool.reserve("stays", "default/stays", List.of(PORT));
        assertThat(Files.size(directory.resolve("addresses"))).isGreaterThan(1 << 20);

        Files.delete(directory.resolve("addresses.new"));
        restart();
        assertThat(pool.records()).containsExactly(record);
    }

    @Test
    void aPodThatLeavesFreesItsPortsFirstAndItsAddressesLast() throws IOException {
        pool.reserve("a", "default/a", List.of(PORT));
        pool.leave("a");

        NetworkRecord next = pool.reserve("b", "default/b", List.of(PORT));

        assertThat(ipv4(next)).isEqualTo("10.88.0.3/29");
        assertThat(pool.records()).containsExactly(next);
        restart();
        assertThat(pool.records()).containsExactly(next);
        assertThat(pool.leaving()).containsExactly("a");
        pool.release("a");
        assertThat(pool.find("a")).isEmpty();
    }

    @Test
    void aSandboxHasOneReservation() throws IOException {
        pool.reserve("a", "default/a", List.of());

        assertThatIllegalStateException().isThrownBy(() -> pool.reserve("a", "default/a", List.of()));
        pool.release("a");
        pool.release("a");
        pool.reserve("a", "default/a", List.of());
    }

    @Test
    void aPodThatAsksTwiceForAPortIsRefused() {
        PortMapping same = new PortMapping(PortProtocol.TCP, Optional.of(IpPrefix.parseAddress("192.0.2.1")), 8080, 81);

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> pool.reserve("a", "default/a", List.of(PORT, same)))
                .withMessage("pod default/a: asks twice for hostPort 192.0.2.1:8080/TCP");
    }

    private void restart() throws IOException {
        pool.close();
        pool = AddressPool.open(directory, SUBNETS);
    }

    private static String ipv4(NetworkRecord record) {
        return record.addresses().get(0).toString();
    }
}
