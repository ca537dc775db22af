package dev.gantry.agent.main;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.api.ManifestException;
import dev.gantry.agent.pod.PodSupport;
import dev.gantry.agent.volume.ObjectReferences;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Reads what clients send as strictly as the files of the manifest directory. */
final class StrictManifests implements Backend.Manifests {
    /** What can come with a pod; storage outlives pods, so that its documents belong to the node. */
    private static final Set<String> KINDS = Set.of("ConfigMap", "Secret");

    @Override
    public Backend.Content decode(String source, byte[] bytes) throws ManifestException {
        DecodedManifest manifest = ManifestDecoder.decode(source, bytes, PodSupport::unsupported);
        List<Pod> pods = pods(manifest);
        for (DecodedManifest.DecodedObject object : manifest.objects()) {
            if (!KINDS.contains(object.object().getKind())) {
                throw refused(source, object, "kind", "cannot be sent here; put it beside the static pods' manifests");
            }
            if (pods.stream().noneMatch(pod -> ObjectReferences.concerns(pod, object.object()))) {
                throw refused(source, object, "metadata.name", "is referred to by no pod of this file; remove it");
            }
        }
        return new Backend.Content(
                pods,
                manifest.objects().stream()
                        .map(DecodedManifest.DecodedObject::object)
                        .toList());
    }

    @Override
    public List<Pod> decodePresent(byte[] bytes) throws ManifestException {
        DecodedManifest manifest = ManifestDecoder.decodePresent("request", bytes);
        List<Pod> pods = pods(manifest);
        if (!manifest.objects().isEmpty()) {
            throw refused("request", manifest.objects().get(0), "kind", "is no pod; send the pod alone");
        }
        return pods;
    }

    private static List<Pod> pods(DecodedManifest manifest) throws ManifestException {
        if (!manifest.errors().isEmpty()) {
            throw new ManifestException(
                    manifest.errors().stream().map(Object::toString).collect(Collectors.joining("\n")));
        }
        return manifest.pods().stream().map(DecodedManifest.DecodedPod::pod).toList();
    }

    private static ManifestException refused(
            String source, DecodedManifest.DecodedObject object, String field, String why) {
        return new ManifestException(
                "%s:%s: %s: %s %s".formatted(source, object.position(), field, object.name(), why));
    }
}
