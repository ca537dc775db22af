package dev.gantry.agent.api;

import dev.gantry.agent.pod.PodEngine;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.ObjectReference;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code /api/v1/…/events}. */
final class EventResource implements AutoCloseable {
    private static final int REMEMBERED_CHANGES = 4096;
    private static final Set<String> FIELDS = Set.of(
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.fieldPath",
            "reason",
            "type",
            "source");

    private final PodEngine engine;
    private final ChangeLog<Event> log = new ChangeLog<>(REMEMBERED_CHANGES);
    private final Collection<Event> collection;
    private final PodEngine.Watch watch;

    EventResource(PodEngine engine, Clock clock) {
        this.engine = engine;
        this.collection = new Collection<>("Event", EventTable.TABLE, log, clock, FIELDS, EventResource::field);
        this.watch = engine.watchEvents(log::put);
    }

    private static String field(Event event, String path) {
        ObjectReference object = Objects.requireNonNullElse(event.getInvolvedObject(), new ObjectReference());
        return switch (path) {
            case "metadata.name" -> text(event.getMetadata().getName());
            case "metadata.namespace" -> text(event.getMetadata().getNamespace());
            case "involvedObject.kind" -> text(object.getKind());
            case "involvedObject.namespace" -> text(object.getNamespace());
            case "involvedObject.name" -> text(object.getName());
            case "involvedObject.uid" -> text(object.getUid());
            case "involvedObject.fieldPath" -> text(object.getFieldPath());
            case "reason" -> text(event.getReason());
            case "type" -> text(event.getType());
            default -> event.getSource() == null ? "" : text(event.getSource().getComponent());
        };
    }

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    void list(Exchange exchange, String namespace) throws ApiException {
        String version = log.version();
        List<Event> events = engine.events();
        forgetAllBut(events);
        collection.answer(exchange, namespace, version, events);
    }

    /** The engine drops old events without a word; what it dropped is not told to new watches either. */
    private void forgetAllBut(List<Event> events) {
        Set<String> kept = new HashSet<>();
        for (Event event : events) {
            kept.add(event.getMetadata().getUid());
        }
        for (Event known : log.objects()) {
            if (!kept.contains(known.getMetadata().getUid())) {
                log.forget(known.getMetadata().getUid());
            }
        }
    }

    void get(Exchange exchange, String namespace, String name) throws ApiException {
        for (Event event : engine.events()) {
            if (name.equals(event.getMetadata().getName())
                    && namespace.equals(event.getMetadata().getNamespace())) {
                collection.answer(exchange, 200, event);
                return;
            }
        }
        throw ApiException.notFound("events", name);
    }

    @Override
    public void close() {
        watch.close();
    }
}
