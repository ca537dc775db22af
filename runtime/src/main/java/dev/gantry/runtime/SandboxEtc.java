package dev.gantry.runtime;

import dev.gantry.cri.v1.DNSConfig;
import dev.gantry.netns.DnsConfig;
import dev.gantry.netns.NetworkFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The files below /etc that all containers of a pod share, unless a client mounts its own. */
final class SandboxEtc {
    private static final Path HOST_RESOLV_CONF = Path.of("/etc/resolv.conf");
    private static final Path HOST_HOSTS = Path.of("/etc/hosts");

    private final Machine machine;

    SandboxEtc(Machine machine) {
        this.machine = machine;
    }

    void write(Sandbox sandbox, List<String> ips) throws IOException {
        RunDirectory run = machine.run();
        run.writeShared(sandbox.id(), "hostname", NetworkFiles.hostname(sandbox.hostname()));
        run.writeShared(
                sandbox.id(),
                "hosts",
                sandbox.hostNetwork()
                        ? NetworkFiles.hostsOfHostNetwork(contentOf(HOST_HOSTS), List.of())
                        : NetworkFiles.hosts(ips, sandbox.hostname(), "", List.of()));
        // Without a word from the client, the pod asks whom the host asks.
        run.writeShared(
                sandbox.id(),
                "resolv.conf",
                sandbox.config().hasDnsConfig()
                        ? resolvConf(sandbox.config().getDnsConfig())
                        : contentOf(HOST_RESOLV_CONF));
    }

    private static String resolvConf(DNSConfig dns) {
        return NetworkFiles.resolvConf(
                new DnsConfig(dns.getServersList(), dns.getSearchesList(), dns.getOptionsList()));
    }

    private static String contentOf(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file) : "";
    }
}
