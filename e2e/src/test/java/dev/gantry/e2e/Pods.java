package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.packaging.DemoImage;
import java.io.IOException;

/** Pods that are made through the local API. */
final class Pods {
    private Pods() {}

    /** Makes a pod of one container {@code main} that runs a script. */
    static void create(AgentProcess agent, String name, String restartPolicy, int graceSeconds, String script)
            throws IOException {
        LocalApi.Answer answer = agent.api().send("POST", "/api/v1/namespaces/default/pods", """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "default"},
                 "spec": {"restartPolicy": "%s", "terminationGracePeriodSeconds": %d, "containers": [
                   {"name": "main", "image": "%s", "command": ["/bin/sh", "-c", "%s"]}]}}
                """.formatted(
                        name, restartPolicy, graceSeconds, DemoImage.NAME, script));
        assertThat(answer.status()).as("create %s: %s", name, answer.body()).isEqualTo(201);
    }

    /** Asks for the deletion of a pod. */
    static void delete(AgentProcess agent, String name) throws IOException {
        LocalApi.Answer answer = agent.api().send("DELETE", "/api/v1/namespaces/default/pods/" + name, "");
        assertThat(answer.status()).as("delete %s: %s", name, answer.body()).isIn(200, 202, 404);
    }
}
