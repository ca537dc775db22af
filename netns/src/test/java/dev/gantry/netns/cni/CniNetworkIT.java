package dev.gantry.netns.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Sched;
import dev.gantry.netns.DnsConfig;
import dev.gantry.netns.NetworkException;
import dev.gantry.netns.NetworkHints;
import dev.gantry.netns.NetworkStatus;
import dev.gantry.netns.PodAddresses;
import dev.gantry.netns.PodNetworkRequest;
import dev.gantry.netns.PortMapping;
import dev.gantry.netns.PortProtocol;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The provider with scripts as plugins and real network namespaces. */
@RequiresRoot
class CniNetworkIT {
    private static final String LIST = """
            {"cniVersion": "1.1.0", "name": "pods", "plugins": [
              {"type": "bridge", "bridge": "cni0"},
              {"type": "portmap", "capabilities": {"portMappings": true, "dns": true}}]}
            """;

    @TempDir
    Path directory;

    private final Deque<Runnable> laterTasks = new ArrayDeque<>();
    private final ExecutorService readers = Executors.newCachedThreadPool();
    private long nanos;
    private Path configurations;
    private Path namespaces;
    private FakePlugins plugins;
    private Fd netns;
    private CniNetwork network;

    @BeforeEach
    void open() throws IOException {
        Path programs = Files.createDirectories(directory.resolve("bin"));
        plugins = new FakePlugins(programs, "bridge", "portmap", "other");
        configurations = Files.createDirectories(directory.resolve("net.d"));
        namespaces = directory.resolve("netns");
        netns = Linux.system().namespaces().onFreshThread("makes-netns", () -> {
            Linux.system().namespaces().unshare(Sched.CLONE_NEWNET);
            return Linux.system().files().open("/proc/thread-self/ns/net", Fcntl.O_RDONLY);
        });
        network = opened();
    }

    private CniNetwork opened() {
        CniSettings settings = new CniSettings(
                configurations,
                List.of(directory.resolve("none"), directory.resolve("bin")),
                directory.resolve("results"),
                directory.resolve("neighbours"),
                namespaces,
                List.of(),
                true,
                Duration.ofSeconds(2));
        return CniNetwork.open(
                Linux.system(),
                settings,
                new ProcessPluginRunner(readers),
                (task, delay) -> laterTasks.add(task),
                () -> nanos);
    }

    /** What it had put off is lost. */
    private void diesAndIsBack() throws IOException {
        laterTasks.clear();
        network = opened();
        plugins.calls();
    }

    @AfterEach
    void close() throws IOException {
        plugins.behave();
        network.remove("a");
        network.close();
        readers.shutdownNow();
        netns.close();
    }

    private void list(String text) throws IOException {
        Files.writeString(configurations.resolve("10-pods.conflist"), text);
    }

    private PodNetworkRequest request() throws IOException {
        return new PodNetworkRequest(
                "a",
                "default",
                "web",
                "uid-1",
                netns,
                List.of(new PortMapping(PortProtocol.TCP, Optional.of(InetAddress.getLoopbackAddress()), 8080, 80)),
                Optional.empty(),
                new NetworkHints(
                        Map.of(), new DnsConfig(List.of("10.96.0.10"), List.of("svc"), List.of("ndots:5")), ""));
    }

    /** Runs what was put off, and not what that puts off again. */
    private void runLater() {
        List<Runnable> due = List.copyOf(laterTasks);
        laterTasks.clear();
        due.forEach(Runnable::run);
    }

