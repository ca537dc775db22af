package dev.gantry.agent.api;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.netty.handler.codec.http.HttpMethod;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Lists and watches objects of one kind.
 *
 * @param kind such as {@code Pod}
 * @param fields what field selectors may ask for
 * @param field the value of such a field of an object; empty if it has none
 */
record Collection<T extends HasMetadata>(
        String kind, Table<T> table, ChangeLog<T> log, Clock clock, Set<String> fields, Field<T> field) {

    /** Reads a field by its path. */
    interface Field<T> {
        String of(T object, String path);
    }

    /** Answers a list or a watch. {@code version} must have been read before {@code objects}. */
    void answer(Exchange exchange, String namespace, String version, List<T> objects) throws ApiException {
        Request request = exchange.request();
        Predicate<T> selection = selection(request, namespace);
        if (request.flag("watch")) {
            watch(exchange, selection);
            return;
        }
        List<T> selected = objects.stream().filter(selection).toList();
        if (request.wantsTable()) {
            exchange.json(200, Json.bytes(json -> table.write(json, version, selected, true, clock.instant())));
        } else {
            exchange.json(200, Json.bytes(json -> Json.list(json, kind + "List", version, selected)));
        }
    }

    /** Answers one object. */
    void answer(Exchange exchange, int code, T object) {
        Request request = exchange.request();
        if (request.wantsTable() && request.method().equals(HttpMethod.GET)) {
            String version = String.valueOf(object.getMetadata().getResourceVersion());
            exchange.json(code, Json.bytes(json -> table.write(json, version, List.of(object), true, clock.instant())));
        } else {
            exchange.json(code, Json.object(object));
        }
    }

    private Predicate<T> selection(Request request, String namespace) throws ApiException {
        Predicate<Map<String, String>> labels = Selector.labels(request.parameter("labelSelector"));
        Predicate<Function<String, String>> byField = Selector.fields(request.parameter("fieldSelector"), fields);
        return object -> {
            Map<String, String> own = object.getMetadata().getLabels();
            return (namespace.isEmpty() || namespace.equals(object.getMetadata().getNamespace()))
                    && labels.test(own == null ? Map.of() : own)
                    && byField.test(path -> field.of(object, path));
        };
    }

    private void watch(Exchange exchange, Predicate<T> selection) throws ApiException {
        Request request = exchange.request();
        long since = request.number("resourceVersion");
        long seconds = request.number("timeoutSeconds");
        boolean asTable = request.wantsTable();
        exchange.startStream("application/json");
        Watcher<T> watcher = new Watcher<>(this, exchange, selection, asTable);
        try {
            Runnable stop = log.watch(since > 0 ? OptionalLong.of(since) : OptionalLong.empty(), watcher::changed);
            exchange.onClose(stop);
            if (seconds > 0) {
                exchange.endAfter(Duration.ofSeconds(Math.min(seconds, Integer.MAX_VALUE)), stop);
            }
        } catch (ApiException e) {
            // As the API server does: the watch begins, and its first event says why it cannot go on.
            exchange.offer(Json.line(json -> {
                json.writeStartObject();
                json.writeStringField("type", "ERROR");
                json.writeFieldName("object");
                Json.status(json, e);
                json.writeEndObject();
            }));
            exchange.end();
        }
    }

    /** One client's watch. Called under the log's lock. */
    private static final class Watcher<T extends HasMetadata> {
        private final Collection<T> collection;
        private final Exchange exchange;
        private final Predicate<T> selection;
        private final boolean asTable;
        private final Set<String> shown = new HashSet<>();
        private boolean columnsSent;

        Watcher(Collection<T> collection, Exchange exchange, Predicate<T> selection, boolean asTable) {
            this.collection = collection;
            this.exchange = exchange;
            this.selection = selection;
            this.asTable = asTable;
        }

        /** An object that begins to fit the selection is added for this client, one that ceases to is deleted. */
        void changed(ChangeLog.Change<T> change) {
            String uid = String.valueOf(change.object().getMetadata().getUid());
            boolean fits = selection.test(change.object());
            ChangeLog.Type type = change.type();
            if (type == ChangeLog.Type.DELETED || !fits) {
                boolean known = shown.remove(uid);
                if (!known && !fits) {
                    return;
                }
                type = ChangeLog.Type.DELETED;
            } else {
                boolean added = shown.add(uid);
                type = added && type == ChangeLog.Type.ADDED ? ChangeLog.Type.ADDED : ChangeLog.Type.MODIFIED;
            }
            send(type, change);
        }

        private void send(ChangeLog.Type type, ChangeLog.Change<T> change) {
            boolean withColumns = !columnsSent;
            columnsSent = true;
            exchange.offer(Json.line(json -> {
                json.writeStartObject();
                json.writeStringField("type", type.name());
                json.writeFieldName("object");
                if (asTable) {
                    collection
                            .table()
                            .write(
                                    json,
                                    String.valueOf(change.version()),
                                    List.of(change.object()),
                                    withColumns,
                                    collection.clock().instant());
                } else {
                    Json.model(json, change.object());
                }
                json.writeEndObject();
            }));
        }
    }
}
