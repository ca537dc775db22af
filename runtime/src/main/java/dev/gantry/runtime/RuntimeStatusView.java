package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
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
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/** What the runtime says of itself and, when asked for more, of its objects. */
final class RuntimeStatusView {
    static final String VERSION = "0.1.0";

    /** From the OCI specification's words to the files below {@code /proc/PID/ns}. */
    private static final Map<String, String> NAMESPACES = new TreeMap<>(Map.of(
            "network", "net", "ipc", "ipc", "uts", "uts", "pid", "pid", "mount", "mnt", "user", "user", "cgroup",
            "cgroup"));

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
                .setUserNamespaces(machine.users().obstacle().isEmpty())
                .build();
        response.addRuntimeHandlers(RuntimeHandler.newBuilder().setFeatures(features));
        handlers.forEach(name -> response.addRuntimeHandlers(
                RuntimeHandler.newBuilder().setName(name).setFeatures(features)));
        if (verbose) {
            Map<String, Object> info = new LinkedHashMap<>();
            info.put("cgroups", machine.cgroups().description());
            info.put("limitations", limitations());
            // crictl unfolds what is an object.
            response.putInfo("machine", Json.text(info));
        }
        return response.build();
    }

    /** What this machine lacks, and what to do about it. */
    private List<String> limitations() {
        List<String> all = new ArrayList<>();
        machine.cgroups().missing().stream().map(Missing::toString).forEach(all::add);
        machine.network().limitations().stream()
                .map(NetworkLimitation::toString)
                .forEach(all::add);
        machine.users().obstacle().ifPresent(all::add);
        all.addAll(machine.images().problems());
        return all;
    }

    /** The names are containerd's, which scripts around crictl look for, as far as there is something to say. */
    Map<String, String> info(Sandbox sandbox) {
        Map<String, Object> info = new LinkedHashMap<>();
        Optional<Pause> pause = sandbox.pauseIfConnected();
        pause.ifPresent(running -> info.put("pid", running.pid()));
        info.put("processStatus", pause.isPresent() ? "running" : "deleted");
        info.put("runtimeHandler", sandbox.record().handler());
        info.put("config", PlainMessages.map(sandbox.config()));
        info.put("cgroup", sandbox.cgroup().cgroup().path());
        info.put("directory", machine.run().sandbox(sandbox.id()).toString());
        pause.ifPresent(running ->
                info.put("runtimeSpec", spec(running.pid(), sandbox.cgroup().cgroup())));
        return Map.of("info", Json.text(info));
    }

    Map<String, String> info(Container container) {
        Map<String, Object> info = new LinkedHashMap<>();
        OptionalInt pid = container.pidfd().map(this::pid).orElse(OptionalInt.empty());
        pid.ifPresent(number -> info.put("pid", number));
        info.put("sandboxID", container.sandboxId());
        info.put("removing", container.record().removing());
        info.put("snapshotKey", container.id());
        info.put("snapshotter", "overlayfs");
        info.put("config", PlainMessages.map(container.config()));
        info.put("cgroup", container.cgroup().path());
        info.put(
                "capabilities",
                container.record().context().bounding().stream()
                        .map(Enum::name)
                        .sorted()
                        .toList());
        info.put("notices", container.record().notices());
        pid.ifPresent(number -> info.put("runtimeSpec", spec(number, container.cgroup())));
        return Map.of("info", Json.text(info));
    }

    /** Where a process is, in the words of the OCI runtime specification. */
    private static Map<String, Object> spec(int pid, Cgroup cgroup) {
        List<Map<String, String>> namespaces = new ArrayList<>();
        NAMESPACES.forEach(
                (type, file) -> namespaces.add(Map.of("type", type, "path", "/proc/%d/ns/%s".formatted(pid, file))));
        return Map.of("linux", Map.of("namespaces", namespaces, "cgroupsPath", cgroup.path()));
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
