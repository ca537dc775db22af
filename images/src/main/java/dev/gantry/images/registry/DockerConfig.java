package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageReference;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Docker's {@code config.json}, or the older {@code .dockercfg}: whose credentials are for which images.
 *
 * @param entries by key as written: {@code host}, {@code host:port/path}, a URL, with {@code *} within a host's label
 * @param helpers {@code credHelpers}: program by host
 * @param store {@code credsStore}: the program for all other hosts, or empty
 */
public record DockerConfig(Map<String, Credentials> entries, Map<String, String> helpers, String store) {
    public DockerConfig {
        entries = Map.copyOf(entries);
        helpers = Map.copyOf(helpers);
    }

    /**
     * Reads either form.
     *
     * @param what it is, for messages
     */
    public static DockerConfig parse(byte[] text, String what) throws JsonFormatException {
        JsonObject json = JsonObject.parse(text, what);
        boolean modern = json.has("auths") || json.has("credHelpers") || json.has("credsStore");
        JsonObject auths = modern ? json.optionalObject("auths").orElse(null) : json;
        Map<String, Credentials> entries = new TreeMap<>();
        if (auths != null) {
            for (String key : auths.names()) {
                JsonObject entry =
                        modern ? auths.object(key) : auths.optionalObject(key).orElse(null);
                if (entry != null) {
                    credentials(entry).ifPresent(c -> entries.put(key, c));
                }
            }
        }
        return new DockerConfig(entries, json.stringMap("credHelpers"), json.stringOrEmpty("credsStore"));
    }

    /** Empty for the empty entries that docker leaves where a helper has the secret. */
    private static Optional<Credentials> credentials(JsonObject entry) throws JsonFormatException {
        try {
            Credentials credentials = Credentials.of(
                    entry.stringOrEmpty("username"),
                    entry.stringOrEmpty("password"),
                    entry.stringOrEmpty("auth"),
                    entry.stringOrEmpty("identitytoken"),
                    entry.stringOrEmpty("registrytoken"));
            return credentials.isAnonymous() ? Optional.empty() : Optional.of(credentials);
        } catch (IllegalArgumentException e) {
            throw new JsonFormatException(entry.path() + ": " + e.getMessage(), e);
        }
    }

    /** The entries for this image, the most specific first. */
    public List<Credentials> matches(ImageReference reference) {
        List<String> keys = new ArrayList<>();
        for (String key : entries.keySet()) {
            if (matches(key, reference)) {
                keys.add(key);
            }
        }
        keys.sort(Comparator.comparingInt((String key) -> normalised(key).length())
                .reversed()
                .thenComparing(Comparator.naturalOrder()));
        return keys.stream()
                .map(entries::get)
                .map(java.util.Objects::requireNonNull)
                .toList();
    }

    /** The program to ask for this registry's credentials, and what to ask it for. */
    Optional<Map.Entry<String, String>> helper(ImageReference reference) {
        for (String name : serverNames(reference.registry())) {
            String helper = helpers.get(name);
            if (helper != null) {
                return Optional.of(Map.entry(helper, name));
            }
        }
        return store.isEmpty()
                ? Optional.empty()
                : Optional.of(Map.entry(store, serverNames(reference.registry()).get(0)));
    }

    /** Docker Hub goes by old names. */
    private static List<String> serverNames(String registry) {
        return registry.equals(ImageReference.DOCKER_HUB)
                ? List.of("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
                : List.of(registry, "https://" + registry);
    }

    private static boolean matches(String key, ImageReference reference) {
        String normalised = normalised(key);
        int slash = normalised.indexOf('/');
        String host = slash < 0 ? normalised : normalised.substring(0, slash);
        String path = slash < 0 ? "" : normalised.substring(slash + 1);
        if (!matchesHost(host, reference.registry().toLowerCase(Locale.ROOT))) {
            return false;
        }
        return path.isEmpty()
                || reference.repository().equals(path)
                || reference.repository().startsWith(path + "/");
    }

    /** Without scheme, API version and slash at the end; all names of Docker Hub as one. */
    private static String normalised(String key) {
        String text =
                key.toLowerCase(Locale.ROOT).replaceFirst("^https?://", "").replaceFirst("/+$", "");
        text = text.replaceFirst("/v[12]$", "");
        return text.replaceFirst("^(index|registry-1)\\.docker\\.io(?=/|$)", ImageReference.DOCKER_HUB);
    }

    /** As the kubelet: ports must be equal, {@code *} stands for one label or a part of it. */
    private static boolean matchesHost(String pattern, String registry) {
        if (pattern.indexOf('*') < 0) {
            return pattern.equals(registry);
        }
        String[] expected = pattern.split("[.:]", -1);
        String[] found = registry.split("[.:]", -1);
        if (expected.length != found.length || pattern.contains(":") != registry.contains(":")) {
            return false;
        }
        for (int i = 0; i < expected.length; i++) {
            if (!matchesLabel(expected[i], found[i])) {
                return false;
            }
        }
        return true;
    }

    private static boolean matchesLabel(String pattern, String label) {
        String[] parts = pattern.split("\\*", -1);
        if (parts.length == 1) {
            return pattern.equals(label);
        }
        if (!label.startsWith(parts[0])) {
            return false;
        }
        int at = parts[0].length();
        for (int i = 1; i < parts.length - 1; i++) {
            int found = label.indexOf(parts[i], at);
            if (found < 0) {
                return false;
            }
            at = found + parts[i].length();
        }
        String last = parts[parts.length - 1];
        return label.length() - at >= last.length() && label.endsWith(last);
    }
}
