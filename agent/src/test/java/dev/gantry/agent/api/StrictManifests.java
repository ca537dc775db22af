package dev.gantry.agent.api;

import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.stream.Collectors;

/** The agent's own strict decoder. */
final class StrictManifests implements Backend.Manifests {
    @Override
    public Backend.Content decode(String source, byte[] bytes) throws ManifestException {
        DecodedManifest manifest = ManifestDecoder.decode(source, bytes);
        return new Backend.Content(
                pods(manifest),
                manifest.objects().stream()
                        .map(DecodedManifest.DecodedObject::object)
                        .toList());
    }

    @Override
    public List<Pod> decodePresent(byte[] bytes) throws ManifestException {
        return pods(ManifestDecoder.decodePresent("request", bytes));
    }

    private static List<Pod> pods(DecodedManifest manifest) throws ManifestException {
        if (!manifest.errors().isEmpty()) {
            throw new ManifestException(
                    manifest.errors().stream().map(Object::toString).collect(Collectors.joining("\n")));
        }
        return manifest.pods().stream().map(DecodedManifest.DecodedPod::pod).toList();
    }
}
