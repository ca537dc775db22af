package dev.gantry.e2e;

import dev.gantry.testing.CriO;
import dev.gantry.testing.PeerRuntime;
import dev.gantry.testing.RequiresCriO;
import dev.gantry.testing.RequiresTool;

/** The same on CRI-O as it comes, without events. */
@RequiresCriO
@RequiresTool("script")
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
