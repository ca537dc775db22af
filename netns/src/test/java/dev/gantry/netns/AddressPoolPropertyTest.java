package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** Random lives of a pool, with kills in between. */
class AddressPoolPropertyTest {
    private static final List<PodSubnet> SUBNETS = PodNetworkConfig.parsePodCidrs("10.88.0.0/28,fd00:88::/124");
    private static final int CAPACITY = 13;

    private Path directory = Path.of("");

    /** What happens next to one of the sandboxes. */
    private enum Event {
        RESERVE,
        LEAVE,
        RELEASE,
        /** Killed while its line was being written. */
        DIE_RESERVING,
        /** Killed; the sandbox is no more when the agent comes back. */
        DIE_WITH_SANDBOX,
        RESTART
    }

    private record Step(Event event, int sandbox, int port) {}

    @BeforeTry
    void makeDirectory() throws IOException {
        directory = Files.createTempDirectory("pool");
    }

    @AfterTry
    void deleteDirectory() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }

    @Property(tries = 300)
    void noAddressIsHeldTwiceAndNoneIsLost(@ForAll("lives") List<Step> steps) throws IOException {
        AddressPool pool = AddressPool.open(directory, SUBNETS);
        Map<String, List<IpPrefix>> held = new HashMap<>();
        for (Step step : steps) {
            pool = apply(step, pool, held);
            AddressPool opened = pool;
            assertThat(held.values().stream().flatMap(List::stream)).doesNotHaveDuplicates();
            assertThat(held)
                    .allSatisfy((id, addresses) -> assertThat(opened.find(id))
                            .map(NetworkRecord::addresses)
                            .contains(addresses));
        }
        // everything that is not held is free: the pool can be filled
        for (int i = held.size(); i < CAPACITY; i++) {
            NetworkRecord record = pool.reserve("filler" + i, "default/x", List.of());
            held.put(record.sandboxId(), record.addresses());
        }
        assertThat(held.values().stream().flatMap(List::stream))
                .doesNotHaveDuplicates()
                .hasSize(2 * CAPACITY);
        pool.close();
    }

    private AddressPool apply(Step step, AddressPool pool, Map<String, List<IpPrefix>> held) throws IOException {
        String id = "sandbox" + step.sandbox();
        switch (step.event()) {
            case RESERVE -> reserve(pool, id, step.port(), held);
            case LEAVE -> {
                if (held.containsKey(id)) {
                    pool.leave(id);
                }
            }
            case RELEASE -> release(pool, id, held);
            case DIE_RESERVING -> {
                pool.close();
                Files.writeString(
                        directory.resolve("addresses"), "+ " + id + " default/x 10.8", StandardOpenOption.APPEND);
                return AddressPool.open(directory, SUBNETS);
            }
            case DIE_WITH_SANDBOX -> {
                pool.close();
                AddressPool next = AddressPool.open(directory, SUBNETS);
                release(next, id, held);
                return next;
            }
            case RESTART -> {
                pool.close();
                return AddressPool.open(directory, SUBNETS);
            }
        }
        return pool;
    }

    private static void release(AddressPool pool, String id, Map<String, List<IpPrefix>> held) throws IOException {
        pool.release(id);
        held.remove(id);
    }

    private static void reserve(AddressPool pool, String id, int port, Map<String, List<IpPrefix>> held)
            throws IOException {
        if (held.containsKey(id)) {
            return;
        }
        List<PortMapping> ports = List.of(new PortMapping(PortProtocol.TCP, Optional.empty(), port, 80));
        boolean taken = pool.records().stream()
                .flatMap(record -> record.ports().stream())
                .anyMatch(other -> other.hostPort() == port);
        try {
            held.put(id, pool.reserve(id, "default/x", ports).addresses());
            assertThat(taken).isFalse();
        } catch (NetworkException e) {
            assertThat(taken || held.size() == CAPACITY).as(e.getMessage()).isTrue();
        }
    }

    @Provide
    Arbitrary<List<Step>> lives() {
        Arbitrary<Event> events = Arbitraries.of(Event.values()).edgeCases(edges -> edges.none());
        Arbitrary<Event> mostlyReserve = Arbitraries.oneOf(Arbitraries.just(Event.RESERVE), events);
        return Combinators.combine(
                        mostlyReserve,
                        Arbitraries.integers().between(0, 17),
                        Arbitraries.integers().between(1, 30))
                .as(Step::new)
                .list()
                .ofMaxSize(60);
    }
}
