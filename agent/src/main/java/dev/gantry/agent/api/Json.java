package dev.gantry.agent.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.agent.pod.PodRejectedException;
import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The bodies of answers, as the Kubernetes API writes them. */
final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    static final JsonFactory FACTORY = MAPPER.getFactory();

    private Json() {}

    /** Something that writes one value. */
    interface Writer {
        void write(JsonGenerator json) throws IOException;
    }

    static byte[] bytes(Writer writer) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            writer.write(json);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return out.toByteArray();
    }

    /** One value and a line end, as a watch sends them. */
    static byte[] line(Writer writer) {
        byte[] bytes = bytes(writer);
        byte[] line = java.util.Arrays.copyOf(bytes, bytes.length + 1);
        line[bytes.length] = '\n';
        return line;
    }

    static byte[] object(Object object) {
        return bytes(json -> model(json, object));
    }

    /** An object of the Kubernetes model; Jackson's own way writes quantities as their parts. */
    static void model(JsonGenerator json, Object object) throws IOException {
        json.writeRawValue(ModelJson.write(object));
    }

    static void list(JsonGenerator json, String kind, String resourceVersion, List<? extends HasMetadata> items)
            throws IOException {
        json.writeStartObject();
        json.writeStringField("kind", kind);
        json.writeStringField("apiVersion", "v1");
        json.writeObjectFieldStart("metadata");
        json.writeStringField("resourceVersion", resourceVersion);
        json.writeEndObject();
        json.writeArrayFieldStart("items");
        for (HasMetadata item : items) {
            model(json, item);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    static void status(JsonGenerator json, ApiException e) throws IOException {
        json.writeStartObject();
        json.writeStringField("kind", "Status");
        json.writeStringField("apiVersion", "v1");
        json.writeObjectFieldStart("metadata");
        json.writeEndObject();
        json.writeStringField("status", "Failure");
        json.writeStringField("message", String.valueOf(e.getMessage()));
        json.writeStringField("reason", e.reason());
        if (!e.kind().isEmpty() || !e.causes().isEmpty()) {
            json.writeObjectFieldStart("details");
            if (!e.kind().isEmpty()) {
                json.writeStringField("name", e.name());
                json.writeStringField("kind", e.kind());
            }
            if (!e.causes().isEmpty()) {
                json.writeArrayFieldStart("causes");
                for (PodRejectedException.Cause cause : e.causes()) {
                    json.writeStartObject();
                    json.writeStringField("reason", cause.reason());
                    json.writeStringField("message", cause.message());
                    json.writeStringField("field", cause.field());
                    json.writeEndObject();
                }
                json.writeEndArray();
            }
            json.writeEndObject();
        }
        json.writeNumberField("code", e.code());
        json.writeEndObject();
    }

    /** The end of an exec, as its error channel tells it. */
    static byte[] exitStatus(int exitCode) {
        if (exitCode == 0) {
            return "{\"metadata\":{},\"status\":\"Success\"}".getBytes(StandardCharsets.UTF_8);
        }
        return bytes(json -> {
            json.writeStartObject();
            json.writeObjectFieldStart("metadata");
            json.writeEndObject();
            json.writeStringField("status", "Failure");
            json.writeStringField("message", "command terminated with non-zero exit code: exit status " + exitCode);
            json.writeStringField("reason", "NonZeroExitCode");
            json.writeObjectFieldStart("details");
            json.writeArrayFieldStart("causes");
            json.writeStartObject();
            json.writeStringField("reason", "ExitCode");
            json.writeStringField("message", String.valueOf(exitCode));
            json.writeEndObject();
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        });
    }
}
