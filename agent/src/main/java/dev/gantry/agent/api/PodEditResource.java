package dev.gantry.agent.api;

import dev.gantry.agent.pod.PodEngine;
import dev.gantry.agent.pod.PodRejectedException;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;

/** What changes pods that exist: the pod itself, {@code …/resize}, {@code …/ephemeralcontainers}, and restarts. */
final class PodEditResource {
    private final PodEngine engine;
    private final PodResource pods;
    private final Backend.Manifests manifests;
    private final Clock clock;

    PodEditResource(PodEngine engine, PodResource pods, Backend.Manifests manifests, Clock clock) {
        this.engine = engine;
        this.pods = pods;
        this.manifests = manifests;
        this.clock = clock;
    }

    private interface Change {
        Optional<Pod> apply(Pod present, Pod wanted) throws PodRejectedException;
    }

    /** {@code PUT} and {@code PATCH} of a pod: labels, annotations, images. */
    void update(Exchange exchange, String namespace, String name) throws ApiException, IOException {
        change(
                exchange,
                namespace,
                name,
                (present, wanted) -> engine.update(new PodBuilder(present)
                        .editMetadata()
                        .withLabels(wanted.getMetadata().getLabels())
                        .withAnnotations(wanted.getMetadata().getAnnotations())
                        .endMetadata()
                        .withSpec(wanted.getSpec())
                        .build()));
    }

    /** {@code …/resize}: CPU and memory. */
    void resize(Exchange exchange, String namespace, String name) throws ApiException, IOException {
        change(
                exchange,
                namespace,
                name,
                (present, wanted) -> engine.resize(
                        new PodBuilder(present).withSpec(wanted.getSpec()).build()));
    }

    /** {@code …/ephemeralcontainers}, as {@code kubectl debug} does it. */
    void debug(Exchange exchange, String namespace, String name) throws ApiException, IOException {
        change(exchange, namespace, name, (present, wanted) -> {
            List<EphemeralContainer> containers = wanted.getSpec().getEphemeralContainers();
            return engine.debug(namespace, name, containers == null ? List.of() : containers);
        });
    }

    /** {@code …/status}: conditions that somebody else than the agent reports. */
    void report(Exchange exchange, String namespace, String name) throws ApiException, IOException {
        change(exchange, namespace, name, (present, wanted) -> {
            List<PodCondition> conditions =
                    wanted.getStatus() == null ? null : wanted.getStatus().getConditions();
            return engine.report(namespace, name, conditions == null ? List.of() : conditions);
        });
    }

    /** A whole pod by PUT, or what changes in it by PATCH. */
    private void change(Exchange exchange, String namespace, String name, Change change)
            throws ApiException, IOException {
        Request request = exchange.request();
        Pod present = present(namespace, name);
        byte[] body = request.body().bytes();
        if (request.method().equals(HttpMethod.PATCH)) {
            body = PodPatch.apply(request.headers().get("Content-Type", ""), present, body);
        }
        try {
            List<Pod> decoded = manifests.decodePresent(body);
            if (decoded.size() != 1) {
                throw ApiException.badRequest("expected one pod, found " + decoded.size());
            }
            Pod wanted = decoded.get(0);
            if (!name.equals(wanted.getMetadata().getName())) {
                throw ApiException.badRequest("the name of the object ("
                        + wanted.getMetadata().getName() + ") does not match the name on the URL (" + name + ")");
            }
            pods.answer(exchange, change.apply(present, wanted).orElseThrow(() -> ApiException.notFound("pods", name)));
        } catch (ManifestException e) {
            throw ApiException.of(422, "Invalid", String.valueOf(e.getMessage()));
        } catch (PodRejectedException e) {
            throw ApiException.of(e, name);
        }
    }

    private Pod present(String namespace, String name) throws ApiException {
        return engine.pod(namespace, name).orElseThrow(() -> ApiException.notFound("pods", name));
    }

    /**
     * {@code POST /gantry/v1/namespaces/NAMESPACE/pods/NAME/restart}: starts its containers anew, or with {@code container=} one. With
     * {@code asOf=}, a time, only what began before: then the request can be sent again.
     */
    void restart(Exchange exchange, String namespace, String name) throws ApiException {
        Request request = exchange.request();
        String container = request.parameter("container");
        try {
            Pod pod = engine.restart(
                            namespace,
                            name,
                            container.isEmpty() ? Optional.empty() : Optional.of(container),
                            asOf(request.parameter("asOf")))
                    .orElseThrow(() -> ApiException.notFound("pods", name));
            pods.answer(exchange, pod);
        } catch (PodRejectedException e) {
            throw ApiException.of(e, name);
        }
    }

    private Instant asOf(String time) throws ApiException {
        if (time.isEmpty()) {
            return clock.instant();
        }
        try {
            return OffsetDateTime.parse(time).toInstant();
        } catch (DateTimeParseException e) {
            throw ApiException.badRequest("parameter asOf takes a time like 2026-01-02T15:04:05Z, not '" + time + "'");
        }
    }
}
