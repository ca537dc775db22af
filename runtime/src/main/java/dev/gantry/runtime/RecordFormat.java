package dev.gantry.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.runtime.ContainerPhase.Created;
import dev.gantry.runtime.ContainerPhase.Exited;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.spec.ContainerSpec;
import dev.gantry.runtime.spec.ContainerUser;
import dev.gantry.runtime.spec.ProcessContext;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Records as JSON, for people who look at a broken node as much as for us. */
final class RecordFormat {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Raised when a field changes its meaning; older records are still read. */
    private static final int VERSION = 1;

    private RecordFormat() {}

    static byte[] write(SandboxRecord record) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        node.put("version", VERSION);
        node.put("phase", record.phase().name());
        node.put("createdAt", record.createdAt().toString());
        node.put("handler", record.handler());
        node.put("hostname", record.hostname());
        node.put("cgroup", record.cgroup());
        node.put("ownsCgroup", record.ownsCgroup());
        node.put("networked", record.networked());
        addAll(node.putArray("ips"), record.ips());
        return JSON.writeValueAsBytes(node);
    }

    static SandboxRecord sandbox(byte[] bytes) throws IOException {
        JsonNode node = read(bytes);
        return new SandboxRecord(
                SandboxRecord.Phase.valueOf(text(node, "phase")),
                Instant.parse(text(node, "createdAt")),
                text(node, "handler"),
                text(node, "hostname"),
                text(node, "cgroup"),
                // Records from before it was kept are of pods whose cgroup the runtime made.
                node.path("ownsCgroup").asBoolean(true),
                node.path("networked").asBoolean(),
                texts(node.path("ips")));
    }

    static byte[] write(ContainerRecord record) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        node.put("version", VERSION);
        node.set("phase", phase(record.phase()));
        node.put("createdAt", record.createdAt().toString());
        node.put("imageId", record.imageId());
        node.put("imageRef", record.imageRef());
        node.put("imageTag", record.imageTag());
        node.set("context", context(record.context()));
        node.put("pid", record.pid().name());
        node.put("stopSignal", record.stopSignal());
        node.put(
                "resources",
                Base64.getEncoder().encodeToString(record.resources().toByteArray()));
        node.put("removing", record.removing());
        record.killAt().ifPresent(at -> node.put("killAt", at.toString()));
        addAll(node.putArray("notices"), record.notices());
        return JSON.writeValueAsBytes(node);
    }

    static ContainerRecord container(byte[] bytes) throws IOException {
        JsonNode node = read(bytes);
        return new ContainerRecord(
                phase(node.path("phase")),
                Instant.parse(text(node, "createdAt")),
                text(node, "imageId"),
                // Containers that were made before it was kept go on.
                node.path("imageRef").asText(text(node, "imageId")),
                node.path("imageTag").asText(""),
                context(node.path("context")),
                ContainerSpec.PidMode.valueOf(text(node, "pid")),
                node.path("stopSignal").asInt(),
                LinuxContainerResources.parseFrom(Base64.getDecoder().decode(text(node, "resources"))),
                node.path("removing").asBoolean(),
                node.has("killAt") ? Optional.of(Instant.parse(text(node, "killAt"))) : Optional.empty(),
                texts(node.path("notices")));
    }

    private static ObjectNode phase(ContainerPhase phase) {
        ObjectNode node = JSON.createObjectNode();
        if (phase instanceof Running running) {
            node.put("startedAt", running.startedAt().toString());
        } else if (phase instanceof Exited exited) {
            node.put("startedAt", exited.startedAt().toString());
            node.put("finishedAt", exited.finishedAt().toString());
            node.put("exitCode", exited.exitCode());
            node.put("reason", exited.reason());
            node.put("message", exited.message());
        }
        return node;
    }

    private static ContainerPhase phase(JsonNode node) throws IOException {
        if (node.has("finishedAt")) {
            return new Exited(
                    Instant.parse(text(node, "startedAt")),
                    Instant.parse(text(node, "finishedAt")),
                    node.path("exitCode").asInt(),
                    text(node, "reason"),
                    text(node, "message"));
        }
        return node.has("startedAt") ? new Running(Instant.parse(text(node, "startedAt"))) : new Created();
    }

    private static ObjectNode context(ProcessContext context) {
        ObjectNode node = JSON.createObjectNode();
        addAll(node.putArray("environment"), context.environment());
        node.put("workingDirectory", context.workingDirectory());
        node.put("uid", context.user().uid());
        node.put("gid", context.user().gid());
        ArrayNode groups = node.putArray("groups");
        context.user().groups().forEach(groups::add);
        node.put("home", context.user().home());
        node.put("bounding", LinuxCapability.maskOf(context.bounding()));
        node.put("ambient", LinuxCapability.maskOf(context.ambient()));
        node.put("noNewPrivileges", context.noNewPrivileges());
        node.put(
                "seccompFilter",
                Base64.getEncoder().encodeToString(context.seccompFilter().toByteArray()));
        node.put("seccompFlags", context.seccompFlags());
        context.oomScoreAdj().ifPresent(score -> node.put("oomScoreAdj", score));
        context.users().ifPresent(maps -> {
            ArrayNode users = node.putArray("users");
            users.add(maps.firstUser()).add(maps.firstGroup()).add(maps.users()).add(maps.groups());
        });
        context.appArmorProfile().ifPresent(profile -> node.put("appArmorProfile", profile));
        context.seLinuxLabel().ifPresent(label -> node.put("seLinuxLabel", label));
        return node;
    }

    private static ProcessContext context(JsonNode node) throws IOException {
        List<Integer> groups = new ArrayList<>();
        node.path("groups").forEach(group -> groups.add(group.asInt()));
        return new ProcessContext(
                texts(node.path("environment")),
                text(node, "workingDirectory"),
                new ContainerUser(node.path("uid").asInt(), node.path("gid").asInt(), groups, text(node, "home")),
                LinuxCapability.ofMask(node.path("bounding").asLong()),
                LinuxCapability.ofMask(node.path("ambient").asLong()),
                node.path("noNewPrivileges").asBoolean(),
                ByteString.copyFrom(Base64.getDecoder().decode(text(node, "seccompFilter"))),
                node.path("seccompFlags").asInt(),
                node.has("oomScoreAdj")
                        ? OptionalInt.of(node.path("oomScoreAdj").asInt())
                        : OptionalInt.empty(),
                users(node.path("users")),
                node.has("appArmorProfile") ? Optional.of(text(node, "appArmorProfile")) : Optional.empty(),
                node.has("seLinuxLabel") ? Optional.of(text(node, "seLinuxLabel")) : Optional.empty());
    }

    private static Optional<UserMaps> users(JsonNode maps) {
        return maps.size() == 4
                ? Optional.of(new UserMaps(
                        maps.get(0).asLong(),
                        maps.get(1).asLong(),
                        maps.get(2).asLong(),
                        maps.get(3).asLong()))
                : Optional.empty();
    }

    private static JsonNode read(byte[] bytes) throws IOException {
        JsonNode node = JSON.readTree(bytes);
        if (node == null || node.path("version").asInt() != VERSION) {
            throw new IOException("a record of version %s, expected %d"
                    .formatted(node == null ? "none" : node.path("version"), VERSION));
        }
        return node;
    }

    private static String text(JsonNode node, String field) throws IOException {
        JsonNode value = node.path(field);
        if (!value.isTextual()) {
            throw new IOException("a record without '%s'".formatted(field));
        }
        return value.asText();
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(item -> texts.add(item.asText()));
        return texts;
    }

    private static void addAll(ArrayNode array, Collection<String> texts) {
        texts.forEach(array::add);
    }
}
