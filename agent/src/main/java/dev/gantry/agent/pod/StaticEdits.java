package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Static pods whose manifests were edited in a way that leaves them running. The uid of a static pod comes from its manifest's
 * content, so that an edited manifest names another pod; what is written here, beside the pod's other files, says which pod is
 * meant, to the next agent too.
 *
 * <p>Called under the lock of the {@link PodTable}; an edit is rare and its record one short line.
 */
final class StaticEdits {
    private static final Logger log = LoggerFactory.getLogger(StaticEdits.class);
    private static final String FILE = "manifest-uids";

    private final Path pods;
    /** By uid of the edited manifest: the uid of the pod that runs. */
    private final Map<String, String> known = new HashMap<>();

    StaticEdits(Path pods) {
        this.pods = pods;
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(pods)) {
            for (Path directory : directories) {
                load(directory);
            }
        } catch (NoSuchFileException e) {
            // The first start.
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("path", pods)
                    .setCause(e)
                    .log("Could not list edits of static pods, going on without");
        }
    }

    private void load(Path directory) {
        try {
            for (String uid : Files.readAllLines(directory.resolve(FILE))) {
                known.put(uid, String.valueOf(directory.getFileName()));
            }
        } catch (NoSuchFileException e) {
            // not edited
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("path", directory.resolve(FILE))
                    .setCause(e)
                    .log("Could not read edits of a static pod, it may be replaced");
        }
    }

    /** Gives a pod from a manifest the uid of the pod that it is an edit of, if it is one. */
    void resolve(Pod pod) {
        pod.getMetadata().setUid(running(pod.getMetadata().getUid()));
    }

    /** The uid of the pod that runs for a manifest's. */
    String running(String uid) {
        return known.getOrDefault(uid, uid);
    }

    /** Notes that a manifest is an edit of a pod that goes on, and gives it that pod's uid. */
    void add(Pod edited, String runningUid) {
        String uid = edited.getMetadata().getUid();
        known.put(uid, runningUid);
        edited.getMetadata().setUid(runningUid);
        Path file = pods.resolve(runningUid).resolve(FILE);
        try {
            Files.createDirectories(file.getParent());
            Files.write(
                    file,
                    (uid + "\n").getBytes(StandardCharsets.UTF_8),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND,
                    StandardOpenOption.SYNC);
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("path", file)
                    .setCause(e)
                    .log("Could not record the edit of a static pod, the next agent will replace the pod");
        }
    }

    /** The pod is gone, its files too. */
    void forget(String runningUid) {
        known.values().removeIf(runningUid::equals);
    }
}
