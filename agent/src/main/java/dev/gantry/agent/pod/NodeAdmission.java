package dev.gantry.agent.pod;

import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.SecurityProfile.ProfileType;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Whether this node is one that the pod can run on, whatever else runs there. Reasons and words are the kubelet's. */
final class NodeAdmission {
    private NodeAdmission() {}

    /** The first objection; empty if there is none. */
    static Optional<Rejection> check(Pod pod, String nodeName, NodePolicy policy) {
        PodSpec spec = pod.getSpec();
        if (spec.getOs() != null && !"linux".equals(spec.getOs().getName())) {
            return rejected("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
        }
        Map<String, String> selector = spec.getNodeSelector() == null ? Map.of() : spec.getNodeSelector();
        String os = selector.get("kubernetes.io/os");
        if (os != null && !os.equals("linux")) {
            return rejected(
                    "PodOSSelectorNodeLabelDoesNotMatch",
                    "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label");
        }
        if (!NodeAffinity.matches(spec, nodeName, policy.labels())) {
            return rejected(
                    "NodeAffinity",
                    "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector; "
                            + whyNot(selector, policy.labels()));
        }
        return SysctlAdmission.check(pod, policy.allowedUnsafeSysctls()).or(() -> securityModules(pod, policy));
    }

    /** The label that is missing, or where to look if it is not the selector's. */
    private static String whyNot(Map<String, String> selector, Map<String, String> labels) {
        return selector.entrySet().stream()
                .filter(wanted -> !wanted.getValue().equals(labels.get(wanted.getKey())))
                .map(wanted -> labels.containsKey(wanted.getKey())
                        ? "the node has %s=%s, not %s; nodeLabels in its configuration sets it"
                                .formatted(wanted.getKey(), labels.get(wanted.getKey()), wanted.getValue())
                        : "the node has no label %s; nodeLabels in its configuration sets it"
                                .formatted(wanted.getKey()))
                .findFirst()
                .orElse("its labels, which nodeLabels in its configuration adds to, are " + new TreeMap<>(labels));
    }

    private static Optional<Rejection> securityModules(Pod pod, NodePolicy policy) {
        boolean seLinux = SecurityContexts.ofPod(pod).getSeLinuxOptions() != null;
        boolean appArmor = false;
        for (Container container : PodContainers.all(pod)) {
            seLinux |= SecurityContexts.of(container).getSeLinuxOptions() != null;
            appArmor |= SecurityContexts.appArmor(pod, container)
                    .map(SecurityProfile::getProfileType)
                    .filter(type -> type != ProfileType.Unconfined)
                    .isPresent();
        }
        if (appArmor && !policy.appArmor()) {
            return rejected(
                    "AppArmor",
                    "Cannot enforce AppArmor: AppArmor is not enabled on the host; remove appArmorProfile, or set its type"
                            + " to Unconfined, to run the pod without a profile");
        }
        if (seLinux && !policy.seLinux()) {
            return rejected(
                    "SELinux",
                    "Cannot enforce SELinux: SELinux is not enabled on the host; remove seLinuxOptions to run the pod"
                            + " without labels");
        }
        return Optional.empty();
    }

    private static Optional<Rejection> rejected(String reason, String message) {
        return Optional.of(new Rejection(reason, message));
    }
}
