package dev.gantry.agent.probe;

import dev.gantry.linux.Linux;
import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeVerdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Verdicts on disk, one small file per run of a container, so that a ready pod stays ready when the agent restarts. A file
 * that is missing or unreadable only means that the container is probed as if it had just started.
 */
public final class ProbeRecords {
    private static final int MAX_LINES = 16;

    private final Function<String, Path> podDirectory;

    /** @param podDirectory of a pod's uid; the records lie in {@code probes/} below and go with it */
    public ProbeRecords(Function<String, Path> podDirectory) {
        this.podDirectory = podDirectory;
    }

    private Path file(String uid, String containerId) {
        return podDirectory.apply(uid).resolve("probes").resolve(containerId);
    }

    Map<ProbeKind, ProbeVerdict> load(String uid, String containerId) {
        Map<ProbeKind, ProbeVerdict> verdicts = new EnumMap<>(ProbeKind.class);
        try {
            List<String> lines = Files.readAllLines(file(uid, containerId));
            for (String line : lines.subList(0, Math.min(lines.size(), MAX_LINES))) {
                int space = line.indexOf(' ');
                verdicts.put(
                        ProbeKind.valueOf(line.substring(0, Math.max(0, space))),
                        ProbeVerdict.valueOf(line.substring(space + 1)));
            }
            return verdicts;
        } catch (IOException | IllegalArgumentException e) {
            return Map.of();
        }
    }

    void save(String uid, String containerId, Map<ProbeKind, ProbeVerdict> verdicts) throws IOException {
        Path file = file(uid, containerId);
        Path directory = file.resolveSibling("");
        if (Files.notExists(podDirectory.apply(uid))) {
            // the pod has gone meanwhile
            return;
        }
        Files.createDirectories(directory);
        StringBuilder text = new StringBuilder();
        verdicts.forEach(
                (kind, verdict) -> text.append(kind).append(' ').append(verdict).append('\n'));
        Linux.system().files().replaceFile(file.toString(), text.toString(), 0644, false);
    }

    void remove(String uid, String containerId) throws IOException {
        Files.deleteIfExists(file(uid, containerId));
    }
}
