package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.ContainerdProgram;
import dev.gantry.testing.RequiresContainerd;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.VolumeMountStatus;
import org.junit.jupiter.api.Test;

/** The same on containerd. */
@RequiresContainerd
class VolumesOnContainerdIT extends VolumesIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::containerd;
    }

    /** CRI has options of mounts since Kubernetes 1.36; older runtimes do not look at them. */
    @Test
    @Override
    void mountsHaveTheOptionsThatAreAskedFor() throws Exception {
        assertThat(ranThroughAMountWithoutExec()).isEqualTo("ran\nran\n");
    }

    /**
     * Volumes of images came with containerd 2.1, which mounts all of the image whatever the path in it; since 2.2 it mounts directories
     * of it. Before, it takes the mount for one without a source.
     */
    @Test
    @Override
    void anImageIsAVolume() throws Exception {
        ContainerdProgram program = ContainerdProgram.ofThisMachine();
        if (program.isAtLeast(2, 1)) {
            String file = program.isAtLeast(2, 2) ? "/users/passwd" : "/users/etc/passwd";
            assertThat(usersOfAnImageThatIsAVolume("etc", file))
                    .startsWith("root:x:0:0:root:/root:/bin/sh\n")
                    .contains("Read-only file system");
            return;
        }
        node().create("""
                volumes: [{name: tools, image: {reference: %1$s, pullPolicy: IfNotPresent}}]
                containers:
                - {name: main, image: %1$s, volumeMounts: [{name: tools, mountPath: /tools}]}
                """.formatted(RealNode.IMAGE));

        node().await(pod -> node().events().stream().anyMatch(event -> event.contains("failed to generate spec")));
    }

    /** Since 2.0 it tells whether its runc can do it; before, a pod that asks for it is refused. */
    @Test
    void mountsAreReadOnlyAllTheWayDown() throws Exception {
        node().create("""
                volumes: [{name: data, emptyDir: {}}]
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts: [{name: data, mountPath: /data, readOnly: true, recursiveReadOnly: Enabled}]
                """.formatted(RealNode.IMAGE));

        if (ContainerdProgram.ofThisMachine().isAtLeast(2, 0)) {
            Pod pod = node().awaitRunning("main");
            assertThat(node().shell(pod, "main", "touch /data/x")).contains("Read-only file system");
            assertThat(RealNode.status(pod, "main").getVolumeMounts())
                    .extracting(VolumeMountStatus::getRecursiveReadOnly)
                    .contains("Enabled");
        } else {
            node().await(pod -> node().events().stream()
                    .anyMatch(event -> event.contains("volume \"data\" requested recursive read-only mode")));
        }
    }
}
