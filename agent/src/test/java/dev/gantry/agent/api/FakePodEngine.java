package dev.gantry.agent.api;

import dev.gantry.agent.cri.CriImages;
import dev.gantry.agent.pod.ContainerRef;
import dev.gantry.agent.pod.ContainerUnavailableException;
import dev.gantry.agent.pod.PodChange;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.agent.pod.PodKey;
import dev.gantry.agent.pod.PodRejectedException;
import dev.gantry.agent.pod.PodSource;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.images.ImageStore;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A pod engine that runs nothing: pods are in the state that a test puts them in. Tells changes at once, on the caller's thread. */
public final class FakePodEngine implements PodEngine {
    private final Map<PodKey, Pod> pods = new TreeMap<>();
    private final Map<String, ContainerRef> containers = new HashMap<>();
    private final List<Event> events = new ArrayList<>();
    private final List<Consumer<PodChange>> listeners = new CopyOnWriteArrayList<>();
    private final List<Consumer<Event>> eventListeners = new CopyOnWriteArrayList<>();
    private final List<String> deletions = new ArrayList<>();
    private final List<String> restarts = new ArrayList<>();
    private long version = 100;

    /** Puts a pod into this state. */
    public synchronized Pod put(Pod pod) {
        PodKey key = PodKey.of(pod);
        String uid = pod.getMetadata().getUid() == null
                ? "uid-" + key.name()
                : pod.getMetadata().getUid();
        Pod stored = new PodBuilder(pod)
                .editMetadata()
                .withUid(uid)
                .withResourceVersion(String.valueOf(++version))
                .endMetadata()
                .build();
        boolean known = pods.put(key, stored) != null;
        tell(known ? PodChange.Type.MODIFIED : PodChange.Type.ADDED, stored);
        return stored;
    }

    /** Removes a pod for good. */
    public synchronized void remove(String namespace, String name) {
        Pod last = pods.remove(new PodKey(namespace, name));
        if (last != null) {
            tell(
                    PodChange.Type.DELETED,
                    new PodBuilder(last)
                            .editMetadata()
                            .withResourceVersion(String.valueOf(++version))
                            .endMetadata()
                            .build());
        }
    }

    private void tell(PodChange.Type type, Pod pod) {
        listeners.forEach(listener -> listener.accept(new PodChange(type, pod)));
    }

    /** Records an event about a pod. */
    public synchronized void record(Event event) {
        Event stored = new EventBuilder(event)
                .editMetadata()
                .withUid("event-" + event.getMetadata().getName())
                .withResourceVersion(String.valueOf(++version))
                .endMetadata()
                .build();
        events.removeIf(known ->
                known.getMetadata().getName().equals(stored.getMetadata().getName()));
        events.add(stored);
        eventListeners.forEach(listener -> listener.accept(stored));
    }

    /** Gives a pod's container a run to read from. */
    public synchronized void run(String pod, String container, Path log, boolean running, boolean tty) {
        containers.put(
                pod + "/" + container,
                new ContainerRef(
                        new PodKey("default", pod),
                        "uid-" + pod,
                        container,
                        "id-" + pod + "-" + container,
                        log,
                        0,
                        running,
                        tty,
                        true));
    }

    /** What was asked to be deleted: {@code namespace/name grace}. */
    public synchronized List<String> deletions() {
        return List.copyOf(deletions);
    }

    public int watchers() {
        return listeners.size();
    }

    @Override
    public void applyManifests(ManifestSnapshot snapshot) {
        apply(PodSource.FILE, snapshot.pods());
    }

    @Override
    public List<ManifestSnapshot.Problem> manifestProblems() {
        return List.of();
    }

    @Override
    public void apply(PodSource source, Collection<Pod> desired) {
        desired.forEach(this::put);
    }

