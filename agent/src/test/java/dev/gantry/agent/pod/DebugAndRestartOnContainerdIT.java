package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;

/** The same on containerd. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "containerd", "runc", "iptables", "/usr/lib/cni/bridge", "unshare", "nsenter"})
class DebugAndRestartOnContainerdIT extends DebugAndRestartIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::containerd;
    }
}
