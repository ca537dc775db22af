package dev.gantry.images.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.gantry.images.ImageException;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.registry.RegistryHost.Capability;
import dev.gantry.images.registry.RegistryHost.Client;
import dev.gantry.images.registry.RegistryHost.Role;
import dev.gantry.images.registry.RegistryHost.Trust;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostsFileTest {
    @TempDir
    Path directory;

    private Path file(String text) throws IOException {
        return Files.writeString(directory.resolve("hosts.toml"), text);
    }

    private List<RegistryHost> hosts(String registry, String text) throws IOException {
        return HostsFile.read(file(text), registry);
    }

    private static RegistryHost host(
            Role role, String url, String path, Set<Capability> capabilities, Optional<Path> file) {
        return new RegistryHost(
                "docker.io",
                role,
                Optional.of(Endpoint.of(URI.create(url))),
                path,
                capabilities,
                Trust.NONE,
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                file);
    }

    @Test
    void mirrorsComeInTheOrderOfTheFileAndTheServerLast() throws Exception {
        List<RegistryHost> hosts = hosts("docker.io", """
                server = "https://registry-1.docker.io"

                [host."https://public-mirror.example.com"]
                  capabilities = ["pull", "push"]
                [host."http://a-mirror.internal:5000/docker/"]
                  capabilities = ["pull", "resolve"]
                [host."third.example/whole/path"]
                  override_path = true
                """);

        Optional<Path> file = Optional.of(directory.resolve("hosts.toml"));
        assertThat(hosts)
                .containsExactly(
                        host(Role.MIRROR, "https://public-mirror.example.com", "/v2", Set.of(Capability.PULL), file),
                        host(Role.MIRROR, "http://a-mirror.internal:5000", "/docker/v2", RegistryHost.ALL, file),
                        host(Role.MIRROR, "https://third.example", "/whole/path", RegistryHost.ALL, file),
                        host(Role.SERVER, "https://registry-1.docker.io", "/v2", RegistryHost.ALL, file));
        assertThat(hosts.stream().map(RegistryHost::query))
                .containsExactly("?ns=docker.io", "?ns=docker.io", "?ns=docker.io", "");
    }

    @Test
    void withoutAServerTheRegistryIsWhereItsNameLeads() throws Exception {
        RegistryHost server = hosts("r.example:5000", "skip_verify = true\n").get(0);

        assertThat(server.endpoint()).isEmpty();
        assertThat(server.query()).isEmpty();
        assertThat(server.trust().skipVerify()).isTrue();
        assertThat(hosts("r.example:5000", "server = 'https://r.example:5000'")
                        .get(0)
                        .query())
                .isEmpty();
        assertThat(hosts("r.example", "server = 'https://other.example'").get(0).query())
                .isEqualTo("?ns=r.example");
    }

    @Test
    void certificatesHeadersTimeoutsAndProxiesAreTheHostsOwn() throws Exception {
        for (String name : List.of("ca.pem", "c.pem", "c.key", "both.pem")) {
            Files.writeString(directory.resolve(name), "x");
        }

        RegistryHost mirror = hosts("r.example", """
                [host."https://m.example"]
                  ca = "ca.pem"
                  client = [["c.pem", "c.key"], ["both.pem", ""]]
                  dial_timeout = "1500ms"
                  proxy = "http://proxy.example:3128"
                [host."https://m.example".header]
                  x-one = "1"
                  authorization = ["Basic x"]
                  x-two = ["a", "b"]
                """).get(0);

        assertThat(mirror.trust())
                .isEqualTo(new Trust(
                        List.of(directory.resolve("ca.pem")),
                        List.of(
                                new Client(directory.resolve("c.pem"), directory.resolve("c.key")),
                                new Client(directory.resolve("both.pem"), directory.resolve("both.pem"))),
                        false));
        assertThat(mirror.headers()).isEqualTo(Map.of("x-one", "1", "Authorization", "Basic x", "x-two", "a, b"));
        assertThat(mirror.dialTimeout()).contains(Duration.ofMillis(1500));
        assertThat(mirror.proxy()).contains(URI.create("http://proxy.example:3128"));
        assertThat(hosts("r", "client = 'both.pem'").get(0).trust().clients()).hasSize(1);
        assertThat(hosts("r", "client = ['both.pem', 'c.pem']").get(0).trust().clients())
                .hasSize(2);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "servr = 'x' | servr: unknown field, known are ca, capabilities, client, dial_timeout, header, host, override_path, proxy, server, skip_verify",
                "[host.'https://x']~ skip_verfy = true | host.\"https://x\".skip_verfy: unknown field, known are ca, capabilities, client, dial_timeout, header, override_path, proxy, skip_verify",
                "server = 'ftp://x' | server: 'ftp://x' is not like https://host:port/path: not a URL of http or https with a host",
                "[host.'https://x?y=1'] | host.\"https://x?y=1\": 'https://x?y=1' is not like https://host:port/path: it has more than host, port and path",
                "[host.'https://u:p@x'] | host.\"https://u:p@x\": 'https://u:p@x' is not like https://host:port/path: it has more than host, port and path",
                "[host.'a b'] | host.\"a b\": 'a b' is no URL",
                "[host.''] | host.\"\": a host has no name: expected [host.\"https://NAME\"]",
                "[host.'x']~capabilities = ['pul'] | host.x.capabilities[0]: 'pul' is none of pull, resolve, push",
                "[host.'x']~capabilities = 'pull' | host.x.capabilities: expected an array, found 'pull'",
                "[host.'x']~skip_verify = 'yes' | host.x.skip_verify: expected true or false, found 'yes'",
                "ca = 'no.pem' | ca: there is no file DIR/no.pem",
                "client = [['a', 'b', 'c']] | client[0]: expected a file, or a pair of files [CERTIFICATE, KEY]",
                "[header]~'x y' = '1' | header.\"x y\": 'x y' is no name of a header",
                "[header]~Host = '1' | header.Host: the client says it itself",
                "[header]~x = \"a\\r\\nb: c\" | header.x: the value is longer than 4096 characters, or has others than ASCII",
                "dial_timeout = '1h' | dial_timeout: expected a duration like 500ms, 2s or 1m, found '1h'",
                "dial_timeout = '0s' | dial_timeout: expected a duration like 500ms, 2s or 1m, found '0s'",
                "proxy = 'socks5://u:secret@x' | proxy: expected a URL like http://host:port",
                "a = 1~b = https://x | line 2: no TOML: Unknown token",
            })
    void aMistakeIsToldWithFileAndField(String text, String expected) throws Exception {
        Path file = file(text.replace("~", "\n"));

        ImageException wrong = catchThrowableOfType(ImageException.class, () -> HostsFile.read(file, "r.example"));

        assertThat(wrong)
                .hasMessage(file + ": " + expected.replace("DIR", directory.toString()) + "; correct the file");
    }
}
