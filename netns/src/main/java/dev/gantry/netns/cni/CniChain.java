package dev.gantry.netns.cni;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs the plugins of one list (SPEC.md, sections 2 and 3). Blocking; the caller keeps two operations on one container apart and GC
 * apart from all others.
 */
final class CniChain {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String GC_VERSION = "1.1.0";

    private final CniNetworkList list;
    private final List<Path> programDirectories;
    private final PluginRunner runner;
    private final Duration deadline;

    /**
     * Prepares to run the plugins of {@code list}.
     *
     * @param programDirectories searched in order, {@code CNI_PATH}
     * @param deadline for each plugin's run
     */
    CniChain(CniNetworkList list, List<Path> programDirectories, PluginRunner runner, Duration deadline) {
        this.list = list;
        this.programDirectories = List.copyOf(programDirectories);
        this.runner = runner;
        this.deadline = deadline;
    }

    /** Attaches: each plugin in order is given the result of the one before. */
    CniResult add(CniAttachment attachment) throws IOException, InterruptedException {
        JsonNode result = MissingNode.getInstance();
        for (CniPlugin plugin : list.plugins()) {
            JsonNode answer = run("ADD", plugin, attachment, result);
            if (!answer.isObject()) {
                throw new CniException(
                        CniException.NO_CODE,
                        "ADD by plugin %s: no result on standard output".formatted(plugin.type()));
            }
            result = answer;
        }
        return CniResult.of(result, attachment.interfaceName());
    }

    /** Detaches, in reverse order; repeatable. Stops at the first plugin that fails, so that it is asked again. */
    void del(CniAttachment attachment, JsonNode addResult) throws IOException, InterruptedException {
        JsonNode previous = isBefore04() ? MissingNode.getInstance() : addResult;
        for (int i = list.plugins().size() - 1; i >= 0; i--) {
            try {
                run("DEL", list.plugins().get(i), attachment, previous);
            } catch (CniException e) {
                if (e.code() != CniException.UNKNOWN_CONTAINER) {
                    throw e;
                }
            }
        }
    }

    /** Asks whether the attachment is still as ADD left it; says nothing where the list or its version forbids asking. */
    void check(CniAttachment attachment, JsonNode addResult) throws IOException, InterruptedException {
        if (list.disableCheck() || isBefore04()) {
            return;
        }
        for (CniPlugin plugin : list.plugins()) {
            run("CHECK", plugin, attachment, addResult);
        }
    }

    /** Before version 0.4.0 there was no CHECK, and DEL was told of no result. */
    private boolean isBefore04() {
        return list.version().startsWith("0.3");
    }

    /**
     * Looks for the programs only.
     *
     * @throws CniException naming the first that is missing, with the remedy
     */
    void requirePrograms() throws CniException {
        for (CniPlugin plugin : list.plugins()) {
            program(plugin);
        }
    }

    /** Asks whether ADD can be served; plugins older than 1.1 cannot say. */
    void status() throws IOException, InterruptedException {
        requirePrograms();
        if (list.version().equals(GC_VERSION)) {
            for (CniPlugin plugin : list.plugins()) {
                run("STATUS", plugin, null, MissingNode.getInstance());
            }
        }
    }

