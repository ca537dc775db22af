package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.cri.v1.AuthConfig;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PullSecretsTest {
    private final List<HasMetadata> secrets = new ArrayList<>();
    private final ManifestObjects objects = new ManifestObjects();

    private void secret(String name, String type, String key, String content) {
        secrets.add(new SecretBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName(name)
                .endMetadata()
                .withType(type)
                .addToData(key, Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8)))
                .build());
        objects.replace(secrets);
    }

    private static Pod pod(String secrets) {
        return EngineFixture.pod("# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers:"
                + " [{name: main, image: registry.test/team/app, imagePullPolicy: IfNotPresent}], imagePullSecrets: ["
                + secrets + "]}}");
    }

    @Test
    void credentialsForTheImageAreTriedInOrder() {
        secret("a", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", """
                {"auths": {"registry.test": {"username": "any", "password": "1"},
                           "registry.test/team": {"auth": "dGVhbToy"},
                           "other.test": {"username": "x", "password": "y"}}}
                """);
        secret("b", "kubernetes.io/dockercfg", ".dockercfg", """
                {"https://registry.test/v1/": {"identitytoken": "3"}}
                """);

        PullSecrets found = PullSecrets.of(pod("{name: a}, {name: b}"), "registry.test/team/app:1", objects);

        assertThat(found.credentials())
                .containsExactly(
                        AuthConfig.newBuilder()
                                .setUsername("team")
                                .setPassword("2")
                                .build(),
                        AuthConfig.newBuilder()
                                .setUsername("any")
                                .setPassword("1")
                                .build(),
                        AuthConfig.newBuilder().setIdentityToken("3").build());
        assertThat(found.warning()).isEmpty();
    }

    @Test
    void whatIsNotThereOrHoldsNoneIsNamed() {
        secret("opaque", "Opaque", "password", "x");
        secret("broken", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", "{");

        PullSecrets found = PullSecrets.of(
                pod("{name: none}, {name: opaque}, {name: broken}"), "registry.test/team/app:1", objects);

        assertThat(found.credentials()).isEmpty();
        assertThat(found.warning())
                .contains("Unable to retrieve some image pull secrets (none, opaque, broken); attempting to pull the"
                        + " image may not succeed.");
    }

    @Test
    void aPullWithoutItsSecretIsAnEventAndATry(@TempDir Path directory) {
        EngineFixture fixture = new EngineFixture(directory);

        fixture.create(pod("{name: none}"));

        assertThat(fixture.engine.events())
                .anyMatch(event -> event.getReason().equals("FailedToRetrieveImagePullSecret")
                        && event.getMessage().startsWith("Unable to retrieve some image pull secrets (none);"));
    }
}
