package dev.gantry.netns;

/** Where a pod's name servers come from, named as in a pod's spec. */
public enum DnsPolicy {
    /** The node's own. */
    DEFAULT("Default"),
    /** The cluster's; for a pod on the host's network, the node's. */
    CLUSTER_FIRST("ClusterFirst"),
    CLUSTER_FIRST_WITH_HOST_NET("ClusterFirstWithHostNet"),
    /** Only those in the pod's dnsConfig. */
    NONE("None");

    private final String text;

    DnsPolicy(String text) {
        this.text = text;
    }

    /** As written in a manifest. */
    public String text() {
        return text;
    }

    /**
     * Reads what a manifest says.
     *
     * @throws IllegalArgumentException if no policy is called so
     */
    public static DnsPolicy parse(String text) {
        for (DnsPolicy policy : values()) {
            if (policy.text.equals(text)) {
                return policy;
            }
        }
        throw new IllegalArgumentException(
                "dnsPolicy: '" + text + "' (expected Default, ClusterFirst, ClusterFirstWithHostNet or None)");
    }
}
