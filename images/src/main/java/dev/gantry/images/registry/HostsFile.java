package dev.gantry.images.registry;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.registry.RegistryHost.Capability;
import dev.gantry.images.registry.RegistryHost.Client;
import dev.gantry.images.registry.RegistryHost.Role;
import dev.gantry.images.registry.RegistryHost.Trust;
import dev.gantry.images.toml.TomlFormatException;
import dev.gantry.images.toml.TomlReader;
import dev.gantry.images.toml.TomlValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code hosts.toml}: which hosts are asked for a registry's images, and in which order; at last the registry itself.
 *
 * @see <a href="https://github.com/containerd/containerd/blob/main/docs/hosts.md">containerd's registry configuration</a>
 */
final class HostsFile {
    private static final int MOST_HOSTS = 32;
    private static final int LONGEST_HEADER = 4096;
    private static final Set<String> FIELDS =
            Set.of("capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout", "proxy");
    private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}");
    /** What the client says itself. */
    private static final Set<String> OWN_HEADERS = Set.of(
            "accept",
            "accept-encoding",
            "connection",
            "content-length",
            "content-type",
            "host",
            "range",
            "transfer-encoding");

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,6})(ms|s|m)");

    private final Path file;
    private final String registry;

    private HostsFile(Path file, String registry) {
        this.file = file;
        this.registry = registry;
    }

    /**
     * The hosts in the order in which they are to be asked; the last one is the registry.
     *
     * @param registry whose images they have
     * @throws ImageException if the file cannot be read or has a mistake: names file and field
     */
    static List<RegistryHost> read(Path file, String registry) throws ImageException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(4 * TomlReader.LARGEST + 1);
            return new HostsFile(file, registry).parse(new String(bytes, StandardCharsets.UTF_8));
        } catch (TomlFormatException e) {
            throw new ImageException(Code.REGISTRY_ERROR, file + ": " + e.getMessage() + "; correct the file", e);
        } catch (IOException e) {
            throw new ImageException(Code.REGISTRY_ERROR, "read mirrors from " + file + ": " + e.getMessage(), e);
        }
    }

    private List<RegistryHost> parse(String text) throws TomlFormatException {
        TomlValue root = TomlReader.read(text);
        Set<String> top = new java.util.HashSet<>(FIELDS);
        top.addAll(List.of("server", "host"));
        root.onlyKeys(top);
        List<RegistryHost> hosts = new ArrayList<>();
        TomlValue tables = root.table().get("host");
        if (tables != null) {
            for (Map.Entry<String, TomlValue> entry : tables.table().entrySet()) {
                entry.getValue().onlyKeys(FIELDS);
                hosts.add(host(Role.MIRROR, entry.getKey(), entry.getValue()));
            }
        }
        if (hosts.size() > MOST_HOSTS) {
            throw new TomlFormatException("", "more than " + MOST_HOSTS + " hosts");
        }
        TomlValue server = root.table().get("server");
        hosts.add(host(Role.SERVER, server == null ? "" : server.text(), root));
        return hosts;
    }

    /** One host by its table. */
    private RegistryHost host(Role role, String url, TomlValue table) throws TomlFormatException {
        Map<String, TomlValue> fields = table.table();
        String where = Optional.ofNullable(fields.get("server")).orElse(table).where();
        boolean whole = fields.containsKey("override_path")
                && fields.get("override_path").bool();
        Optional<Endpoint> endpoint = Optional.empty();
        String path = RegistryHost.API;
        if (!url.isEmpty()) {
            URI uri = uri(where, url);
            endpoint = Optional.of(endpoint(where, url, uri));
            path = path(uri, whole);
        } else if (role == Role.MIRROR) {
            throw new TomlFormatException(where, "a host has no name: expected [host.\"https://NAME\"]");
        }
        return new RegistryHost(
                registry,
                role,
                endpoint,
                path,
                url.isEmpty() ? RegistryHost.ALL : capabilities(fields.get("capabilities")),
                trust(fields),
                headers(fields.get("header")),
                dialTimeout(fields.get("dial_timeout")),
                proxy(fields.get("proxy")),
                Optional.of(file));
    }

    // --- where

    private static URI uri(String where, String url) throws TomlFormatException {
        try {
            return new URI(url.contains("://") ? url : "https://" + url);
        } catch (URISyntaxException e) {
            throw new TomlFormatException(where, "'" + Quoted.cut(url) + "' is no URL");
        }
    }

    private static Endpoint endpoint(String where, String url, URI uri) throws TomlFormatException {
        try {
            if (uri.getRawQuery() != null || uri.getRawFragment() != null || uri.getRawUserInfo() != null) {
                throw new IllegalArgumentException("it has more than host, port and path");
            }
            return Endpoint.of(uri);
        } catch (IllegalArgumentException e) {
            throw new TomlFormatException(
                    where, "'" + Quoted.cut(url) + "' is not like https://host:port/path: " + e.getMessage());
        }
    }

    private static String path(URI uri, boolean whole) {
        String path =
                uri.normalize().getRawPath() == null ? "" : uri.normalize().getRawPath();
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        return whole || path.endsWith(RegistryHost.API) ? path : path + RegistryHost.API;
    }

    // --- what for

    private static Set<Capability> capabilities(@Nullable TomlValue value) throws TomlFormatException {
        if (value == null || value.list().isEmpty()) {
            return RegistryHost.ALL;
        }
        Set<Capability> result = EnumSet.noneOf(Capability.class);
        for (TomlValue each : value.list()) {
            switch (each.text().toLowerCase(Locale.ROOT)) {
                case "pull" -> result.add(Capability.PULL);
                case "resolve" -> result.add(Capability.RESOLVE);
                case "push" -> {
                    // nothing is pushed from here
                }
                default ->
                    throw new TomlFormatException(
                            each.where(), "'" + Quoted.cut(each.text(), 60) + "' is none of pull, resolve, push");
            }
        }
        return result;
    }

    private static Map<String, String> headers(@Nullable TomlValue value) throws TomlFormatException {
        Map<String, String> headers = new LinkedHashMap<>();
        if (value == null) {
            return headers;
        }
        for (Map.Entry<String, TomlValue> entry : value.table().entrySet()) {
            String name = entry.getKey();
            String where = entry.getValue().where();
            if (!HEADER.matcher(name).matches()) {
                throw new TomlFormatException(where, "'" + Quoted.cut(name, 60) + "' is no name of a header");
            }
            if (OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
                throw new TomlFormatException(where, "the client says it itself");
            }
            String text = String.join(", ", entry.getValue().texts());
            if (text.length() > LONGEST_HEADER || text.chars().anyMatch(c -> c < ' ' || c >= 0x7f)) {
                // the value may be a secret
                throw new TomlFormatException(
                        where, "the value is longer than " + LONGEST_HEADER + " characters, or has others than ASCII");
            }
            // one spelling for the one that authentication replaces
            headers.put(name.equalsIgnoreCase("authorization") ? "Authorization" : name, text);
        }
        return headers;
    }

    private static Optional<Duration> dialTimeout(@Nullable TomlValue value) throws TomlFormatException {
        if (value == null) {
            return Optional.empty();
        }
        Matcher matcher = DURATION.matcher(value.text());
        if (!matcher.matches() || Integer.parseInt(matcher.group(1)) == 0) {
            throw new TomlFormatException(
                    value.where(),
                    "expected a duration like 500ms, 2s or 1m, found '" + Quoted.cut(value.text(), 60) + "'");
        }
        long count = Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(count);
                    case "s" -> Duration.ofSeconds(count);
                    default -> Duration.ofMinutes(Math.min(count, 10_000));
                });
    }

    private static Optional<URI> proxy(@Nullable TomlValue value) throws TomlFormatException {
        if (value == null) {
            return Optional.empty();
        }
        try {
            URI proxy = new URI(value.text());
            if ("http".equals(proxy.getScheme()) && proxy.getHost() != null) {
                return Optional.of(proxy);
            }
        } catch (URISyntaxException e) {
            // told below
        }
        // it may have a password
        throw new TomlFormatException(value.where(), "expected a URL like http://host:port");
    }

    // --- whom to trust

    private Trust trust(Map<String, TomlValue> fields) throws TomlFormatException {
        List<Path> authorities = new ArrayList<>();
        TomlValue ca = fields.get("ca");
        if (ca != null) {
            for (TomlValue each : ca.oneOrMany()) {
                authorities.add(existing(each.where(), each.text()));
            }
        }
        List<Client> clients = new ArrayList<>();
        TomlValue client = fields.get("client");
        if (client != null) {
            for (TomlValue each : client.oneOrMany()) {
                clients.add(client(each));
            }
        }
        TomlValue skip = fields.get("skip_verify");
        return new Trust(authorities, clients, skip != null && skip.bool());
    }

    private Client client(TomlValue value) throws TomlFormatException {
        List<String> files = value.texts();
        if (files.isEmpty() || files.size() > 2) {
            throw new TomlFormatException(value.where(), "expected a file, or a pair of files [CERTIFICATE, KEY]");
        }
        Path certificate = existing(value.where(), files.get(0));
        boolean oneFile = files.size() == 1 || files.get(1).isEmpty();
        return new Client(certificate, oneFile ? certificate : existing(value.where(), files.get(1)));
    }

    /** Relative to the directory of {@code hosts.toml}. */
    private Path existing(String where, String name) throws TomlFormatException {
        Path path = file.resolveSibling(name);
        if (name.isEmpty() || !Files.isRegularFile(path)) {
            throw new TomlFormatException(where, "there is no file " + path);
        }
        return path;
    }
}
