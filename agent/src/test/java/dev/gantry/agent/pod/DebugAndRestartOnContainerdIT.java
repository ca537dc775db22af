package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresContainerd;

/** The same on containerd. */
@RequiresContainerd
class DebugAndRestartOnContainerdIT extends DebugAndRestartIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::containerd;
    }
}
