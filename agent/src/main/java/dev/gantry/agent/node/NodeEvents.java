package dev.gantry.agent.node;

import dev.gantry.agent.event.NodeEventSink;
import dev.gantry.linux.Linux;
import io.fabric8.kubernetes.api.model.NodeCondition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What happens to the node, as events in the kubelet's words. */
public final class NodeEvents {
    private static final Logger LOG = LoggerFactory.getLogger(NodeEvents.class);

    private final String nodeName;
    private final NodeEventSink events;

    public NodeEvents(String nodeName, NodeEventSink events) {
        this.nodeName = nodeName;
        this.events = events;
    }

    /**
     * The agent starts.
     *
     * @param bootId the kernel's; empty if it is not known
     * @param lastBoot file with the boot id that the last agent found; written where it differs
     */
    public void started(String bootId, Path lastBoot) {
        events.record(false, "Starting", "Starting kubelet.");
        if (bootId.isEmpty()) {
            return;
        }
        try {
            Optional<String> before = read(lastBoot);
            if (before.isPresent() && before.get().equals(bootId)) {
                return;
            }
            if (before.isPresent()) {
                events.record(true, "Rebooted", "Node " + nodeName + " has been rebooted, boot id: " + bootId);
            }
            Linux.system().files().replaceFile(lastBoot.toString(), bootId + "\n", 0644, false);
        } catch (IOException e) {
            LOG.atWarn()
                    .addKeyValue("file", lastBoot)
                    .setCause(e)
                    .log("Could not keep the machine's boot id, events may miss a reboot or tell of one twice");
        }
    }

    private static Optional<String> read(Path file) throws IOException {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Records what has changed from one look at the node to the next. */
    public void changed(List<NodeCondition> before, List<NodeCondition> now) {
        for (String reason : reasons(before, now)) {
            events.record(false, reason, "Node " + nodeName + " status is now: " + reason);
        }
    }

    /**
     * Of the conditions that are not what they were, the events' reasons, in the conditions' order. What has not been looked at before counts as
     * changed; only that a node is not ready yet is no news. Pure.
     */
    static List<String> reasons(List<NodeCondition> before, List<NodeCondition> now) {
        List<String> reasons = new ArrayList<>();
        for (NodeCondition condition : now) {
            Optional<String> was = before.stream()
                    .filter(one -> one.getType().equals(condition.getType()))
                    .map(NodeCondition::getStatus)
                    .findFirst();
            if (was.isEmpty() || !was.get().equals(condition.getStatus())) {
                reason(condition.getType(), condition.getStatus().equals("True"), was.isPresent())
                        .ifPresent(reasons::add);
            }
        }
        return reasons;
    }

    private static Optional<String> reason(String condition, boolean is, boolean known) {
        return switch (condition) {
            case "MemoryPressure" -> Optional.of(is ? "NodeHasInsufficientMemory" : "NodeHasSufficientMemory");
            case "DiskPressure" -> Optional.of(is ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure");
            case "PIDPressure" -> Optional.of(is ? "NodeHasInsufficientPID" : "NodeHasSufficientPID");
            case "Ready" ->
                is ? Optional.of("NodeReady") : Optional.of("NodeNotReady").filter(reason -> known);
            default -> Optional.empty();
        };
    }
}
