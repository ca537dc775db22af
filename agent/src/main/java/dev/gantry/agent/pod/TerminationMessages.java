package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What containers say at their end: a file of each run's own, mounted where the container expects it, or the end of its
 * log.
 */
final class TerminationMessages {
    /** As the kubelet bounds them. */
    static final int MAX_BYTES = 4096;

    static final int MAX_LOG_BYTES = 2048;
    static final int MAX_LOG_LINES = 80;

    /** A log line has a timestamp, stream and tag of some 45 characters before its content. */
    private static final int MAX_LINE_START = 64;

    /** Runtimes split longer lines. */
    private static final int MAX_LINE_CONTENT = 16 << 10;

    private static final int MAX_TAIL_BYTES = MAX_LINE_CONTENT + MAX_LOG_BYTES + (MAX_LOG_LINES + 1) * MAX_LINE_START;

    private static final int LOG_FIELDS = 4;

    private final PodPaths paths;

    TerminationMessages(PodPaths paths) {
        this.paths = paths;
    }

    /** Of all containers together: each has an equal share of it. */
    static final int MAX_POD_BYTES = 12 << 10;

    /** Cuts the messages in a status to what a pod may say, as the kubelet does. */
    static void share(PodStatus status) {
        List<ContainerStatus> all = Stream.of(
                        status.getInitContainerStatuses(),
                        status.getContainerStatuses(),
                        status.getEphemeralContainerStatuses())
                .filter(Objects::nonNull)
                .flatMap(List::stream)
                .toList();
        int each = MAX_POD_BYTES / Math.max(1, all.size());
        for (ContainerStatus container : all) {
            for (ContainerState state : List.of(container.getState(), container.getLastState())) {
                if (state.getTerminated() != null && state.getTerminated().getMessage() != null) {
                    state.getTerminated().setMessage(cut(state.getTerminated().getMessage(), each));
                }
            }
        }
    }

    private static String cut(String message, int bytes) {
        byte[] encoded = message.getBytes(StandardCharsets.UTF_8);
        int end = Math.min(bytes, encoded.length);
        // Not in the middle of a character.
        while (end > 0 && end < encoded.length && (encoded[end] & 0xc0) == 0x80) {
            end--;
        }
        return encoded.length <= bytes ? message : new String(encoded, 0, end, StandardCharsets.UTF_8);
    }

    /** Makes the file of a run, empty and writable by any user, and tells how it is mounted. */
    Mount prepare(PodReference pod, String container, int restartCount, String containerPath) throws IOException {
        Path file = file(pod, container, restartCount);
        Files.createDirectories(file.getParent());
        Files.deleteIfExists(file);
        Files.createFile(file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        return Mount.newBuilder()
                .setContainerPath(containerPath)
                .setHostPath(file.toString())
                .setSelinuxRelabel(true)
                .build();
    }

    void remove(PodReference pod, String container, int restartCount) {
        try {
            Files.deleteIfExists(file(pod, container, restartCount));
        } catch (IOException e) {
            // It goes with the pod's directory.
        }
    }

    /** The same, with the messages of runs that ended since {@code before}. */
    ObservedPod withMessages(PodReference pod, ObservedPod seen, ObservedPod before) {
        List<ObservedContainer> containers = seen.containers().stream()
                .map(container -> before.containers().contains(container) ? container : withMessage(pod, container))
                .toList();
        return new ObservedPod(seen.sandboxes(), containers);
    }

    private ObservedContainer withMessage(PodReference pod, ObservedContainer container) {
        if (!(container.run() instanceof ContainerRun.Exited exited)
                || !exited.message().isEmpty()) {
            return container;
        }
        String message = message(pod, container, exited);
        return message.isEmpty() ? container : container.withMessage(message);
    }

    private String message(PodReference pod, ObservedContainer container, ContainerRun.Exited exited) {
        String written = head(file(pod, container.name(), container.restartCount()));
        boolean fallback =
                "FallbackToLogsOnError".equals(container.annotations().get(Labels.TERMINATION_MESSAGE_POLICY));
        if (!written.isEmpty()
                || !fallback
                || exited.exitCode() == 0
                || exited.reason().equals("ContainerCannotRun")) {
            return written;
        }
        return container.logPath().isEmpty() ? "" : tail(Path.of(container.logPath()));
    }

    private static String head(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_BYTES), StandardCharsets.UTF_8);
        } catch (IOException e) {
            // A run of another agent's, or a container that has no such file.
            return "";
        }
    }

    /** The content of the last lines of a log in CRI's format; of one that is too long by itself the end. */
    private static String tail(Path log) {
        Deque<String> pieces = new ArrayDeque<>();
        int room = MAX_LOG_BYTES;
        List<Piece> all = end(log);
        for (int i = all.size() - 1; i >= 0 && pieces.size() < MAX_LOG_LINES; i--) {
            Piece piece = all.get(i);
            byte[] content = piece.content().getBytes(StandardCharsets.UTF_8);
            if (content.length > room && (pieces.isEmpty() || !piece.endsLine())) {
                pieces.addFirst(endOf(content, room));
            }
            if (content.length > room) {
                break;
            }
            room -= content.length;
            pieces.addFirst(piece.content());
        }
        return String.join("", pieces);
    }

    /** A line of the log, or a part of one, with the line break that it ends with. */
    private record Piece(String content, boolean endsLine) {}

    private static List<Piece> end(Path log) {
        List<Piece> pieces = new ArrayList<>();
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long start = Math.max(0, file.length() - MAX_TAIL_BYTES);
            file.seek(start);
            byte[] bytes = new byte[(int) (file.length() - start)];
            file.readFully(bytes);
            String[] lines = new String(bytes, StandardCharsets.UTF_8).split("\n", -1);
            for (int i = 0; i < lines.length; i++) {
                String[] fields = lines[i].split(" ", LOG_FIELDS);
                if (i == 0 && start > 0) {
                    // Its beginning is too far away to count.
                    pieces.add(new Piece(lines[i] + "\n", true));
                } else if (fields.length == LOG_FIELDS) {
                    boolean endsLine = !fields[2].equals("P");
                    pieces.add(new Piece(fields[LOG_FIELDS - 1] + (endsLine ? "\n" : ""), endsLine));
                }
            }
        } catch (IOException e) {
            // Rotated away or never written: there is nothing to fall back to.
        }
        return pieces;
    }

    private static String endOf(byte[] text, int bytes) {
        int start = text.length - bytes;
        // Not in the middle of a character.
        while (start < text.length && (text[start] & 0xc0) == 0x80) {
            start++;
        }
        return new String(text, start, text.length - start, StandardCharsets.UTF_8);
    }

    private Path file(PodReference pod, String container, int restartCount) {
        return paths.pod(pod.uid()).resolve("containers").resolve(container).resolve(restartCount + ".termination");
    }
}
