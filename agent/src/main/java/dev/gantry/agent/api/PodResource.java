package dev.gantry.agent.api;

import dev.gantry.agent.pod.PodChange;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.agent.pod.PodRejectedException;
import dev.gantry.agent.volume.ObjectReferences;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code /api/v1/…/pods}. */
final class PodResource implements AutoCloseable {
    private static final int REMEMBERED_CHANGES = 4096;
    private static final Set<String> FIELDS = Set.of(
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.restartPolicy",
            "status.phase",
            "status.podIP");

    private final PodEngine engine;
    private final Backend.Manifests manifests;
    private final Collection<Pod> collection;
    private final PodEngine.Watch watch;

    PodResource(PodEngine engine, Backend.Manifests manifests, Clock clock) {
        this.engine = engine;
        this.manifests = manifests;
        ChangeLog<Pod> log = new ChangeLog<>(REMEMBERED_CHANGES);
        this.collection = new Collection<>("Pod", PodTable.TABLE, log, clock, FIELDS, PodResource::field);
        this.watch = engine.watch(change -> {
            if (change.type() == PodChange.Type.DELETED) {
                log.delete(change.pod());
            } else {
                log.put(change.pod());
            }
        });
    }

    private static String field(Pod pod, String path) {
        return switch (path) {
            case "metadata.name" -> text(pod.getMetadata().getName());
            case "metadata.namespace" -> text(pod.getMetadata().getNamespace());
            case "spec.nodeName" -> text(pod.getSpec().getNodeName());
            case "spec.restartPolicy" -> text(pod.getSpec().getRestartPolicy());
            case "status.phase" ->
                pod.getStatus() == null ? "" : text(pod.getStatus().getPhase());
            default -> pod.getStatus() == null ? "" : text(pod.getStatus().getPodIP());
        };
    }

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    void list(Exchange exchange, String namespace) throws ApiException {
        String version = engine.resourceVersion();
        collection.answer(exchange, namespace, version, engine.pods());
    }

    void get(Exchange exchange, String namespace, String name) throws ApiException {
        Pod pod = engine.pod(namespace, name).orElseThrow(() -> ApiException.notFound("pods", name));
        collection.answer(exchange, 200, pod);
    }

    /** The namespaces in which there are pods, and {@code default}. */
    Set<String> namespaces() {
        Set<String> namespaces = new TreeSet<>(List.of("default"));
        for (Pod pod : engine.pods()) {
            namespaces.add(pod.getMetadata().getNamespace());
        }
        return namespaces;
    }

    void create(Exchange exchange, String namespace) throws ApiException, IOException {
        Backend.Content manifest = decode(exchange.request());
        if (!manifest.objects().isEmpty()) {
            throw ApiException.badRequest("expected one pod, the body has other objects too");
        }
        List<Pod> pods = manifest.pods();
        if (pods.size() != 1) {
            throw ApiException.badRequest("expected one pod, the body has " + pods.size());
        }
        Pod pod = pods.get(0);
        String own = pod.getMetadata() == null ? null : pod.getMetadata().getNamespace();
        if (own != null && !own.isEmpty() && !own.equals(namespace)) {
            throw ApiException.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request");
        }
        Pod placed = new PodBuilder(pod)
                .editOrNewMetadata()
                .withNamespace(namespace)
                .endMetadata()
                .build();
        collection.answer(exchange, 201, create(placed, List.of()));
    }

    private Pod create(Pod pod, List<HasMetadata> objects) throws ApiException {
        try {
            return engine.create(pod, objects);
        } catch (PodRejectedException e) {
            throw ApiException.of(e, String.valueOf(pod.getMetadata().getName()));
        }
    }

    /** {@code POST /gantry/v1/pods}: all pods of a manifest, each with the objects that it refers to, or none. */
    void createAll(Exchange exchange) throws ApiException, IOException {
        boolean transientPods = exchange.request().flag("transient");
        List<Pod> created = new ArrayList<>();
        try {
            Backend.Content manifest = decode(exchange.request());
            for (Pod pod : manifest.pods()) {
                List<HasMetadata> objects = manifest.objects().stream()
                        .filter(object -> ObjectReferences.concerns(pod, object))
                        .toList();
                created.add(create(transientPods ? markTransient(pod) : pod, objects));
            }
        } catch (ApiException e) {
            for (Pod pod : created) {
                deleteAgain(pod);
            }
            throw e;
        }
        exchange.json(201, Json.bytes(json -> Json.list(json, "PodList", engine.resourceVersion(), created)));
    }

    private static Pod markTransient(Pod pod) {
        return new PodBuilder(pod)
                .editOrNewMetadata()
                .addToAnnotations(PodEngine.TRANSIENT_ANNOTATION, "true")
                .endMetadata()
                .build();
    }

    private void deleteAgain(Pod pod) {
        try {
            engine.delete(pod.getMetadata().getNamespace(), pod.getMetadata().getName(), OptionalLong.of(0));
        } catch (PodRejectedException e) {
            // somebody else has taken it over since; then it is theirs
        }
    }

    private Backend.Content decode(Request request) throws ApiException, IOException {
        String source = request.parameter("source");
        byte[] bytes = request.body().bytes();
        if (bytes.length == 0) {
            throw ApiException.badRequest(
                    (source.isEmpty() ? "the body" : source) + " is empty; expected a pod as YAML or JSON");
        }
        try {
            Backend.Content manifest = manifests.decode(source.isEmpty() ? "request" : source, bytes);
            if (manifest.pods().isEmpty()) {
                throw ApiException.badRequest((source.isEmpty() ? "the body" : source) + " holds no pod");
            }
            return manifest;
        } catch (ManifestException e) {
            throw ApiException.badRequest(String.valueOf(e.getMessage()));
        }
    }

    /** Answers with one pod. */
    void answer(Exchange exchange, Pod pod) throws ApiException {
        collection.answer(exchange, 200, pod);
    }

    void delete(Exchange exchange, String namespace, String name) throws ApiException, IOException {
        Request request = exchange.request();
        long grace = request.number("gracePeriodSeconds");
        byte[] body = request.body().bytes();
        Router.refuseDryRun(DeleteOptions.isDryRun(body));
        if (grace < 0 && body.length > 0) {
            grace = DeleteOptions.gracePeriodSeconds(body);
        }
        String uid = DeleteOptions.preconditionUid(body);
        if (!uid.isEmpty()) {
            Optional<Pod> present = engine.pod(namespace, name);
            if (present.isPresent() && !uid.equals(present.get().getMetadata().getUid())) {
                throw ApiException.of(
                        409,
                        "Conflict",
                        "Precondition failed: UID in precondition: " + uid + ", UID in object meta: "
                                + present.get().getMetadata().getUid());
            }
        }
        try {
            Pod deleted = engine.delete(namespace, name, grace < 0 ? OptionalLong.empty() : OptionalLong.of(grace))
                    .orElseThrow(() -> ApiException.notFound("pods", name));
            collection.answer(exchange, 200, deleted);
        } catch (PodRejectedException e) {
            throw ApiException.of(e, name);
        }
    }

    @Override
    public void close() {
        watch.close();
    }
}
