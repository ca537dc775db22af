package dev.gantry.agent.api;

import dev.gantry.agent.pod.ContainerRef;
import dev.gantry.agent.pod.ContainerUnavailableException;
import dev.gantry.agent.pod.PodChange;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.linux.FileCalls;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.Optional;

/** {@code /api/v1/namespaces/…/pods/…/log}. */
final class LogResource {
    private final PodEngine engine;
    private final FileCalls files;
    private final Path root;
    private final FileWatch watch;
    private final Clock clock;

    LogResource(PodEngine engine, FileCalls files, Path root, FileWatch watch, Clock clock) {
        this.engine = engine;
        this.files = files;
        this.root = root.toAbsolutePath().normalize();
        this.watch = watch;
        this.clock = clock;
    }

    void read(Exchange exchange, String namespace, String pod) throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        boolean follow = request.flag("follow");
        boolean previous = request.flag("previous");
        LogReader.Options options = options(request);
        ContainerRef container = find(engine, namespace, pod, request.parameter("container"), previous);
        Path path = container.logPath().toAbsolutePath().normalize();
        LogReader reader = new LogReader(options, (bytes, length) -> exchange.write(bytes, 0, length));
        try (FileWatch.Key changes = watch.watch(Objects.requireNonNull(path.getParent()));
                LogHistory history = new LogHistory(files, root, path, reader)) {
            boolean goesOn = follow && !previous && container.running();
            history.open();
            exchange.startStream("text/plain");
            history.begin();
            if (goesOn) {
                try (Follower follower = new Follower(exchange, container, history, reader, changes)) {
                    follower.follow();
                }
            }
            exchange.end();
        }
    }

    /** The container that is meant, or the answer that the API server would give. */
    static ContainerRef find(PodEngine engine, String namespace, String pod, String container, boolean previous)
            throws ApiException {
        try {
            return engine.container(namespace, pod, container.isEmpty() ? null : container, previous);
        } catch (ContainerUnavailableException e) {
            throw e.podFound()
                    ? ApiException.badRequest(String.valueOf(e.getMessage()))
                    : ApiException.notFound("pods", pod);
        }
    }

    private LogReader.Options options(Request request) throws ApiException {
        long sinceSeconds = request.number("sinceSeconds");
        String sinceTime = request.parameter("sinceTime");
        if (sinceSeconds >= 0 && !sinceTime.isEmpty()) {
            throw invalid("at most one of sinceTime or sinceSeconds may be specified");
        }
        Optional<Instant> since = Optional.empty();
        if (sinceSeconds >= 0) {
            since = Optional.of(clock.instant().minusSeconds(sinceSeconds));
        } else if (!sinceTime.isEmpty()) {
            try {
                since = Optional.of(OffsetDateTime.parse(sinceTime).toInstant());
            } catch (DateTimeException e) {
                throw invalid("sinceTime takes a time like 2026-01-02T15:04:05Z, not '" + sinceTime + "'");
            }
        }
        long limit = request.number("limitBytes");
        if (limit == 0) {
            throw invalid("limitBytes must be greater than 0");
        }
        String stream = switch (request.parameter("stream")) {
            case "", "All" -> "";
            case "Stdout" -> "stdout";
            case "Stderr" -> "stderr";
            default -> throw invalid("stream takes All, Stdout or Stderr, not '" + request.parameter("stream") + "'");
        };
        return new LogReader.Options(request.number("tailLines"), since, request.flag("timestamps"), limit, stream);
    }

    private static ApiException invalid(String message) {
        return ApiException.of(422, "Invalid", message);
    }

    /** One client reading one run of a container. */
    private final class Follower implements AutoCloseable {
        private final Exchange exchange;
        private final ContainerRef container;
        private final LogHistory history;
        private final LogReader reader;
        private final FileWatch.Key changes;
        private volatile boolean ended;
        private PodEngine.Watch engineWatch = () -> {};

        Follower(
                Exchange exchange,
                ContainerRef container,
                LogHistory history,
                LogReader reader,
                FileWatch.Key changes) {
            this.exchange = exchange;
            this.container = container;
            this.history = history;
            this.reader = reader;
            this.changes = changes;
        }

        void follow() throws IOException, InterruptedException {
            exchange.onClose(changes::wake);
            engineWatch = engine.watch(this::podChanged);
            while (!exchange.isClosed() && !reader.isFull()) {
                // Asked before reading: what was written before the end is read after it.
                boolean wasEnded = ended;
                boolean any = history.readOn();
                if (wasEnded && !any) {
                    return;
                }
                if (!any) {
                    changes.await();
                }
            }
        }

        private void podChanged(PodChange change) {
            Pod pod = change.pod();
            if (!container.podUid().equals(pod.getMetadata().getUid())) {
                return;
            }
            if (change.type() == PodChange.Type.DELETED || !isRunning(pod)) {
                ended = true;
                changes.wake();
            }
        }

        private boolean isRunning(Pod pod) {
            if (pod.getStatus() == null) {
                return true;
            }
            for (ContainerStatus status : pod.getStatus().getContainerStatuses()) {
                if (container.container().equals(status.getName())) {
                    String id = status.getContainerID() == null ? "" : status.getContainerID();
                    return id.endsWith(container.id())
                            && status.getState() != null
                            && status.getState().getRunning() != null;
                }
            }
            return true;
        }

        @Override
        public void close() {
            engineWatch.close();
        }
    }
}
