package dev.gantry.agent.api;

import dev.gantry.agent.cri.CriImages;
import dev.gantry.agent.pod.PodEngine;
import dev.gantry.images.ImageStore;
import dev.gantry.runtime.io.ContainerIo;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the API serves.
 *
 * @param engine the pods
 * @param images the image store; empty with a runtime elsewhere
 * @param io streams into containers; empty with a runtime elsewhere
 * @param runtimeImages those of a runtime elsewhere, where there is no store of ours
 * @param manifests decodes what clients send
 * @param explainer for {@code /gantry/v1/explain}
 * @param check for {@code /gantry/v1/check}: JSON
 * @param node this node as it is now
 * @param health what {@code /healthz} and {@code /readyz} say
 * @param metrics more lines for {@code /metrics}
 * @param podLogs no log outside this directory is ever read
 * @param uploads where archives lie while they are loaded
 */
public record Backend(
        PodEngine engine,
        Optional<ImageStore> images,
        CriImages runtimeImages,
        ContainerIo io,
        Manifests manifests,
        Explainer explainer,
        Check check,
        Supplier<Node> node,
        Health health,
        Metrics metrics,
        Path podLogs,
        Path uploads) {

    /** Strict decoding of manifests, YAML or JSON, one or several documents. */
    public interface Manifests {
        /**
         * What is in a manifest.
         *
         * @param source what to call it in messages
         * @throws ManifestException naming file, line and field
         */
        Content decode(String source, byte[] bytes) throws ManifestException;

        /**
         * Pods that exist and were changed: they may have ephemeral containers.
         *
         * @throws ManifestException naming line and field
         */
        List<Pod> decodePresent(byte[] bytes) throws ManifestException;
    }

    /**
     * What a manifest holds.
     *
     * @param objects ConfigMaps and Secrets that the pods refer to
     */
    public record Content(List<Pod> pods, List<HasMetadata> objects) {
        public Content {
            pods = List.copyOf(pods);
            objects = List.copyOf(objects);
        }
    }

    /** Renders syscall programs. */
    public interface Explainer {
        String explain(Content manifest) throws IOException;
    }

    /** Looks at the machine. */
    public interface Check {
        String json();
    }

    /** How the agent is. */
    public interface Health {
        /** What is wrong; empty if the agent is alive. */
        Optional<String> unhealthy();

        /** What is not ready yet; empty if it is. */
        Optional<String> unready();
    }

    /** Adds to {@code /metrics}. */
    public interface Metrics {
        /** Lines in Prometheus' text format. */
        void write(StringBuilder out);
    }
}
