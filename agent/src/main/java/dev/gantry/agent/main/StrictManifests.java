package dev.gantry.agent.main;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.api.ManifestException;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.stream.Collectors;

/** Reads what clients send as strictly as the files of the manifest directory. */
final class StrictManifests implements Backend.Manifests {
    @Override
    public List<Pod> decode(String source, byte[] bytes) throws ManifestException {
        return pods(source, ManifestDecoder.decode(source, bytes));
    }

    @Override
    public List<Pod> decodePresent(byte[] bytes) throws ManifestException {
        return pods("request", ManifestDecoder.decodePresent("request", bytes));
    }

    private static List<Pod> pods(String source, DecodedManifest manifest) throws ManifestException {
        if (!manifest.errors().isEmpty()) {
            throw new ManifestException(
                    manifest.errors().stream().map(Object::toString).collect(Collectors.joining("\n")));
        }
        if (!manifest.objects().isEmpty()) {
            DecodedManifest.DecodedObject object = manifest.objects().get(0);
            throw new ManifestException(
                    "%s:%s: kind: only pods can be sent here, not %s; put it beside the static pods' manifests"
                            .formatted(source, object.position(), object.name()));
        }
        return manifest.pods().stream().map(DecodedManifest.DecodedPod::pod).toList();
    }
}
