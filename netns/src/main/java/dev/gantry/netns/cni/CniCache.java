package dev.gantry.netns.cni;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What DEL and CHECK need after a restart, kept in the layout of the reference library, so that its tools can read it, and this reads what
 * other runtimes keep in {@code /var/lib/cni/results}. Survives reboots, as the plugins' own state does.
 */
final class CniCache {
    private static final String KIND = "cniCacheV1";
    private static final int MAX_BYTES = 4 << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;

    CniCache(Path directory) {
        this.directory = directory;
    }

    /**
     * One attachment as it was added.
     *
     * @param configuration the list's text at the time of ADD
     * @param result ADD's result; missing while ADD has not ended
     */
    record Entry(CniAttachment attachment, String network, String configuration, JsonNode result) {}

    /** Written before ADD begins, so that a crash in its middle is followed by a DEL. */
    void put(Entry entry) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        CniAttachment attachment = entry.attachment();
        node.put("kind", KIND)
                .put("containerId", attachment.containerId())
                .put("ifName", attachment.interfaceName())
                .put("networkName", entry.network())
                .put("netns", attachment.netns())
                .put(
                        "config",
                        Base64.getEncoder().encodeToString(entry.configuration().getBytes(StandardCharsets.UTF_8)));
        attachment
                .arguments()
                .forEach((key, value) ->
                        node.withArray("/cniArgs").addArray().add(key).add(value));
        ObjectNode capabilities = node.putObject("capabilityArgs");
        for (var argument : attachment.capabilityArguments().entrySet()) {
            capabilities.set(argument.getKey(), JSON.readTree(argument.getValue()));
        }
        node.set("result", entry.result());
        Files.createDirectories(directory);
        Path file = file(entry.network(), attachment);
        Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
        Files.write(temporary, JSON.writeValueAsBytes(node));
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    void remove(String network, CniAttachment attachment) throws IOException {
        Files.deleteIfExists(file(network, attachment));
    }

    Optional<Entry> find(String containerId) throws IOException {
        return all().stream()
                .filter(entry -> entry.attachment().containerId().equals(containerId))
                .findFirst();
    }

    /** All attachments; a file that cannot be read as one is none of ours. */
    List<Entry> all() throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(
                directory, entry -> !entry.getFileName().toString().startsWith("."))) {
            for (Path file : files) {
                read(file).ifPresent(entries::add);
            }
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return entries;
    }

    private static Optional<Entry> read(Path file) throws IOException {
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES);
        } catch (NoSuchFileException e) {
            // Removed meanwhile.
            return Optional.empty();
        }
        try {
            JsonNode node = JSON.readTree(bytes);
            return KIND.equals(node.path("kind").asText()) ? Optional.of(entry(node)) : Optional.empty();
        } catch (JsonProcessingException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Entry entry(JsonNode node) {
        Map<String, String> arguments = new LinkedHashMap<>();
        node.path("cniArgs")
                .forEach(pair ->
                        arguments.put(pair.path(0).asText(), pair.path(1).asText()));
        Map<String, String> capabilities = new LinkedHashMap<>();
        node.path("capabilityArgs")
                .properties()
                .forEach(each -> capabilities.put(each.getKey(), each.getValue().toString()));
        return new Entry(
                new CniAttachment(
                        node.path("containerId").asText(),
                        node.path("netns").asText(),
                        node.path("ifName").asText(),
                        arguments,
                        capabilities),
                node.path("networkName").asText(),
                new String(Base64.getDecoder().decode(node.path("config").asText()), StandardCharsets.UTF_8),
                node.path("result"));
    }

    private Path file(String network, CniAttachment attachment) {
        return directory.resolve("%s-%s-%s".formatted(network, attachment.containerId(), attachment.interfaceName()));
    }
}
