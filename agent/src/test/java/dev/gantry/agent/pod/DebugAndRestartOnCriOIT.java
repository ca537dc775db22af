package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresCriO;

/** The same on CRI-O. */
@RequiresCriO
class DebugAndRestartOnCriOIT extends DebugAndRestartIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::crio;
    }
}
