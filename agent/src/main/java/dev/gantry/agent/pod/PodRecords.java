package dev.gantry.agent.pod;

import dev.gantry.linux.Linux;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the next agent must know of pods and cannot read from manifests or the runtime: pods made through the API, pods
 * on their way out, pods that ended for good, pods of files whose manifest may have gone by then, and what pods have that
 * wait for a resize. Files in the pod's directory, written atomically.
 */
final class PodRecords {
    private static final Logger log = LoggerFactory.getLogger(PodRecords.class);
    private static final String FILE = "pod.json";
    private static final String OF_FILE = "file-pod.json";
    private static final String ALLOCATED = "allocated-pod.json";
    private static final String REPORTED = "reported-conditions.json";

    private static final String OBJECTS = "objects.yaml";
    private static final int OWNER_ONLY = 0600;
    private static final int EVERYBODY_READS = 0644;

    private final Path pods;

    PodRecords(Path pods) {
        this.pods = pods;
    }

    /** All readable records. One that is not readable is left where it is and reported. */
    List<Pod> load() {
        List<Pod> result = new ArrayList<>();
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(pods)) {
            for (Path directory : directories) {
                Path file = directory.resolve(FILE);
                if (Files.exists(file)) {
                    load(file, result);
                }
            }
        } catch (NoSuchFileException e) {
            // The first start.
        } catch (IOException e) {
            log.atError().addKeyValue("path", pods).setCause(e).log("Could not list pod records, going on without");
        }
        return result;
    }

    /** A pod of a file as it ran last, with what no manifest says; empty if no agent has recorded it. */
    Optional<Pod> ofFile(String uid) {
        return load(uid, OF_FILE);
    }

    /** Keeps a pod of a file as it runs: the next agent may come when its manifest has gone, and has to end it well. */
    void saveOfFile(Pod pod, BooleanSupplier stillWanted) {
        save(pod, OF_FILE, stillWanted);
    }

    /** A pod with the CPU and memory that it has, where that is not what is wanted of it; empty where it is. */
    Optional<Pod> allocated(String uid) {
        return load(uid, ALLOCATED);
    }

    /** Keeps what a pod has of CPU and memory while it waits for room for more. */
    void saveAllocated(Pod pod, BooleanSupplier stillWanted) {
        save(pod, ALLOCATED, stillWanted);
    }

    /** The pod has what is wanted of it. */
    void removeAllocated(String uid) {
        try {
            Files.deleteIfExists(pods.resolve(uid).resolve(ALLOCATED));
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("podUid", uid)
                    .setCause(e)
                    .log("Could not remove the record of what a pod has, the next agent will resize it once more");
        }
    }

    /** The objects that a pod brought along; none if there are none, or they cannot be read. */
    List<HasMetadata> objects(String uid) {
        Path file = pods.resolve(uid).resolve(OBJECTS);
        try {
            DecodedManifest decoded = ManifestDecoder.decode(file.toString(), Files.readAllBytes(file));
            if (!decoded.errors().isEmpty()) {
                log.atError()
                        .addKeyValue("path", file)
                        .addKeyValue("err", decoded.errors())
                        .log("Could not use objects of pod, ignoring");
            }
            return decoded.objects().stream()
                    .map(DecodedManifest.DecodedObject::object)
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            log.atError().addKeyValue("path", file).setCause(e).log("Could not read objects of pod, ignoring");
            return List.of();
        }
    }

    /** Keeps the objects that a pod brought along, which may be secret, beside its record. */
    void saveObjects(String uid, Collection<HasMetadata> objects) {
        Path directory = pods.resolve(uid);
        StringBuilder text = new StringBuilder("# Came with the pod.\n");
        objects.forEach(
                object -> text.append("---\n").append(ModelJson.write(object)).append('\n'));
        try {
            Files.createDirectories(directory);
            replace(directory.resolve(OBJECTS), text.toString(), OWNER_ONLY);
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("path", directory)
                    .setCause(e)
                    .log("Could not keep objects of pod, the next agent will not find them");
        }
    }

    /** Whether a pod's directory has a record that nobody understands: then nothing in it is deleted. */
    static boolean isUnreadable(Path directory) {
        Path file = directory.resolve(FILE);
        try {
            return Files.exists(file)
                    && !ManifestDecoder.decodeRecord(file.toString(), Files.readAllBytes(file))
                            .errors()
                            .isEmpty();
        } catch (IOException e) {
            return true;
        }
    }

    /** The conditions that others had reported of a pod. */
    List<PodCondition> reported(String uid) {
        return load(uid, REPORTED)
                .map(Pod::getStatus)
                .map(PodStatus::getConditions)
                .orElse(List.of());
    }

    /** Keeps the conditions that others have reported of a pod, for the next agent. */
    void saveReported(Pod pod, List<PodCondition> conditions, BooleanSupplier stillWanted) {
        PodStatus status = new PodStatus();
        status.setConditions(conditions);
        save(new Pod("v1", "Pod", pod.getMetadata(), pod.getSpec(), status), REPORTED, stillWanted);
    }

    private Optional<Pod> load(String uid, String name) {
        Path file = pods.resolve(uid).resolve(name);
        List<Pod> found = new ArrayList<>();
        if (Files.exists(file)) {
            load(file, found);
        }
        return found.stream().findFirst();
    }

    private static void load(Path file, List<Pod> result) {
        try {
            DecodedManifest decoded = ManifestDecoder.decodeRecord(file.toString(), Files.readAllBytes(file));
            decoded.pods().forEach(pod -> result.add(pod.pod()));
            if (!decoded.errors().isEmpty()) {
                log.atError()
                        .addKeyValue("path", file)
                        .addKeyValue("err", decoded.errors())
                        .log("Could not use pod record, ignoring");
            }
        } catch (IOException e) {
            log.atError().addKeyValue("path", file).setCause(e).log("Could not read pod record, ignoring");
        }
    }

    /**
     * Writes the record.
     *
     * @param stillWanted whether the pod is still there; one that ends meanwhile takes its directory along
     */
    void save(Pod pod, BooleanSupplier stillWanted) {
        save(pod, FILE, stillWanted);
    }

    private void save(Pod pod, String name, BooleanSupplier stillWanted) {
        if (!stillWanted.getAsBoolean()) {
            return;
        }
        Path directory = pods.resolve(pod.getMetadata().getUid());
        try {
            Files.createDirectories(directory);
            replace(directory.resolve(name), ModelJson.write(pod), EVERYBODY_READS);
        } catch (IOException e) {
            if (!stillWanted.getAsBoolean()) {
                return;
            }
            log.atError()
                    .addKeyValue("pod", PodKey.of(pod))
                    .addKeyValue("path", directory)
                    .setCause(e)
                    .log("Could not record pod, it will not outlive this agent");
        }
    }

    private static void replace(Path file, String text, int mode) throws IOException {
        Linux.system().files().replaceFile(file.toString(), text, mode, false);
    }
}
