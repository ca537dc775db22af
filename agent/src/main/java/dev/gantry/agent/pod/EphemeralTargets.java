package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.NamespaceMode;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Optional;

/** {@code targetContainerName}: an ephemeral container sees the processes of another one. */
final class EphemeralTargets {
    private EphemeralTargets() {}

    /** The configuration with the run that is meant, if any is. */
    static ContainerConfig resolve(Pod pod, Container container, ObservedPod observed, ContainerConfig config)
            throws StartFailedException {
        Optional<String> target = PodContainers.target(pod, container.getName());
        if (target.isEmpty()) {
            return config;
        }
        ObservedContainer run = observed.latest(target.get())
                .filter(ObservedContainer::isRunning)
                .orElseThrow(() -> StartFailedException.config(
                        "unable to find target container \"" + target.get() + "\": it does not run"));
        ContainerConfig.Builder changed = config.toBuilder();
        changed.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.TARGET)
                .setTargetId(run.id());
        return changed.build();
    }
}
