package dev.gantry.agent.api;

import dev.gantry.agent.pod.ContainerRef;
import dev.gantry.agent.pod.ContainerUnavailableException;
import dev.gantry.agent.pod.PodChange;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.linux.FileCalls;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
        try (FileWatch.Key changes = watch.watch(Objects.requireNonNull(path.getParent()))) {
            boolean goesOn = follow && !previous && container.running();
            Optional<LogFile> first = LogFile.open(files, root, path);
            exchange.startStream("text/plain");
            try (Follower follower = new Follower(exchange, container, path, reader, changes)) {
                if (goesOn) {
                    follower.follow(first);
                } else {
                    follower.readAll(first);
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
        private final Path path;
        private final LogReader reader;
        private final FileWatch.Key changes;
        private volatile boolean ended;
        private PodEngine.Watch engineWatch = () -> {};
        private Optional<LogFile> current = Optional.empty();

        Follower(Exchange exchange, ContainerRef container, Path path, LogReader reader, FileWatch.Key changes) {
            this.exchange = exchange;
            this.container = container;
            this.path = path;
            this.reader = reader;
            this.changes = changes;
        }

        void readAll(Optional<LogFile> file) throws IOException {
            current = file;
            if (file.isPresent()) {
                reader.seekTail(file.get());
                reader.readOn(file.get());
            }
        }

        void follow(Optional<LogFile> file) throws IOException, InterruptedException {
            current = file;
            if (file.isPresent()) {
                reader.seekTail(file.get());
            }
            exchange.onClose(changes::wake);
            engineWatch = engine.watch(this::podChanged);
            while (!exchange.isClosed() && !reader.isFull()) {
                // Asked before reading: what was written before the end is read after it.
                boolean wasEnded = ended;
                boolean any = readOn();
                if (wasEnded && !any) {
                    return;
                }
                if (!any) {
                    changes.await();
                }
            }
        }

        /** Reads what is new, over any number of rotations. */
        private boolean readOn() throws IOException {
            boolean any = current.isPresent() && reader.readOn(current.get());
            Optional<LogFile> next = next();
            if (next.isPresent()) {
                if (current.isPresent()) {
                    // The writer has gone on to the next file, so this one is complete now.
                    any |= reader.readOn(current.get());
                    current.get().close();
                    reader.nextFile();
                }
                current = next;
                any = true;
            }
            return any;
        }

        /** The file that comes after the current one, if it has been rotated away. */
        private Optional<LogFile> next() throws IOException {
            Optional<LogFile> newest = LogFile.open(files, root, path);
            if (newest.isEmpty() || current.isEmpty()) {
                return newest;
            }
            if (newest.get().isSame(current.get())) {
                newest.get().close();
                return Optional.empty();
            }
            // More than one rotation may have happened: the one after ours is next.
            List<Path> rotated = rotated();
            boolean found = false;
            for (Path candidate : rotated) {
                Optional<LogFile> file = LogFile.open(files, root, candidate);
                if (file.isPresent() && found) {
                    newest.get().close();
                    return file;
                }
                if (file.isPresent()) {
                    found = file.get().isSame(current.get());
                    file.get().close();
                }
            }
            return newest;
        }

        /** {@code 0.log.20260102-150405} and so on, oldest first; compressed ones are older than anything that is followed. */
        private List<Path> rotated() throws IOException {
            List<Path> rotated = new ArrayList<>();
            String prefix = path.getFileName() + ".";
            try (DirectoryStream<Path> siblings = Files.newDirectoryStream(Objects.requireNonNull(path.getParent()))) {
                for (Path sibling : siblings) {
                    String name = String.valueOf(sibling.getFileName());
                    if (name.startsWith(prefix) && !name.endsWith(".gz") && !name.endsWith(".tmp")) {
                        rotated.add(sibling);
                    }
                }
            } catch (NoSuchFileException | NotDirectoryException e) {
                return List.of();
            }
            Collections.sort(rotated);
            return rotated;
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
            current.ifPresent(LogFile::close);
        }
    }
}
