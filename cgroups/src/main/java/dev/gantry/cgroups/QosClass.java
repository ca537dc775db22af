package dev.gantry.cgroups;

/** Kubernetes' three classes of pods. */
public enum QosClass {
    GUARANTEED("Guaranteed"),
    BURSTABLE("Burstable"),
    BEST_EFFORT("BestEffort");

    private final String kubernetesName;

    QosClass(String kubernetesName) {
        this.kubernetesName = kubernetesName;
    }

    /** As the pod status spells it. */
    public String kubernetesName() {
        return kubernetesName;
    }
}