    @Test
    void aPodIsConnectedCheckedAndDisconnected() throws Exception {
        list(LIST);

        PodAddresses addresses = network.add(request());

        assertThat(addresses.ips())
                .containsExactly(InetAddress.getByName("10.1.0.2"), InetAddress.getByName("fd00::2"));
        assertThat(addresses.gateways()).containsExactly(InetAddress.getByName("10.1.0.1"));
        assertThat(plugins.calls()).containsExactly("ADD bridge nsfs", "ADD portmap nsfs");
        assertThat(plugins.input("ADD", "bridge").has("runtimeConfig")).isFalse();
        assertThat(plugins.input("ADD", "portmap").path("runtimeConfig").toString())
                .isEqualTo(
                        "{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\",\"hostIP\":\"127.0.0.1\"}],"
                                + "\"dns\":{\"servers\":[\"10.96.0.10\"],\"searches\":[\"svc\"],\"options\":[\"ndots:5\"]}}");
        assertThat(isUp()).isTrue();

        network.check("a");
        assertThat(plugins.calls()).containsExactly("CHECK bridge nsfs", "CHECK portmap nsfs");

        network.remove("a");
        network.remove("a");
        assertThat(plugins.calls()).containsExactly("DEL portmap nsfs", "DEL bridge nsfs");
        assertThat(plugins.input("DEL", "bridge").path("prevResult").path("ips"))
                .hasSize(2);
        assertThat(namespaces).isEmptyDirectory();
        assertThat(directory.resolve("results")).isEmptyDirectory();
    }

    private boolean isUp() throws IOException {
        return Linux.system().namespaces().onFreshThread("looks", () -> {
            Linux.system().namespaces().setns(netns, Sched.CLONE_NEWNET);
            return Files.readString(Path.of("/proc/thread-self/net/if_inet6")).contains("lo");
        });
    }

    @Test
    void withoutAConfigurationItIsNotReadyUntilThereIsOne() throws Exception {
        assertThat(network.status())
                .isEqualTo(new NetworkStatus(
                        false,
                        "Network plugin returns error: cni plugin not initialized: no network configuration in "
                                + configurations,
                        List.of()));
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.add(request()))
                .withMessageStartingWith("cni plugin not initialized");

        list(LIST);

