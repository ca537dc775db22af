package dev.gantry.agent.cri;

import dev.gantry.cri.v1.RuntimeCondition;
import dev.gantry.cri.v1.RuntimeStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the runtime now and then whether it can run pods, and keeps the answer: for the node's conditions, and for pods that wait. */
public final class RuntimeWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RuntimeWatch.class);

    /** As the kubelet's {@code updateRuntimeUp}. */
    private static final Duration PERIOD = Duration.ofSeconds(5);

    /** A runtime that takes longer is as good as none. */
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private static final String UNKNOWN = "container runtime status check may not have completed yet";

    private final Supplier<CompletableFuture<RuntimeStatus>> status;
    private final Runnable ready;
    private final ScheduledExecutorService timers;
    private String problem = UNKNOWN;
    private boolean closed;
    private @Nullable ScheduledFuture<?> next;

    private RuntimeWatch(
            Supplier<CompletableFuture<RuntimeStatus>> status, Runnable ready, ScheduledExecutorService timers) {
        this.status = status;
        this.ready = ready;
        this.timers = timers;
    }

    /**
     * Begins to ask.
     *
     * @param status asks the runtime
     * @param ready hears that the runtime can run pods again; on the thread of the answer
     */
    public static RuntimeWatch start(
            Supplier<CompletableFuture<RuntimeStatus>> status, Runnable ready, ScheduledExecutorService timers) {
        RuntimeWatch watch = new RuntimeWatch(status, ready, timers);
        watch.ask();
        return watch;
    }

    /** What keeps the runtime from running pods, in the kubelet's words; empty if nothing does. */
    public synchronized Optional<String> problem() {
        return Optional.of(problem).filter(text -> !text.isEmpty());
    }

    private void ask() {
        status.get()
                .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .handle((answer, failure) -> failure == null ? problem(answer) : down(failure))
                .thenAccept(this::found);
    }

    private static String down(Throwable failure) {
        Throwable cause = CriException.unwrap(failure);
        return "container runtime is down: "
                + (cause instanceof TimeoutException
                        ? "Status of the runtime: no answer within " + PATIENCE.toSeconds() + " s"
                        : cause.getMessage());
    }

    private static String problem(RuntimeStatus status) {
        List<String> problems = new ArrayList<>();
        for (RuntimeCondition condition : status.getConditionsList()) {
            if (!condition.getStatus() && condition.getType().equals("RuntimeReady")) {
                problems.add("container runtime not ready: " + text(condition));
            } else if (!condition.getStatus() && condition.getType().equals("NetworkReady")) {
                problems.add("container runtime network not ready: " + text(condition));
            }
        }
        return String.join(", ", problems);
    }

    private static String text(RuntimeCondition condition) {
        return "%s=%s reason:%s message:%s"
                .formatted(condition.getType(), condition.getStatus(), condition.getReason(), condition.getMessage());
    }

    private void found(String now) {
        String before;
        synchronized (this) {
            if (closed) {
                return;
            }
            before = problem;
            problem = now;
            next = timers.schedule(this::ask, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        }
        if (now.equals(before) || (now.isEmpty() && before.equals(UNKNOWN))) {
            return;
        }
        if (now.isEmpty()) {
            log.atInfo().log("The container runtime is ready again");
            ready.run();
        } else {
            log.atWarn()
                    .addKeyValue("err", now)
                    .addKeyValue("retryIn", PERIOD)
                    .log("The container runtime cannot run pods, asking again");
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel(false);
        }
    }
}
