package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.hook.HookCall;
import dev.gantry.agent.hook.HookResult;
import dev.gantry.agent.hook.Hooks;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Lifecycle;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The hooks of a pod's containers: postStart after a start, preStop once per run and inside its grace. Any thread. */
final class ContainerHooks {
    /** The kubelet has none, and its pod hangs with its hook. */
    private static final Duration POST_START_DEADLINE = Duration.ofMinutes(10);

    private final Hooks hooks;
    private final ScheduledExecutorService timers;
    private final PodReference reference;
    private final PodActions.View view;
    private final List<String> hostIps;
    /** By container id, of runs that were asked to stop. */
    private final Map<String, CompletableFuture<HookResult>> preStops = new ConcurrentHashMap<>();
    /** By container id, while they run. */
    private final Map<String, CompletableFuture<HookResult>> postStarts = new ConcurrentHashMap<>();

    /**
     * Runs nothing yet.
     *
     * @param hostIps those of the node, where pods of the host's network are reached
     */
    ContainerHooks(WorkerSettings settings, PodReference reference, PodActions.View view, List<String> hostIps) {
        this.hooks = settings.hooks();
        this.timers = settings.timers();
        this.reference = reference;
        this.view = view;
        this.hostIps = hostIps;
    }

    /**
     * Runs a container's postStart.
     *
     * @return completes with what went wrong; empty if nothing did or there is no hook
     */
    CompletableFuture<Optional<String>> postStart(Container container, String id) {
        LifecycleHandler handler = container.getLifecycle() == null
                ? null
                : container.getLifecycle().getPostStart();
        if (handler == null) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        CompletableFuture<HookResult> hook = hooks.run(call(container, id, handler), POST_START_DEADLINE);
        postStarts.put(id, hook);
        return hook.thenApply(HookResult::failure);
    }

    /**
     * Runs a container's preStop once per run. A second stop of the same run, which allows less, ends the hook at its own
     * deadline.
     *
     * @param container as the spec has it; empty for what runs though the spec does not have it any more
     * @return completes with what went wrong, as far as this call began the hook; empty if nothing did or there is no hook
     */
    synchronized CompletableFuture<Optional<String>> preStop(
            Optional<Container> container, String id, long timeoutSeconds) {
        CompletableFuture<HookResult> running = preStops.get(id);
        if (running != null) {
            ScheduledFuture<?> deadline =
                    timers.schedule(() -> running.cancel(false), timeoutSeconds, TimeUnit.SECONDS);
            return running.handle((done, failure) -> {
                deadline.cancel(false);
                return Optional.empty();
            });
        }
        LifecycleHandler handler = container
                .map(Container::getLifecycle)
                .map(Lifecycle::getPreStop)
                .orElse(null);
        if (handler == null || timeoutSeconds == 0) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        CompletableFuture<HookResult> hook =
                hooks.run(call(container.get(), id, handler), Duration.ofSeconds(timeoutSeconds));
        preStops.put(id, hook);
        return hook.handle((result, failure) -> result == null ? Optional.empty() : result.failure());
    }

    /** A container that has ended has no use for its hooks: whoever waits for one goes on. */
    void saw(ObservedPod seen) {
        postStarts.values().removeIf(CompletableFuture::isDone);
        seen.containers().stream()
                .filter(ObservedContainer::isExited)
                .flatMap(run -> Stream.of(
                        Optional.ofNullable(postStarts.get(run.id())), Optional.ofNullable(preStops.get(run.id()))))
                .flatMap(Optional::stream)
                .forEach(hook -> hook.cancel(false));
    }

    private HookCall call(Container container, String id, LifecycleHandler handler) {
        PodState state = view.state();
        boolean hostNetwork = Boolean.TRUE.equals(state.pod().getSpec().getHostNetwork());
        Optional<String> ip = hostNetwork
                ? Optional.of(hostIps.stream().findFirst().orElse("127.0.0.1"))
                : state.observed().flatMap(ObservedPod::readySandbox).stream()
                        .flatMap(sandbox -> sandbox.ips().stream())
                        .findFirst();
        return new HookCall(reference, container, id, handler, ip);
    }
}
