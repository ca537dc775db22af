package dev.gantry.agent.pod;

import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All pods of this node.
 *
 * <ul>
 *   <li>Every method returns at once; what it asks for happens on the pods' workers.
 *   <li>Pods and events that it hands out are snapshots with status and {@code resourceVersion}; callers do not modify
 *       them.
 *   <li>Listeners are called one at a time, in the order of changes, on a thread of the engine, and must not block.
 *   <li>{@link #close} stops the workers and leaves all containers running: the next agent adopts them.
 * </ul>
 */
public interface PodEngine extends AutoCloseable {
    /**
     * On a pod made through the API: {@code "true"} if it shall end with the agent that made it. Without it the pod is
     * kept on disk and adopted by the next agent.
     */
    String TRANSIENT_ANNOTATION = "gantry.dev/transient";

    /** False on a pod whose manifest was edited into something that cannot be used. */
    String MANIFEST_CONDITION = "gantry.dev/ManifestAccepted";

    /**
     * Takes a source's whole set: pods that are new start, pods that are missing are deleted with grace, and a pod with
     * a new uid replaces the one of the same name.
     *
     * @param desired defaulted and validated, with uid; two of one name are refused with an event, the first wins
     */
    void apply(PodSource source, Collection<Pod> desired);

    /**
     * Takes what a manifest directory asks for: its pods as {@link #apply} does, and its problems, which are reported on
     * the pods that go on as they were (condition {@value #MANIFEST_CONDITION}) and as events.
     */
    void applyManifests(ManifestSnapshot snapshot);

    /** What is wrong with manifests now. */
    List<ManifestSnapshot.Problem> manifestProblems();

    /** Starts a pod for the API that brings no objects along; see {@link #create(Pod, Collection)}. */
    default Pod create(Pod pod) throws PodRejectedException {
        return create(pod, List.of());
    }

    /**
     * Starts a pod for the API. Fills in defaults, uid and creation time.
     *
     * @param objects ConfigMaps and Secrets that the pod refers to: its own, they go with it. They come before those of
     *     the node
     * @return the pod as accepted
     * @throws PodRejectedException if it is invalid ({@code Invalid}, with the fields) or the name is taken
     *     ({@code AlreadyExists})
     */
    Pod create(Pod pod, Collection<HasMetadata> objects) throws PodRejectedException;

    /**
     * Asks for a pod's deletion. It stays listed, with {@code deletionTimestamp}, until its sandbox is gone. A second
     * request with a shorter grace shortens it; a longer one changes nothing.
     *
     * @param gracePeriodSeconds 0 or more; empty for the pod's own
     * @return the pod as it is being deleted; empty if there is none
     * @throws PodRejectedException {@code Forbidden} for a pod from a file, which only the file's removal deletes
     */
    Optional<Pod> delete(String namespace, String name, OptionalLong gracePeriodSeconds) throws PodRejectedException;

    /**
     * Changes CPU and memory of a pod that runs, in place where its containers allow that.
     *
     * @param pod as it is to be; nothing but resources may differ
     * @return the pod as accepted; empty if there is none
     * @throws PodRejectedException {@code Invalid} if that is no resize, {@code Forbidden} for a pod from a file, of which
     *     only an edit of the file changes anything
     */
    Optional<Pod> resize(Pod pod) throws PodRejectedException;

    /**
     * Changes what may be changed of a pod that exists: labels, annotations, images and a shorter {@code activeDeadlineSeconds}.
     * A container with another image is started anew; nothing else is touched.
     *
     * @return the pod as accepted; empty if there is none
     * @throws PodRejectedException {@code Invalid} if more is changed, {@code Forbidden} for a pod from a file
     */
    Optional<Pod> update(Pod pod) throws PodRejectedException;

    /**
     * Adds ephemeral containers to a pod that runs, from wherever it comes.
     *
     * @param containers all that it is to have: those that it has, unchanged, and new ones
     * @return the pod as accepted; empty if there is none
     * @throws PodRejectedException {@code Invalid} if one is wrong, {@code Forbidden} if the pod has ended
     */
    Optional<Pod> debug(String namespace, String name, List<EphemeralContainer> containers) throws PodRejectedException;

    /**
     * Starts a pod's containers anew in the sandbox that it has, all of them in the order of a deletion and a start, or one.
     * Restart policies and back-off are not asked. Idempotent: only runs that were made before {@code asOf} are replaced.
     *
     * @param container name; empty for all of them, init containers included
     * @return the pod; empty if there is none
     * @throws PodRejectedException {@code Invalid} if there is no such container or it runs only once, {@code Forbidden} if the
     *     pod has ended or is being deleted
     */
    Optional<Pod> restart(String namespace, String name, Optional<String> container, Instant asOf)
            throws PodRejectedException;

    /**
     * Reports conditions of a pod, such as its readiness gates ask for. They are kept until they are reported anew.
     *
     * @param conditions with type and status; of those that are the agent's own, what is no change is ignored
     * @return the pod; empty if there is none
     * @throws PodRejectedException {@code Invalid} for one that the agent sets itself, or without type or status
     */
    Optional<Pod> report(String namespace, String name, List<PodCondition> conditions) throws PodRejectedException;

    /** All pods by namespace and name, with status. */
    List<Pod> pods();

    /** One pod with status. */
    Optional<Pod> pod(String namespace, String name);

    /** The version of the whole set, as a list's {@code metadata.resourceVersion}: a decimal number that only grows. */
    String resourceVersion();

    /**
     * Delivers the current set as {@code ADDED}, then each change.
     *
     * @return closing it ends the watch
     */
    Watch watch(Consumer<PodChange> listener);

    /** Recorded events, oldest first by last occurrence. */
    List<Event> events();

    /** Delivers the recorded events, then each new or recounted one. */
    Watch watchEvents(Consumer<Event> listener);

    /**
     * Finds a run of a container.
     *
     * @param container name; null if the pod's only container (or the one named by annotation
     *     {@code kubectl.kubernetes.io/default-container}) is meant
     * @param previous the run before the current one, as {@code kubectl logs -p} wants
     */
    ContainerRef container(String namespace, String pod, @Nullable String container, boolean previous)
            throws ContainerUnavailableException;

    @Override
    void close();

    /** A registered listener. */
    interface Watch extends AutoCloseable {
        /** Ends it; idempotent. A call in progress on another thread may still complete. */
        @Override
        void close();
    }
}