    @Override
    public synchronized Pod create(Pod pod, Collection<HasMetadata> objects) throws PodRejectedException {
        if (pods.containsKey(PodKey.of(pod))) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.AlreadyExists,
                    "pods \"" + pod.getMetadata().getName() + "\" already exists");
        }
        if (pod.getSpec().getContainers().isEmpty()) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Invalid,
                    "Pod \"" + pod.getMetadata().getName() + "\" is invalid: spec.containers: Required value",
                    List.of(new PodRejectedException.Cause("FieldValueRequired", "spec.containers", "Required value")));
        }
        return put(pod);
    }

    @Override
    public synchronized Optional<Pod> resize(Pod pod) throws PodRejectedException {
        if (!pods.containsKey(PodKey.of(pod))) {
            return Optional.empty();
        }
        return Optional.of(put(pod));
    }

    @Override
    public synchronized Optional<Pod> update(Pod pod) {
        return pods.containsKey(PodKey.of(pod)) ? Optional.of(put(pod)) : Optional.empty();
    }

    @Override
    public synchronized Optional<Pod> debug(String namespace, String name, List<EphemeralContainer> containers) {
        return pod(namespace, name)
                .map(pod -> put(new PodBuilder(pod)
                        .editSpec()
                        .withEphemeralContainers(containers)
                        .endSpec()
                        .build()));
    }

    @Override
    public synchronized Optional<Pod> report(String namespace, String name, List<PodCondition> conditions) {
        return pod(namespace, name)
                .map(pod -> put(new PodBuilder(pod)
                        .editStatus()
                        .withConditions(conditions)
                        .endStatus()
                        .build()));
    }

    @Override
    public synchronized Optional<Pod> restart(String namespace, String name, Optional<String> container, Instant asOf)
            throws PodRejectedException {
        if (container.isPresent() && container.get().equals("none")) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Invalid, "container none is not valid for pod " + name);
        }
        restarts.add(namespace + "/" + name + "/" + container.orElse("") + " as of " + asOf);
        return pod(namespace, name);
    }

    /** What was asked to be restarted: {@code namespace/name/container as of time}. */
    public synchronized List<String> restarts() {
        return List.copyOf(restarts);
    }

    @Override
    public synchronized Optional<Pod> delete(String namespace, String name, OptionalLong gracePeriodSeconds)
            throws PodRejectedException {
        Pod pod = pods.get(new PodKey(namespace, name));
        if (pod == null) {
            return Optional.empty();
        }
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        if (annotations != null && "file".equals(annotations.get(PodSource.ANNOTATION))) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Forbidden, "pods \"" + name + "\" is forbidden: it comes from a file");
        }
        deletions.add(namespace + "/" + name + " "
                + (gracePeriodSeconds.isPresent() ? gracePeriodSeconds.getAsLong() : "own"));
        return Optional.of(put(new PodBuilder(pod)
                .editMetadata()
                .withDeletionTimestamp("2026-01-02T03:04:35Z")
                .withDeletionGracePeriodSeconds(gracePeriodSeconds.orElse(30))
                .endMetadata()
                .build()));
    }

    @Override
    public synchronized List<Pod> pods() {
        return List.copyOf(pods.values());
    }

    @Override
    public synchronized Optional<Pod> pod(String namespace, String name) {
        return Optional.ofNullable(pods.get(new PodKey(namespace, name)));
    }

    @Override
    public synchronized String resourceVersion() {
        return String.valueOf(version);
    }

    @Override
    public synchronized Watch watch(Consumer<PodChange> listener) {
        pods.values().forEach(pod -> listener.accept(new PodChange(PodChange.Type.ADDED, pod)));
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    @Override
    public synchronized List<Event> events() {
        return List.copyOf(events);
    }

    @Override
    public synchronized Watch watchEvents(Consumer<Event> listener) {
        events.forEach(listener);
        eventListeners.add(listener);
        return () -> eventListeners.remove(listener);
    }

    @Override
    public synchronized ContainerRef container(
            String namespace, String pod, @Nullable String container, boolean previous)
            throws ContainerUnavailableException {
        Pod found = pods.get(new PodKey(namespace, pod));
        if (found == null) {
            throw new ContainerUnavailableException(false, "pods \"" + pod + "\" not found");
        }
        List<io.fabric8.kubernetes.api.model.Container> all = found.getSpec().getContainers();
        if (container == null && all.size() > 1) {
            throw new ContainerUnavailableException(
                    true,
                    "a container name must be specified for pod " + pod + ", choose one of: "
                            + all.stream()
                                    .map(io.fabric8.kubernetes.api.model.Container::getName)
                                    .toList());
        }
        String name = container == null ? all.get(0).getName() : container;
        ContainerRef ref = containers.get(pod + "/" + name + (previous ? "/previous" : ""));
        if (ref == null) {
            throw new ContainerUnavailableException(
                    true,
                    previous
                            ? "previous terminated container \"" + name + "\" in pod \"" + pod + "\" not found"
                            : "container " + name + " is not valid for pod " + pod);
        }
        return ref;
    }

    @Override
    public void close() {
        listeners.clear();
    }

    /** Where a test needs none. */
    private static final class NoStreams implements ContainerIo {
        @Override
        public ContainerStreams exec(ExecRequest request) throws IOException {
            throw new IOException("no streams here");
        }

        @Override
        public ContainerStreams attach(AttachRequest request) throws IOException {
            throw new IOException("no streams here");
        }

        @Override
        public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
            throw new IOException("no streams here");
        }
    }

    /** A backend around this engine, without images and streams. */
    Backend backend(Path podLogs) {
        return backend(podLogs, new NoStreams(), Optional.empty());
    }

    Backend backend(Path podLogs, ContainerIo io, Optional<ImageStore> images) {
        return new Backend(
                this,
                images,
                new CriImages(CriTransport.inProcessChannel("no-runtime")),
                io,
                new StrictManifests(),
                pods -> "execve(\"/bin/true\")\n",
                () -> "{\"items\":[]}",
                TestPods::node,
                new Backend.Health() {
                    @Override
                    public Optional<String> unhealthy() {
                        return Optional.empty();
                    }

                    @Override
                    public Optional<String> unready() {
                        return Optional.of("manifests: not read yet");
                    }
                },
                out -> out.append("gantry_test 1\n"),
                podLogs,
                podLogs.resolve("uploads"));
    }
}
