package dev.gantry.runtime;

import dev.gantry.cgroups.Missing;
import dev.gantry.cri.v1.RuntimeCondition;
import dev.gantry.cri.v1.RuntimeFeatures;
import dev.gantry.cri.v1.RuntimeHandler;
import dev.gantry.cri.v1.RuntimeHandlerFeatures;
import dev.gantry.cri.v1.RuntimeStatus;
import dev.gantry.cri.v1.StatusResponse;
import dev.gantry.cri.v1.VersionResponse;
import dev.gantry.linux.Fd;
import dev.gantry.netns.NetworkLimitation;
import dev.gantry.netns.NetworkStatus;
import dev.gantry.runtime.pause.Pause;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** What the runtime says of itself and, when asked for more, of its objects. */
final class RuntimeStatusView {
    static final String VERSION = "0.1.0";

    private final Machine machine;
    private final List<String> handlers;

    RuntimeStatusView(Machine machine, List<String> handlers) {
        this.machine = machine;
        this.handlers = handlers;
    }

    static VersionResponse version() {
        return VersionResponse.newBuilder()
                .setVersion("0.1.0") // of the kubelet's own scheme, which it has never raised
                .setRuntimeName("gantry")
                .setRuntimeVersion(VERSION)
                .setRuntimeApiVersion("v1")
                .build();
    }

    StatusResponse status(boolean verbose) {
        NetworkStatus network = machine.network().status();
        RuntimeCondition.Builder networkReady =
                RuntimeCondition.newBuilder().setType("NetworkReady").setStatus(network.ready());
        if (!network.ready()) {
            networkReady.setReason("NetworkPluginNotReady").setMessage(network.message());
        }
        StatusResponse.Builder response = StatusResponse.newBuilder()
                .setStatus(RuntimeStatus.newBuilder()
                        .addConditions(RuntimeCondition.newBuilder()
                                .setType("RuntimeReady")
                                .setStatus(true))
                        .addConditions(networkReady))
                .setFeatures(RuntimeFeatures.newBuilder()
                        .setSupplementalGroupsPolicy(true)
                        .setMountOptions(true));
        RuntimeHandlerFeatures features = RuntimeHandlerFeatures.newBuilder()
                .setRecursiveReadOnlyMounts(true)
                .build();
        response.addRuntimeHandlers(RuntimeHandler.newBuilder().setFeatures(features));
        handlers.forEach(name -> response.addRuntimeHandlers(
                RuntimeHandler.newBuilder().setName(name).setFeatures(features)));
        if (verbose) {
            response.putInfo("limitations", Json.text(limitations(network)));
            response.putInfo("cgroups", Json.text(machine.cgroups().description()));
        }
        return response.build();
    }

    /** What this machine lacks, and what to do about it. */
    private List<String> limitations(NetworkStatus network) {
        List<String> all = new ArrayList<>();
        machine.cgroups().missing().stream().map(Missing::toString).forEach(all::add);
        network.limitations().stream().map(NetworkLimitation::toString).forEach(all::add);
        all.addAll(machine.images().problems());
        return all;
    }

    Map<String, String> info(Sandbox sandbox) {
        Map<String, Object> info = new LinkedHashMap<>();
        sandbox.pauseIfConnected().map(Pause::pid).ifPresent(pid -> info.put("pid", pid));
        info.put("cgroup", sandbox.cgroup().cgroup().path());
        info.put("directory", machine.run().sandbox(sandbox.id()).toString());
        return Map.of("info", Json.text(info));
    }

    Map<String, String> info(Container container) {
        Map<String, Object> info = new LinkedHashMap<>();
        container.pidfd().map(this::pid).ifPresent(pid -> pid.ifPresent(number -> info.put("pid", number)));
        info.put("sandboxID", container.sandboxId());
        info.put("cgroup", container.cgroup().path());
        info.put("environment", container.record().context().environment().size() + " variables");
        info.put(
                "capabilities",
                container.record().context().bounding().stream()
                        .map(Enum::name)
                        .sorted()
                        .toList());
        info.put("notices", container.record().notices());
        return Map.of("info", Json.text(info));
    }

    private OptionalInt pid(Fd process) {
        try {
            return machine.linux().processes().pidOfPidfd(process);
        } catch (java.io.IOException | IllegalStateException e) {
            // It ended meanwhile.
            return OptionalInt.empty();
        }
    }
}
