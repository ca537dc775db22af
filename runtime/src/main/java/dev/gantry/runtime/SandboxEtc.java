package dev.gantry.runtime;

import dev.gantry.cri.v1.DNSConfig;
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
        run.writeShared(sandbox.id(), "hostname", sandbox.hostname() + "\n");
        run.writeShared(
                sandbox.id(), "hosts", sandbox.hostNetwork() ? contentOf(HOST_HOSTS) : hosts(sandbox.hostname(), ips));
        run.writeShared(
                sandbox.id(),
                "resolv.conf",
                resolvConf(sandbox.config().getDnsConfig(), sandbox.config().hasDnsConfig()));
    }

    static String hosts(String hostname, List<String> ips) {
        StringBuilder hosts = new StringBuilder("""
                127.0.0.1	localhost
                ::1	localhost ip6-localhost ip6-loopback
                fe00::	ip6-localnet
                fe00::	ip6-mcastprefix
                fe00::1	ip6-allnodes
                fe00::2	ip6-allrouters
                """);
        ips.forEach(ip -> hosts.append(ip).append('\t').append(hostname).append('\n'));
        return hosts.toString();
    }

    private static String resolvConf(DNSConfig dns, boolean given) throws IOException {
        if (!given) {
            return contentOf(HOST_RESOLV_CONF);
        }
        StringBuilder text = new StringBuilder();
        if (dns.getSearchesCount() > 0) {
            text.append("search ")
                    .append(String.join(" ", dns.getSearchesList()))
                    .append('\n');
        }
        dns.getServersList()
                .forEach(server -> text.append("nameserver ").append(server).append('\n'));
        if (dns.getOptionsCount() > 0) {
            text.append("options ")
                    .append(String.join(" ", dns.getOptionsList()))
                    .append('\n');
        }
        return text.toString();
    }

    private static String contentOf(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file) : "";
    }
}
