package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.RequiresCriO;
import org.junit.jupiter.api.Test;

/** The same on CRI-O. */
@RequiresCriO
class VolumesOnCriOIT extends VolumesIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::crio;
    }

    /** CRI has options of mounts since Kubernetes 1.36; older runtimes do not look at them. */
    @Test
    @Override
    void mountsHaveTheOptionsThatAreAskedFor() throws Exception {
        assertThat(ranThroughAMountWithoutExec()).isEqualTo("ran\nran\n");
    }

    /** A path in the image that is a directory came with CRI-O 1.33; before, all of the image is mounted instead. */
    @Test
    @Override
    void anImageIsAVolume() throws Exception {
        boolean hasPaths = node().minorVersion() >= 33;
        assertThat(
                        hasPaths
                                ? usersOfAnImageThatIsAVolume("etc", "/users/passwd")
                                : usersOfAnImageThatIsAVolume("etc/passwd", "/users"))
                .startsWith(hasPaths ? "root:x:0:0:root:/root:/bin/sh\n" : "head: /users: Input/output error")
                .contains("/tools/x: Read-only file system");
    }
}
