package dev.gantry.agent.pod;

import dev.gantry.agent.volume.ConfigData;
import dev.gantry.agent.volume.ConfigObjects;
import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.images.Credentials;
import dev.gantry.images.ImageReference;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.registry.DockerConfig;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whose names and passwords a pod's imagePullSecrets hold for one image.
 *
 * @param credentials to be tried in this order; empty if there are none for it
 * @param missing names of secrets that are not there or hold no credentials
 */
record PullSecrets(List<AuthConfig> credentials, List<String> missing) {
    private static final Map<String, String> KEYS = Map.of(
            "kubernetes.io/dockerconfigjson", ".dockerconfigjson",
            "kubernetes.io/dockercfg", ".dockercfg");

    PullSecrets {
        credentials = List.copyOf(credentials);
        missing = List.copyOf(missing);
    }

    static PullSecrets of(Pod pod, String image, ConfigObjects objects) {
        List<AuthConfig> credentials = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        List<LocalObjectReference> references = pod.getSpec().getImagePullSecrets();
        for (LocalObjectReference reference : references == null ? List.<LocalObjectReference>of() : references) {
            String name = reference.getName() == null ? "" : reference.getName();
            Optional<DockerConfig> config =
                    objects.secret(pod.getMetadata().getNamespace(), name).flatMap(PullSecrets::config);
            if (config.isEmpty()) {
                missing.add(name);
            } else {
                matches(config.get(), image).forEach(found -> credentials.add(auth(found)));
            }
        }
        return new PullSecrets(credentials, missing);
    }

    /** The kubelet's words; empty if no secret is missing. */
    Optional<String> warning() {
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed."
                                .formatted(String.join(", ", missing)));
    }

    private static Optional<DockerConfig> config(Secret secret) {
        String key = KEYS.get(secret.getType() == null ? "" : secret.getType());
        byte[] content = key == null ? null : ConfigData.of(secret).get(key);
        if (content == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    DockerConfig.parse(content, "secret " + secret.getMetadata().getName()));
        } catch (JsonFormatException e) {
            return Optional.empty();
        }
    }

    private static List<Credentials> matches(DockerConfig config, String image) {
        try {
            return config.matches(ImageReference.parse(image));
        } catch (IllegalArgumentException e) {
            // The pull itself will say what is wrong with the name.
            return List.of();
        }
    }

    private static AuthConfig auth(Credentials credentials) {
        AuthConfig.Builder auth = AuthConfig.newBuilder();
        switch (credentials.kind()) {
            case PASSWORD -> auth.setUsername(credentials.username()).setPassword(credentials.secret());
            case IDENTITY_TOKEN -> auth.setIdentityToken(credentials.secret());
            case REGISTRY_TOKEN -> auth.setRegistryToken(credentials.secret());
            case ANONYMOUS -> {
                // Nothing to say.
            }
        }
        return auth.build();
    }
}
