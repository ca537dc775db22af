package dev.gantry.e2e;

import dev.gantry.testing.CriO;
import dev.gantry.testing.PeerRuntime;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;

/** The same on CRI-O as it comes, without events. */
@RequiresRoot
@RequiresTool({
    "crio",
    "conmon",
    "pinns",
    "skopeo",
    "runc",
    "ip",
    "iptables",
    "/usr/lib/cni/bridge",
    "unshare",
    "nsenter",
    "script",
    "busybox"
})
class AgentOnCriOIT extends AgentOnContainerdIT {
    @Override
    PeerRuntime start(PeerRuntime.Network network) throws Exception {
        return CriO.start(directory, network, PAUSE);
    }

    @Override
    String scheme() {
        return "cri-o://";
    }

    @Override
    String version() {
        return "1.";
    }

    /** Its conmon has kept it. */
    @Override
    int codeOfAnUnseenEnd() {
        return 5;
    }

    @Override
    boolean looksAtStopSignals() {
        return false;
    }
}
