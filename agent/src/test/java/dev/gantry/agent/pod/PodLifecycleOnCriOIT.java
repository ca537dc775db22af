package dev.gantry.agent.pod;

import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;

/** The same on CRI-O. */
@RequiresRoot
@RequiresTool({
    "busybox",
    "ip",
    "crio",
    "conmon",
    "pinns",
    "skopeo",
    "runc",
    "iptables",
    "/usr/lib/cni/bridge",
    "unshare",
    "nsenter"
})
class PodLifecycleOnCriOIT extends PodLifecycleIT {
    @Override
    TestRuntime.Factory runtimes() {
        return TestRuntime::crio;
    }
}
