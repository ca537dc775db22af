package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.storage.StorageWatch;
import dev.gantry.linux.Linux;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container that really writes more than it may. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class EphemeralStorageIT {
    private static final String SPEC = """
            containers:
            - name: app
              image: %s
              command: [sleep, "1000"]
              resources: {limits: {ephemeral-storage: 1Mi}}
            """.formatted(RealNode.IMAGE);

    @TempDir
    Path directory;

    private RealNode node;

    @BeforeEach
    void open() throws Exception {
        node = new RealNode(directory, TestRuntime::gantry, NodePolicy.of("node-1"), PodDns.NONE);
    }

    @AfterEach
    void close() throws Exception {
        node.close();
    }

    private void writeAndLook(Pod pod) throws Exception {
        assertThat(node.shell(pod, "app", "dd if=/dev/zero of=/file bs=1M count=3 2>/dev/null; sync; ls /file"))
                .isEqualTo("/file\n");
        CriPodEngine engine = node.engine();
        new StorageWatch(
                        engine::limitedPods,
                        engine::writableBytes,
                        engine::evict,
                        Linux.system().files(),
                        Runnable::run)
                .look()
                .get(20, TimeUnit.SECONDS);
    }

    @Test
    void aContainerThatFillsItsRootFileSystemIsEvicted() throws Exception {
        node.create(SPEC);
        writeAndLook(node.awaitRunning("app"));

        Pod ended = node.await(pod -> "Failed".equals(pod.getStatus().getPhase()));

        String message = "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ";
        assertThat(ended.getStatus().getReason()).isEqualTo("Evicted");
        assertThat(ended.getStatus().getMessage()).isEqualTo(message);
        assertThat(node.events()).contains("Evicted: " + message);
    }

    @Test
    void aStaticPodIsNot() throws Exception {
        Pod pod = EngineFixture.pod("apiVersion: v1\nkind: Pod\nmetadata: {name: web, uid: u-1}\nspec:\n"
                + "  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n" + SPEC.indent(2));
        node.engine().apply(PodSource.FILE, List.of(pod));
        try {
            writeAndLook(node.awaitRunning("app"));

            assertThat(node.shell(node.awaitRunning("app"), "app", "echo there"))
                    .isEqualTo("there\n");
            assertThat(node.events()).noneMatch(event -> event.startsWith("Evicted"));
        } finally {
            node.engine().apply(PodSource.FILE, List.of());
            node.awaitNone();
        }
    }
}
