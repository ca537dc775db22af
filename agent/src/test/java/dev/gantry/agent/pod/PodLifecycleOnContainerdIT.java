package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresContainerd;

/** The same on containerd. */
@RequiresContainerd
class PodLifecycleOnContainerdIT extends PodLifecycleIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::containerd;
    }
}
