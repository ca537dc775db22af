package dev.gantry.agent.check;

import dev.gantry.agent.config.NodePaths;
import java.util.List;

public final class MachineCheck {
    public static MachineCheck ofThisMachine(NodePaths paths) {
        return new MachineCheck();
    }

    public List<Finding> run() {
        return List.of();
    }
}
