package dev.gantry.agent.api;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * How objects of one kind look as a {@code meta.k8s.io/v1 Table}: the client prints cells and needs to know nothing about the kind.
 *
 * @param columns headings; those with priority 1 are for {@code -o wide} only
 * @param cells one object's cells
 */
record Table<T extends HasMetadata>(List<Column> columns, Cells<T> cells) {
    /**
     * A heading.
     *
     * @param priority 0, or 1 for wide output
     */
    record Column(String name, String type, int priority, String description) {}

    /** Makes a row. */
    interface Cells<T> {
        List<String> of(T object, Instant now);
    }

    void write(JsonGenerator json, String resourceVersion, List<T> objects, boolean withColumns, Instant now)
            throws IOException {
        json.writeStartObject();
        json.writeStringField("kind", "Table");
        json.writeStringField("apiVersion", "meta.k8s.io/v1");
        json.writeObjectFieldStart("metadata");
        json.writeStringField("resourceVersion", resourceVersion);
        json.writeEndObject();
        json.writeArrayFieldStart("columnDefinitions");
        if (withColumns) {
            for (Column column : columns) {
                json.writeStartObject();
                json.writeStringField("name", column.name());
                json.writeStringField("type", column.type());
                json.writeStringField("format", column.name().equals("Name") ? "name" : "");
                json.writeStringField("description", column.description());
                json.writeNumberField("priority", column.priority());
                json.writeEndObject();
            }
        }
        json.writeEndArray();
        json.writeArrayFieldStart("rows");
        for (T object : objects) {
            json.writeStartObject();
            json.writeArrayFieldStart("cells");
            for (String cell : cells.of(object, now)) {
                json.writeString(cell);
            }
            json.writeEndArray();
            partialObject(json, object.getMetadata());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    /** Enough of the metadata to know which object a row is about. */
    private static void partialObject(JsonGenerator json, ObjectMeta metadata) throws IOException {
        json.writeObjectFieldStart("object");
        json.writeStringField("kind", "PartialObjectMetadata");
        json.writeStringField("apiVersion", "meta.k8s.io/v1");
        json.writeObjectFieldStart("metadata");
        json.writeStringField("name", metadata.getName());
        json.writeStringField("namespace", metadata.getNamespace());
        if (metadata.getUid() != null) {
            json.writeStringField("uid", metadata.getUid());
        }
        if (metadata.getResourceVersion() != null) {
            json.writeStringField("resourceVersion", metadata.getResourceVersion());
        }
        if (metadata.getCreationTimestamp() != null) {
            json.writeStringField("creationTimestamp", metadata.getCreationTimestamp());
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
