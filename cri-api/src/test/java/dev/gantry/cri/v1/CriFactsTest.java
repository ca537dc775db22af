package dev.gantry.cri.v1;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Our proto against the facts about Kubernetes' own: each side is flattened to lines, and the lines must be equal. */
class CriFactsTest {
    private static final FileDescriptor OURS = CriProto.getDescriptor();
    private static JsonNode facts;

    @BeforeAll
    static void readFacts() throws IOException {
        try (InputStream in = CriFactsTest.class.getResourceAsStream("/cri-v1.json")) {
            facts = new ObjectMapper().readTree(in);
        }
    }

    @Test
    void thePackageAndSyntaxAreTheFacts() {
        assertThat(OURS.getPackage()).isEqualTo(facts.get("package").asText());
        assertThat(OURS.toProto().getSyntax()).isEqualTo(facts.get("syntax").asText());
    }

    @Test
    void everyRpcIsTheFactsAndNoOtherExists() {
        TreeSet<String> expected = new TreeSet<>();
        for (JsonNode service : facts.get("services")) {
            for (JsonNode rpc : service.get("rpcs")) {
                expected.add("%s takes %s returns %s streaming %s/%s deprecated %s"
                        .formatted(
                                rpc.get("path").asText(),
                                rpc.get("request").asText(),
                                rpc.get("response").asText(),
                                rpc.get("client_streaming").asBoolean(),
                                rpc.get("server_streaming").asBoolean(),
                                rpc.get("deprecated").asBoolean()));
            }
        }

        TreeSet<String> actual = new TreeSet<>();
        for (ServiceDescriptor service : OURS.getServices()) {
            for (MethodDescriptor rpc : service.getMethods()) {
                actual.add("/%s/%s takes %s returns %s streaming %s/%s deprecated %s"
                        .formatted(
                                service.getFullName(),
                                rpc.getName(),
                                local(rpc.getInputType().getFullName()),
                                local(rpc.getOutputType().getFullName()),
                                rpc.isClientStreaming(),
                                rpc.isServerStreaming(),
                                rpc.getOptions().getDeprecated()));
            }
        }

        assertThat(expected).hasSize(43);
        assertThat(actual).containsExactlyElementsOf(expected);
    }

    @Test
    void everyFieldOfEveryMessageIsTheFactsAndNoOtherExists() {
        TreeSet<String> expected = new TreeSet<>();
        int fields = 0;
        for (JsonNode message : facts.get("messages")) {
            expected.add(message.get("name").asText() + " oneofs "
                    + message.get("oneofs").size());
            for (JsonNode field : message.get("fields")) {
                fields++;
                expected.add("%s.%s = %d %s %s json %s deprecated %s"
                        .formatted(
                                message.get("name").asText(),
                                field.get("name").asText(),
                                field.get("number").asInt(),
                                field.get("label").asText(),
                                typeOf(field),
                                field.get("json_name").asText(),
                                field.get("deprecated").asBoolean()));
            }
        }

        TreeSet<String> actual = new TreeSet<>();
        for (Descriptor message : allMessages(OURS.getMessageTypes())) {
            String name = local(message.getFullName());
            actual.add(name + " oneofs " + message.getRealOneofs().size());
            for (FieldDescriptor field : message.getFields()) {
                actual.add("%s.%s = %d %s %s json %s deprecated %s"
                        .formatted(
                                name,
                                field.getName(),
                                field.getNumber(),
                                field.isMapField() ? "map" : field.isRepeated() ? "repeated" : "singular",
                                typeOf(field),
                                field.getJsonName(),
                                field.getOptions().getDeprecated()));
                assertThat(field.toProto().getProto3Optional())
                        .as("%s is proto3 optional", field)
                        .isFalse();
            }
        }

        assertThat(fields).isEqualTo(478);
        assertThat(actual).containsExactlyElementsOf(expected);
    }

    @Test
    void fieldsThatHoldSecretsAreRedactedInDebugOutput() {
        TreeSet<String> expected = new TreeSet<>();
        for (JsonNode message : facts.get("messages")) {
            for (JsonNode field : message.get("fields")) {
                if (field.get("debug_redact").asBoolean()) {
                    expected.add(message.get("name").asText() + "."
                            + field.get("name").asText());
                }
            }
        }

        TreeSet<String> actual = new TreeSet<>();
        for (Descriptor message : allMessages(OURS.getMessageTypes())) {
            for (FieldDescriptor field : message.getFields()) {
                if (field.getOptions().getDebugRedact()) {
                    actual.add(local(message.getFullName()) + "." + field.getName());
                }
            }
        }

        assertThat(expected).isNotEmpty();
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    void everyEnumValueIsTheFactsAndNoOtherExists() {
        TreeSet<String> expected = new TreeSet<>();
        for (JsonNode type : facts.get("enums")) {
            for (JsonNode value : type.get("values")) {
                expected.add("%s.%s = %d deprecated %s"
                        .formatted(
                                type.get("name").asText(),
                                value.get("name").asText(),
                                value.get("number").asInt(),
                                value.get("deprecated").asBoolean()));
            }
        }

        TreeSet<String> actual = new TreeSet<>();
        List<EnumDescriptor> enums = new ArrayList<>(OURS.getEnumTypes());
        for (Descriptor message : allMessages(OURS.getMessageTypes())) {
            enums.addAll(message.getEnumTypes());
        }
        for (EnumDescriptor type : enums) {
            for (EnumValueDescriptor value : type.getValues()) {
                actual.add("%s.%s = %d deprecated %s"
                        .formatted(
                                local(type.getFullName()),
                                value.getName(),
                                value.getNumber(),
                                value.getOptions().getDeprecated()));
            }
        }

        assertThat(enums).hasSameSizeAs(facts.get("enums"));
        assertThat(actual).containsExactlyElementsOf(expected);
    }

    private static String typeOf(JsonNode field) {
        return switch (field.get("type").asText()) {
            case "map" ->
                "map<%s, %s>"
                        .formatted(
                                field.get("map_key").asText(),
                                field.get("map_value").asText());
            case "message", "enum" ->
                field.get("type").asText() + " " + field.get("type_name").asText();
            default -> field.get("type").asText();
        };
    }

    private static String typeOf(FieldDescriptor field) {
        if (field.isMapField()) {
            Descriptor entry = field.getMessageType();
            return "map<%s, %s>"
                    .formatted(bareTypeOf(entry.findFieldByName("key")), bareTypeOf(entry.findFieldByName("value")));
        }
        return switch (field.getJavaType()) {
            case MESSAGE -> "message " + local(field.getMessageType().getFullName());
            case ENUM -> "enum " + local(field.getEnumType().getFullName());
            default -> field.getType().name().toLowerCase(java.util.Locale.ROOT);
        };
    }

    private static String bareTypeOf(FieldDescriptor field) {
        String type = typeOf(field);
        return type.substring(type.indexOf(' ') + 1);
    }

    /** Map entries are messages only for the compiler. */
    private static List<Descriptor> allMessages(List<Descriptor> roots) {
        List<Descriptor> all = new ArrayList<>();
        for (Descriptor message : roots) {
            if (!message.getOptions().getMapEntry()) {
                all.add(message);
                all.addAll(allMessages(message.getNestedTypes()));
            }
        }
        return all;
    }

    private static String local(String fullName) {
        return fullName.substring(OURS.getPackage().length() + 1);
    }
}
