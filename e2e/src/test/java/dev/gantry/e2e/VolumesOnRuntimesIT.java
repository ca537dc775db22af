package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gantry.packaging.DemoImage;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.PeerRuntime;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes are the agent's work: with another runtime they are the same. */
@RequiresRoot
class VolumesOnRuntimesIT {
    private static final String MANIFEST = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: app}
            data: {greeting: hello}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: app}
            stringData: {token: s3cret}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: app, namespace: default}
            spec:
              terminationGracePeriodSeconds: 0
              securityContext: {fsGroup: 4321}
              containers:
              - name: main
                image: %s
                imagePullPolicy: IfNotPresent
                command: [sleep, "1000000"]
                volumeMounts:
                - {name: config, mountPath: /config}
                - {name: config, mountPath: /one, subPath: greeting}
                - {name: secret, mountPath: /secret}
                - {name: memory, mountPath: /memory}
                - {name: disk, mountPath: /disk, subPath: made/here}
                - {name: host, mountPath: /host, readOnly: true}
              volumes:
              - {name: config, configMap: {name: app}}
              - {name: secret, secret: {secretName: app, defaultMode: 0400}}
              - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
              - {name: disk, emptyDir: {sizeLimit: 1Mi}}
              - {name: host, hostPath: {path: %s, type: DirectoryOrCreate}}
            """;

    @Test
    @RequiresTool("mkfs.ext4")
    void onTheBuiltInRuntime(@TempDir Path directory) throws Exception {
        try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            volumes(agent, directory);
        }
    }

    @Test
    @RequiresTool({"mkfs.ext4", "containerd", "ctr", "runc", "nsenter"})
    void onContainerd(@TempDir Path directory) throws Exception {
        try (Containerd containerd = Containerd.start(
                // Everything is below it, so that the daemon sees the volumes that the agent mounts.
                directory, new PeerRuntime.Network("gvolumes0", "10.215.0.0/16"), DemoImage.NAME)) {
            containerd.load(AgentProcess.launcher()
                    .resolve("../../share/images/gantry-demo-1.tar")
                    .normalize());
            try (AgentProcess agent = AgentProcess.on(containerd, directory.resolve("node"))) {
                volumes(agent, directory);
            }
        }
    }

    private static void volumes(AgentProcess agent, Path directory) throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/dev/loop-control")), "no loop devices here");
        String manifest = MANIFEST.formatted(DemoImage.NAME, directory.resolve("host"));
        agent.putManifest("app.yaml", manifest);
        Await.until(Duration.ofSeconds(30), "the pod", () -> !agent.api().pods().isEmpty(), agent::log);
        String pod = agent.api().pods().get(0).at("/metadata/name").asText();
        agent.awaitReady(pod);

        assertThat(in(agent, pod, "cat /config/greeting /one /secret/token; stat -L -c ' %a %g' /secret/token"))
                .isEqualTo("hellohellos3cret 440 4321\n");
        assertThat(in(agent, pod, "for f in /config /secret /host; do touch $f/x 2>&1; done"))
                .contains("/config/x: Read-only", "/secret/x: Read-only", "/host/x: Read-only");
        for (String limited : new String[] {"memory", "disk"}) {
            assertThat(in(agent, pod, "dd if=/dev/zero of=/" + limited + "/file bs=64k count=20 2>&1"))
                    .contains("No space left on device");
        }
        assertThat(in(agent, pod, "stat -c %g /disk/file /memory/file")).isEqualTo("4321\n4321\n");

        agent.putManifest("app.yaml", manifest.replace("hello", "good morning"));
        Await.until(
                Duration.ofSeconds(20),
                "the edit to be in the container",
                () -> in(agent, pod, "cat /config/greeting").equals("good morning"),
                agent::log);
        assertThat(in(agent, pod, "cat /one")).isEqualTo("hello");

        agent.removeManifest("app.yaml");
        agent.awaitGone(pod);
    }

    private static String in(AgentProcess agent, String pod, String script) throws IOException, InterruptedException {
        return agent.gantry("exec", pod, "--", "sh", "-c", script).output();
    }
}
