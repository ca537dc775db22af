package dev.gantry.agent.cri;

import io.fabric8.kubernetes.api.model.Container;
import java.nio.charset.StandardCharsets;

/** Labels and annotations on sandboxes and containers: the kubelet's, so that crictl and collectors find their way. */
public final class Labels {
    public static final String POD_NAME = "io.kubernetes.pod.name";
    public static final String POD_NAMESPACE = "io.kubernetes.pod.namespace";
    public static final String POD_UID = "io.kubernetes.pod.uid";
    public static final String CONTAINER_NAME = "io.kubernetes.container.name";

    public static final String CONTAINER_HASH = "io.kubernetes.container.hash";
    public static final String RESTART_COUNT = "io.kubernetes.container.restartCount";
    public static final String TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath";
    public static final String TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy";
    public static final String TERMINATION_GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod";

    /** On sandboxes: made by this agent, so it may remove it if nobody wants the pod any more. */
    public static final String MANAGED_BY = "gantry.dev/managed-by";

    public static final String GANTRY = "gantry";

    /** On sandboxes: when the pod began on this node, in milliseconds since 1970: it may have had other sandboxes before. */
    public static final String POD_STARTED_AT_MILLIS = "gantry.dev/pod-started-at-millis";

    /**
     * On containers: for how long the next run is held back from this one's finish, in milliseconds. Kept with the run
     * itself, so that the back-off outlives the agent.
     */
    public static final String RESTART_BACKOFF_MILLIS = "gantry.dev/restart-backoff-millis";

    /** On containers: what they requested and were limited to when they started. */
    public static final String RESOURCES = "gantry.dev/resources";

    /** On containers: the paths below which all mounts are read-only, one per line. */
    public static final String RECURSIVE_READ_ONLY = "gantry.dev/recursive-read-only";

    private static final int FNV_OFFSET = 0x811c9dc5;
    private static final int FNV_PRIME = 0x01000193;

    private Labels() {}

    /**
     * Changes when an edit means a new container: with its name or image, as the kubelet has it. In hexadecimal.
     *
     * @see <a href="https://datatracker.ietf.org/doc/html/draft-eastlake-fnv">FNV-1a, 32 bits</a>
     */
    public static String definitionHash(Container container) {
        int hash = FNV_OFFSET;
        for (byte b : (container.getName() + '\0' + container.getImage()).getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * FNV_PRIME;
        }
        return Integer.toHexString(hash);
    }
}
