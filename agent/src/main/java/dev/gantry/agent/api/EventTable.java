package dev.gantry.agent.api;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.ObjectReference;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** The columns of {@code kubectl get events}. */
final class EventTable {
    static final Table<Event> TABLE = new Table<>(
            List.of(
                    new Table.Column("Last Seen", "string", 0, "Time since it happened last"),
                    new Table.Column("Type", "string", 0, "Normal or Warning"),
                    new Table.Column("Reason", "string", 0, "Why, in one word"),
                    new Table.Column("Object", "string", 0, "What it is about"),
                    new Table.Column("Subobject", "string", 1, "The part of it"),
                    new Table.Column("Source", "string", 1, "Who reported it"),
                    new Table.Column("Message", "string", 0, "What happened"),
                    new Table.Column("First Seen", "string", 1, "Time since it happened first"),
                    new Table.Column("Count", "string", 1, "How often"),
                    new Table.Column("Name", "string", 1, "Name of the event")),
            EventTable::cells);

    private EventTable() {}

    private static List<String> cells(Event event, Instant now) {
        ObjectReference object = Objects.requireNonNullElse(event.getInvolvedObject(), new ObjectReference());
        String created = event.getMetadata().getCreationTimestamp();
        String first = Objects.requireNonNullElse(event.getFirstTimestamp(), created);
        String last = Objects.requireNonNullElse(event.getLastTimestamp(), first);
        String kind = Objects.requireNonNullElse(object.getKind(), "").toLowerCase(Locale.ROOT);
        return List.of(
                PodTable.age(last, now),
                PodTable.text(event.getType()),
                PodTable.text(event.getReason()),
                kind + "/" + Objects.requireNonNullElse(object.getName(), ""),
                Objects.requireNonNullElse(object.getFieldPath(), ""),
                event.getSource() == null
                        ? ""
                        : Objects.requireNonNullElse(event.getSource().getComponent(), ""),
                Objects.requireNonNullElse(event.getMessage(), "").strip(),
                PodTable.age(first, now),
                String.valueOf(Objects.requireNonNullElse(event.getCount(), 1)),
                event.getMetadata().getName());
    }
}