        assertThat(network.status().ready()).isTrue();
        assertThat(plugins.calls()).containsExactly("STATUS bridge none", "STATUS portmap none");
        assertThat(network.status().ready()).isTrue();
        assertThat(plugins.calls()).isEmpty();
    }

    @Test
    void aPluginThatCannotServeMakesItNotReady() throws Exception {
        list(LIST);
        plugins.fail("STATUS", "{\"code\": 50, \"msg\": \"the daemon is not there\"}");
        assertThat(network.status().message())
                .isEqualTo(
                        "Network plugin returns error: network \"pods\", STATUS by plugin bridge: the daemon is not there");

        plugins.behave();
        nanos += Duration.ofSeconds(6).toNanos();

        assertThat(network.status().ready()).isTrue();
    }

    @Test
    void whatAFailedAddLeftIsDeletedAtOnce() throws Exception {
        list(LIST);
        plugins.fail("ADD", "{\"code\": 11, \"msg\": \"try again later\"}");

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> network.add(request()))
                .withMessage("network \"pods\", ADD by plugin bridge: try again later");

        assertThat(plugins.calls()).containsExactly("ADD bridge nsfs", "DEL portmap nsfs", "DEL bridge nsfs");
        assertThat(namespaces).isEmptyDirectory();
        assertThat(directory.resolve("results")).isEmptyDirectory();
    }

    @Test
    void aDelThatFailsAfterAFailedAddKeepsNobodyWaitingAndIsTriedAgain() throws Exception {
        list(LIST);
        plugins.fail("ADD", "{\"code\": 5, \"msg\": \"no\"}");
        plugins.fail("DEL", "{\"code\": 5, \"msg\": \"neither\"}");
        assertThatExceptionOfType(CniException.class).isThrownBy(() -> network.add(request()));

        network.remove("a");

        assertThat(network.status().limitations())
                .singleElement()
                .asString()
                .contains(
                        "removal of sandbox a from its network is off: network \"pods\", DEL by plugin portmap: neither");
        plugins.behave();
        plugins.calls();
        runLater();
        assertThat(plugins.calls()).contains("DEL portmap nsfs", "DEL bridge nsfs");
        assertThat(network.status().limitations()).isEmpty();
        assertThat(directory.resolve("results")).isEmptyDirectory();
    }

    @Test
    void aPluginThatHangsIsEndedAndItsPodFails() throws Exception {
        list(LIST);
        plugins.hang("ADD");

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> network.add(request()))
                .withMessageContaining("did not end within 2 s and was killed");

        assertThat(plugins.calls()).containsExactly("ADD bridge nsfs", "DEL portmap nsfs", "DEL bridge nsfs");
    }

    @Test
    void anAddThatTheAgentDidNotSurviveIsDeletedByTheNext() throws Exception {
        list(LIST);
        network.add(request());
        Path record = directory.resolve("results/pods-a-eth0");
        // As it was before the answer of the plugins.
        Files.writeString(record, Files.readString(record).replaceAll(",\"result\":\\{.*}}$", "}"));
        diesAndIsBack();

        network.recover(Set.of());
        runLater();

        assertThat(plugins.calls()).contains("DEL portmap nsfs", "DEL bridge nsfs");
        assertThat(plugins.input("DEL", "bridge").has("prevResult")).isFalse();
        assertThat(namespaces).isEmptyDirectory();
    }

    @Test
    void afterARebootDelRunsWithoutANamespaceAndWithTheConfigurationOfThen() throws Exception {
        list(LIST);
        network.add(request());
        new NamespacePins(Linux.system(), namespaces).unpin("a");
        list("{\"cniVersion\": \"1.0.0\", \"name\": \"new\", \"type\": \"other\"}");
        diesAndIsBack();

        network.recover(Set.of());
        runLater();

        assertThat(plugins.calls()).containsExactly("DEL portmap none", "DEL bridge none");
        assertThat(directory.resolve("results")).isEmptyDirectory();
    }

    @Test
    void whatRunsKeepsItsAttachment() throws Exception {
        list(LIST);
        network.add(request());
        diesAndIsBack();

        network.recover(Set.of("a"));
        runLater();

        assertThat(plugins.calls())
                .containsExactly("CHECK bridge nsfs", "CHECK portmap nsfs", "GC bridge none", "GC portmap none");
        network.remove("a");
        assertThat(plugins.calls()).containsExactly("DEL portmap nsfs", "DEL bridge nsfs");
    }

    @Test
    void whatPluginsMissOfAPodThatRunsIsToldUntilItIsGone() throws Exception {
        list(LIST);
        network.add(request());
        diesAndIsBack();
        plugins.fail("CHECK", "{\"cniVersion\":\"1.1.0\",\"code\":100,\"msg\":\"the veth is gone\"}");

        network.recover(Set.of("a"));
        runLater();

        assertThat(network.status().ready()).isTrue();
        assertThat(network.status().limitations().get(0).toString())
                .startsWith("the network of sandbox a is off: ")
                .contains("the veth is gone")
                .contains("delete its pod");
        plugins.behave();
        network.remove("a");
        assertThat(network.status().limitations()).isEmpty();
    }

    @Test
    void whatOtherRuntimesHaveIsNoGarbage() throws Exception {
        list(LIST);
        CniCache others = new CniCache(directory.resolve("neighbours"));
        others.put(entry("theirs", "pods"));
        others.put(entry("elsewhere", "another"));

        network.add(request());
        runLater();

        assertThat(plugins.input("GC", "bridge")
                        .path("cni.dev/valid-attachments")
                        .toString())
                .isEqualTo(
                        "[{\"containerID\":\"a\",\"ifname\":\"eth0\"},{\"containerID\":\"theirs\",\"ifname\":\"eth0\"}]");
    }

    private static CniCache.Entry entry(String id, String network) {
        return new CniCache.Entry(
                new CniAttachment(id, "/run/netns/x", "eth0", Map.of(), Map.of()),
                network,
                "{}",
                com.fasterxml.jackson.databind.node.MissingNode.getInstance());
    }

    @Test
    void aResultWithoutAnAddressFailsThePod() throws Exception {
        list(LIST);
        plugins.result("{\"cniVersion\": \"1.1.0\"}");

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.add(request()))
                .withMessageContaining("the plugins gave it no address for eth0");

        assertThat(plugins.calls()).endsWith("DEL portmap nsfs", "DEL bridge nsfs");
    }

    @Test
    void aMissingProgramFailsBeforeAnythingIsMade() throws Exception {
        list(LIST);
        Files.delete(directory.resolve("bin/portmap"));

        assertThatExceptionOfType(CniException.class)
                .isThrownBy(() -> network.add(request()))
                .withMessageContaining("plugin portmap is in none of");

        assertThat(plugins.calls()).isEmpty();
        assertThat(network.status().ready()).isFalse();
    }
}
