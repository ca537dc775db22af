package dev.gantry.agent.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.gantry.agent.time.Timestamps;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventSource;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectReference;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The events of this node: equal ones counted, the newest kept, in a file that the next agent reads.
 *
 * <ul>
 *   <li>Thread-safe. Recording writes nothing itself: changes are collected for {@link #WRITE_DELAY}, then written whole
 *       on the given executor.
 *   <li>Bounded: beyond {@link #CAPACITY} the one that occurred longest ago goes.
 *   <li>What says the same thing in ever new words does not push out the rest: of one reason of one container, {@link #SIMILAR} are
 *       kept apart within {@link #SIMILAR_WITHIN}, further ones are combined, as by client-go's recorder.
 *   <li>A file that cannot be read is left aside, one that cannot be written is tried again with the next event: events
 *       inform, nothing depends on them.
 * </ul>
 */
public final class EventStore implements EventSink, AutoCloseable {
    /** With a message of 1 KiB each, some 1 MB. */
    static final int CAPACITY = 1000;

    static final int SIMILAR = 10;

    static final Duration SIMILAR_WITHIN = Duration.ofMinutes(10);

    private static final String COMBINED = "(combined from similar events): ";

    static final Duration WRITE_DELAY = Duration.ofSeconds(1);

    /** As the API bounds a message. */
    private static final int MAX_MESSAGE = 1024;

    private static final String COMPONENT = "gantry";

    private static final JsonFactory JSON = new JsonFactory();

    private final @Nullable Path file;
    private final String nodeName;
    private final InstantSource clock;
    private final Executor writer;
    private final ScheduledExecutorService timers;
    private final List<Consumer<Event>> listeners = new CopyOnWriteArrayList<>();
    /** In the order of their last occurrence; guarded by this. */
    private final Map<Key, Entry> entries = new LinkedHashMap<>();

    private volatile ContainerPaths paths = ContainerPaths.REGULAR;
    private boolean writePending;
    private long sequence;

    private EventStore(
            @Nullable Path file,
            String nodeName,
            InstantSource clock,
            Executor writer,
            ScheduledExecutorService timers) {
        this.file = file;
        this.nodeName = nodeName;
        this.clock = clock;
        this.writer = writer;
        this.timers = timers;
    }

    /** What makes two occurrences the same event. */
    private record Key(Involved object, String container, boolean warning, String reason, String message) {}

    /**
     * What an event is about.
     *
     * @param namespace empty for the node
     */
    private record Involved(String kind, String namespace, String name, String uid) {
        static Involved pod(PodReference pod) {
            return new Involved("Pod", pod.namespace(), pod.name(), pod.uid());
        }

        /** As the kubelet refers to its node: with the name as uid. */
        static Involved node(String name) {
            return new Involved("Node", "", name, name);
        }

        /** Where its events are. */
        String eventNamespace() {
            return namespace.isEmpty() ? "default" : namespace;
        }
    }

    /** Where in a pod's spec a container is. */
    @FunctionalInterface
    public interface ContainerPaths {
        /** Among those that run at last. */
        ContainerPaths REGULAR = (pod, container) -> "spec.containers{" + container + "}";

        /** As {@code involvedObject.fieldPath} has it: {@code spec.initContainers{setup}}. Called on any thread. */
        String of(PodReference pod, String container);
    }

    /**
     * An event and how often it occurred.
     *
     * @param path of the container; empty for the pod as a whole, and for the node
     * @param message of the last occurrence
     * @param version as resourceVersion, grows with each occurrence of any event
     */
    private record Entry(
            Key key, String path, String message, String name, int count, Instant first, Instant last, long version) {}

    /**
     * Opens the store.
     *
     * @param file where it is kept; null to keep it in memory
     * @param nodeName the source of the events
     * @param writer runs one task at a time, in order: else an older state could be what is kept
     */
    public static EventStore open(
            @Nullable Path file,
            String nodeName,
            InstantSource clock,
            Executor writer,
            ScheduledExecutorService timers) {
        EventStore store = new EventStore(file, nodeName, clock, writer, timers);
        if (file != null) {
            store.read(file);
        }
        return store;
    }

    @Override
    public void record(PodReference pod, Optional<String> container, boolean warning, String reason, String message) {
        String path = container.map(name -> paths.of(pod, name)).orElse("");
        record(Involved.pod(pod), container.orElse(""), path, warning, reason, message);
    }

    /** Takes events of this node. */
    public NodeEventSink ofNode() {
        Involved node = Involved.node(nodeName);
        return (warning, reason, message) -> record(node, "", "", warning, reason, message);
    }

    private void record(
            Involved object, String container, String path, boolean warning, String reason, String message) {
        String bounded = bounded(message);
        Key own = new Key(object, container, warning, reason, bounded);
        Event event;
        synchronized (this) {
            Instant now = clock.instant();
            boolean combined = !entries.containsKey(own) && similar(own, now) >= SIMILAR;
            Key key = combined ? new Key(object, container, warning, reason, COMBINED) : own;
            String text = combined ? bounded(COMBINED + message) : bounded;
            Entry before = entries.remove(key);
            sequence++;
            Entry entry = before == null
                    ? new Entry(key, path, text, name(object, now), 1, now, now, sequence)
                    : new Entry(key, path, text, before.name(), before.count() + 1, before.first(), now, sequence);
            entries.put(key, entry);
            if (entries.size() > CAPACITY) {
                entries.remove(entries.keySet().iterator().next());
            }
            event = event(entry);
            if (file != null && !writePending) {
                writePending = true;
                var unused = timers.schedule(
                        () -> writer.execute(this::write), WRITE_DELAY.toMillis(), TimeUnit.MILLISECONDS);
            }
            // Under the lock, so that listeners hear of events in their order.
            listeners.forEach(listener -> listener.accept(event));
        }
    }

    /** Has containers named by where they are; until then they count as regular ones. */
    public void locate(ContainerPaths where) {
        paths = where;
    }

    private static String bounded(String message) {
        if (message.length() <= MAX_MESSAGE) {
            return message;
        }
        // Half a character could not be written.
        boolean pair = Character.isHighSurrogate(message.charAt(MAX_MESSAGE - 2));
        return message.substring(0, pair ? MAX_MESSAGE - 2 : MAX_MESSAGE - 1) + "…";
    }

    /** How many of the same reason and container, with other words, there were of late. */
    private long similar(Key key, Instant now) {
        return entries.values().stream()
                .filter(entry -> entry.key().object().equals(key.object())
                        && entry.key().container().equals(key.container())
                        && entry.key().warning() == key.warning()
                        && entry.key().reason().equals(key.reason())
                        && entry.last().plus(SIMILAR_WITHIN).isAfter(now))
                .count();
    }

    /** {@code web.17a2b3c4d5e6f708}: as client-go names events, made unique by time and number. */
    private String name(Involved object, Instant now) {
        long nanos = now.getEpochSecond() * 1_000_000_000L + now.getNano() + sequence;
        return object.name() + "." + Long.toHexString(nanos);
    }

    /** All events, those that occurred longest ago first. */
    public synchronized List<Event> events() {
        return entries.values().stream().map(this::event).toList();
    }

    /** Delivers the present events, then each occurrence. The listener is called under the store's lock: it is quick. */
    public synchronized AutoCloseable watch(Consumer<Event> listener) {
        entries.values().forEach(entry -> listener.accept(event(entry)));
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    private Event event(Entry entry) {
        Key key = entry.key();
        ObjectReference involved = new ObjectReference();
        involved.setApiVersion("v1");
        involved.setKind(key.object().kind());
        if (!key.object().namespace().isEmpty()) {
            involved.setNamespace(key.object().namespace());
        }
        involved.setName(key.object().name());
        involved.setUid(key.object().uid());
        if (!entry.path().isEmpty()) {
            involved.setFieldPath(entry.path());
        }
        ObjectMeta metadata = new ObjectMeta();
        metadata.setName(entry.name());
        metadata.setNamespace(key.object().eventNamespace());
        metadata.setUid(entry.name());
        metadata.setCreationTimestamp(Timestamps.format(entry.first()));
        metadata.setResourceVersion(Long.toString(entry.version()));
        Event event = new Event();
        event.setApiVersion("v1");
        event.setKind("Event");
        event.setMetadata(metadata);
        event.setInvolvedObject(involved);
        event.setType(key.warning() ? "Warning" : "Normal");
        event.setReason(key.reason());
        event.setMessage(entry.message());
        event.setCount(entry.count());
        event.setFirstTimestamp(Timestamps.format(entry.first()));
        event.setLastTimestamp(Timestamps.format(entry.last()));
        EventSource source = new EventSource();
        source.setComponent(COMPONENT);
        source.setHost(nodeName);
        event.setSource(source);
        event.setReportingComponent(COMPONENT);
        event.setReportingInstance(nodeName);
        return event;
    }

    // ---- the file: one JSON object per line

    private void write() {
        List<Entry> snapshot;
        synchronized (this) {
            writePending = false;
            snapshot = new ArrayList<>(entries.values());
        }
        try {
            save(snapshot);
        } catch (IOException e) {
            // Tried again with the next event; a full disk is reported by those who need it.
        }
    }

    private void save(List<Entry> snapshot) throws IOException {
        Path target = java.util.Objects.requireNonNull(file);
        if (target.getParent() != null) {
            Files.createDirectories(target.getParent());
        }
        Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
        // Unlike that of Files, this writer replaces what is no character.
        try (BufferedWriter out =
                new BufferedWriter(new OutputStreamWriter(Files.newOutputStream(temporary), StandardCharsets.UTF_8))) {
            for (Entry entry : snapshot) {
                out.write(line(entry));
                out.write('\n');
            }
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String line(Entry entry) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            Key key = entry.key();
            json.writeStartObject();
            json.writeStringField("kind", key.object().kind());
            json.writeStringField("namespace", key.object().namespace());
            json.writeStringField("object", key.object().name());
            json.writeStringField("uid", key.object().uid());
            json.writeStringField("container", key.container());
            json.writeStringField("type", key.warning() ? "Warning" : "Normal");
            json.writeStringField("reason", key.reason());
            json.writeStringField("key", key.message());
            json.writeStringField("path", entry.path());
            json.writeStringField("message", entry.message());
            json.writeStringField("name", entry.name());
            json.writeStringField("count", Integer.toString(entry.count()));
            json.writeStringField("first", Long.toString(entry.first().toEpochMilli()));
            json.writeStringField("last", Long.toString(entry.last().toEpochMilli()));
            json.writeEndObject();
        }
        return text.toString();
    }

    private void read(Path source) {
        try {
            for (String line : Files.readAllLines(source, StandardCharsets.UTF_8)) {
                Entry entry = entry(line);
                entries.put(entry.key(), entry);
            }
        } catch (IOException | IllegalArgumentException e) {
            // Missing at the first start; torn by a full disk: what was read so far is used.
        }
    }

    private Entry entry(String line) throws IOException {
        Map<String, String> fields = new HashMap<>();
        try (JsonParser json = JSON.createParser(line)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                fields.put(json.currentName(), String.valueOf(json.nextTextValue()));
            }
        }
        Key key = new Key(
                new Involved(
                        field(fields, "kind"),
                        field(fields, "namespace"),
                        field(fields, "object"),
                        field(fields, "uid")),
                field(fields, "container"),
                field(fields, "type").equals("Warning"),
                field(fields, "reason"),
                field(fields, "key"));
        return new Entry(
                key,
                field(fields, "path"),
                field(fields, "message"),
                field(fields, "name"),
                Integer.parseInt(field(fields, "count")),
                Instant.ofEpochMilli(Long.parseLong(field(fields, "first"))),
                Instant.ofEpochMilli(Long.parseLong(field(fields, "last"))),
                ++sequence);
    }

    private static String field(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null) {
            throw new IllegalArgumentException("an event without " + name);
        }
        return value;
    }

    /** Writes what is not written yet. */
    @Override
    public void close() {
        boolean pending;
        synchronized (this) {
            pending = writePending;
        }
        if (pending) {
            write();
        }
    }
}
