package dev.gantry.netns.cni;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A network configuration list: a name and the plugins that make it (SPEC.md, section 1).
 *
 * @param version the newest version that both the list and this runtime speak
 * @param loadOnlyInlinedPlugins whether the plugins named here are all; otherwise a directory beside may hold more
 * @param source the whole list as text; what a later DEL is told, even when the files have changed by then
 */
record CniNetworkList(
        String name,
        String version,
        boolean disableCheck,
        boolean disableGc,
        boolean loadOnlyInlinedPlugins,
        List<CniPlugin> plugins,
        String source) {
    /** Versions this runtime speaks, newest first. 0.x results name addresses in another way, which is translated. */
    static final List<String> SUPPORTED_VERSIONS = List.of("1.1.0", "1.0.0", "0.4.0", "0.3.1", "0.3.0");

    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.\\-]*");
    private static final ObjectMapper JSON = new ObjectMapper();

    CniNetworkList {
        plugins = List.copyOf(plugins);
    }

    /**
     * Reads a list, or a single plugin's configuration as a list of one. A list may be without plugins: see {@link #checked}.
     *
     * @param where what messages call the text, usually the file
     * @throws CniException naming {@code where}, the field and what is expected of it
     */
    static CniNetworkList parse(String where, byte[] text) throws CniException {
        if (!(json(where, text) instanceof ObjectNode object)) {
            throw invalid(where, "a JSON object is expected");
        }
        String name = object.path("name").asText();
        if (!NAME.matcher(name).matches()) {
            throw invalid(
                    where,
                    "name '%s' must begin with a letter or digit and go on with those, '_', '.' or '-'"
                            .formatted(name));
        }
        List<CniPlugin> plugins = new ArrayList<>();
        if (object.has("plugins")) {
            for (JsonNode plugin : object.path("plugins")) {
                plugins.add(plugin(where, plugin));
            }
        } else {
            plugins.add(plugin(where, object));
        }
        return new CniNetworkList(
                name,
                version(where, object),
                flag(where, object, "disableCheck"),
                flag(where, object, "disableGC"),
                !object.has("plugins") || flag(where, object, "loadOnlyInlinedPlugins"),
                plugins,
                new String(text, StandardCharsets.UTF_8));
    }

    /** This list and one more plugin at its end. */
    CniNetworkList with(String where, byte[] text) throws CniException {
        if (!(json(where, text) instanceof ObjectNode object)) {
            throw invalid(where, "a JSON object is expected");
        }
        List<CniPlugin> more = new ArrayList<>(plugins);
        more.add(plugin(where, object));
        ObjectNode whole = (ObjectNode) json(where, source.getBytes(StandardCharsets.UTF_8));
        whole.withArray("/plugins").add(object);
        return new CniNetworkList(
                name, version, disableCheck, disableGc, loadOnlyInlinedPlugins, more, whole.toString());
    }

    /** This list, if it can be used. */
    CniNetworkList checked(String where) throws CniException {
        if (plugins.isEmpty()) {
            throw invalid(where, "plugins is empty: a network needs at least one");
        }
        return this;
    }

    private static JsonNode json(String where, byte[] text) throws CniException {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new CniException(
                    "%s, line %d: not JSON: %s".formatted(where, e.getLocation().getLineNr(), e.getOriginalMessage()),
                    e);
        } catch (IOException e) {
            throw new CniException(where + ": " + e.getMessage(), e);
        }
    }

    private static CniPlugin plugin(String where, JsonNode node) throws CniException {
        if (!node.isObject()) {
            throw invalid(where, "a plugin must be a JSON object");
        }
        String type = node.path("type").asText();
        // The type becomes a path: a slash in it would run any program of the host.
        if (type.isEmpty() || type.contains("/") || type.equals(".") || type.equals("..")) {
            throw invalid(where, "type '%s' must be the name of a program in the plugin directories".formatted(type));
        }
        Set<String> capabilities = new HashSet<>();
        node.path("capabilities").properties().forEach(entry -> {
            if (entry.getValue().asBoolean()) {
                capabilities.add(entry.getKey());
            }
        });
        return new CniPlugin(type, capabilities, (ObjectNode) node);
    }

    private static String version(String where, ObjectNode object) throws CniException {
        Set<String> offered = new HashSet<>();
        object.path("cniVersions").forEach(each -> offered.add(each.asText()));
        if (object.has("cniVersion")) {
            offered.add(object.path("cniVersion").asText());
        }
        return SUPPORTED_VERSIONS.stream()
                .filter(offered::contains)
                .findFirst()
                .orElseThrow(() -> invalid(
                        where,
                        "cniVersion %s is not spoken here; use one of %s".formatted(offered, SUPPORTED_VERSIONS)));
    }

    /** A flag, which old lists write as text. */
    private static boolean flag(String where, ObjectNode object, String field) throws CniException {
        String text = object.path(field).asText("false");
        if (!text.equals("true") && !text.equals("false")) {
            throw invalid(where, "%s must be true or false, not '%s'".formatted(field, text));
        }
        return text.equals("true");
    }

    private static CniException invalid(String where, String what) {
        return new CniException(CniException.NO_CODE, where + ": " + what);
    }
}