    /**
     * Tells the plugins which attachments are still wanted. All plugins are asked, whichever fails.
     *
     * @throws IOException the first failure
     */
    void gc(Collection<CniAttachment> valid) throws IOException, InterruptedException {
        if (list.disableGc() || !list.version().equals(GC_VERSION)) {
            return;
        }
        ArrayNode attachments = JSON.createArrayNode();
        valid.forEach(each ->
                attachments.addObject().put("containerID", each.containerId()).put("ifname", each.interfaceName()));
        IOException first = null;
        for (CniPlugin plugin : list.plugins()) {
            try {
                ObjectNode config = config(plugin, Map.of(), MissingNode.getInstance());
                config.set("cni.dev/valid-attachments", attachments);
                invoke("GC", plugin, config, environment("GC", null));
            } catch (IOException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }

    private JsonNode run(String command, CniPlugin plugin, @Nullable CniAttachment attachment, JsonNode previous)
            throws IOException, InterruptedException {
        Map<String, String> capabilities = attachment == null ? Map.of() : attachment.capabilityArguments();
        return invoke(command, plugin, config(plugin, capabilities, previous), environment(command, attachment));
    }

    /** The plugin's configuration as a runtime passes it on (SPEC.md, section 3 "Deriving execution configuration"). */
    private ObjectNode config(CniPlugin plugin, Map<String, String> capabilities, JsonNode previous)
            throws CniException {
        ObjectNode config = plugin.config().deepCopy();
        config.remove("capabilities");
        config.remove("cniVersions");
        config.put("cniVersion", list.version());
        config.put("name", list.name());
        ObjectNode runtimeConfig = JSON.createObjectNode();
        for (var argument : capabilities.entrySet()) {
            if (plugin.capabilities().contains(argument.getKey())) {
                try {
                    runtimeConfig.set(argument.getKey(), JSON.readTree(argument.getValue()));
                } catch (JsonProcessingException e) {
                    throw new CniException("capability %s is not JSON".formatted(argument.getKey()), e);
                }
            }
        }
        if (!runtimeConfig.isEmpty()) {
            config.set("runtimeConfig", runtimeConfig);
        }
        if (previous.isObject()) {
            config.set("prevResult", previous);
        }
        return config;
    }

    private Map<String, String> environment(String command, @Nullable CniAttachment attachment) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("CNI_COMMAND", command);
        environment.put(
                "CNI_PATH", programDirectories.stream().map(Path::toString).collect(Collectors.joining(":")));
        // Plugins call iptables, nft and modprobe by name.
        environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if (attachment != null) {
            environment.put("CNI_CONTAINERID", attachment.containerId());
            environment.put("CNI_IFNAME", attachment.interfaceName());
            environment.put("CNI_ARGS", attachment.argumentText());
            if (!attachment.netns().isEmpty()) {
                environment.put("CNI_NETNS", attachment.netns());
            }
        }
        return environment;
    }

    private JsonNode invoke(String command, CniPlugin plugin, ObjectNode config, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path program = program(plugin);
        PluginRunner.Output output;
        try {
            output = runner.run(program, environment, JSON.writeValueAsBytes(config), deadline);
        } catch (CniException e) {
            throw e;
        } catch (IOException e) {
            throw new CniException("%s by plugin %s: %s".formatted(command, program, e.getMessage()), e);
        }
        JsonNode answer = answer(output.stdout());
        if (output.exitCode() != 0) {
            throw failure(command, plugin, output, answer);
        }
        return answer;
    }

    private Path program(CniPlugin plugin) throws CniException {
        for (Path directory : programDirectories) {
            Path program = directory.resolve(plugin.type());
            if (Files.isExecutable(program) && Files.isRegularFile(program)) {
                return program;
            }
        }
        throw new CniException(
                CniException.NO_CODE,
                "network \"%s\": plugin %s is in none of %s; install it (Debian: containernetworking-plugins) or change the configuration"
                        .formatted(list.name(), plugin.type(), programDirectories));
    }

    private static JsonNode answer(String stdout) {
        try {
            JsonNode answer = JSON.readTree(stdout);
            return answer == null ? NullNode.getInstance() : answer;
        } catch (JsonProcessingException e) {
            return NullNode.getInstance();
        }
    }

    private CniException failure(String command, CniPlugin plugin, PluginRunner.Output output, JsonNode answer) {
        String message = answer.path("msg").asText();
        String details = answer.path("details").asText();
        if (message.isEmpty()) {
            message = "exit code %d".formatted(output.exitCode());
            details = output.stderr().strip();
        }
        return new CniException(
                answer.path("code").asInt(CniException.NO_CODE),
                "network \"%s\", %s by plugin %s: %s%s"
                        .formatted(
                                list.name(), command, plugin.type(), message, details.isEmpty() ? "" : "; " + details));
    }
}
