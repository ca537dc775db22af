package dev.gantry.agent.resource;

import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;

/** Pods for tables, written as YAML. */
final class Specs {
    private Specs() {}

    /** A pod of this spec, with the API's defaults. */
    static Pod pod(String spec) {
        String text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: " + spec;
        DecodedManifest manifest = ManifestDecoder.decode("pod.yaml", text.getBytes(StandardCharsets.UTF_8));
        if (!manifest.errors().isEmpty()) {
            throw new IllegalArgumentException(manifest.errors().toString());
        }
        return manifest.pods().get(0).pod();
    }

    /** A pod of one container {@code a}. */
    static Pod pod(String requests, String limits) {
        return pod("{containers: [" + container("a", requests, limits) + "]}");
    }

    static String container(String name, String requests, String limits) {
        return "{name: %s, image: busybox, resources: {requests: %s, limits: %s}}".formatted(name, requests, limits);
    }

    static String sidecar(String name, String requests) {
        return "{name: %s, image: busybox, restartPolicy: Always, resources: {requests: %s}}".formatted(name, requests);
    }

    static Container container(Pod pod, String name) {
        return Stream.concat(
                        PodAmounts.containers(pod.getSpec()).stream(),
                        PodAmounts.initContainers(pod.getSpec()).stream())
                .filter(container -> container.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
