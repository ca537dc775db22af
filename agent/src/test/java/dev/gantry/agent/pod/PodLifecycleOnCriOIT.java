package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresCriO;

/** The same on CRI-O. */
@RequiresCriO
class PodLifecycleOnCriOIT extends PodLifecycleIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::crio;
    }
}
