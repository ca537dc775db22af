package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.PodEvents;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.VersionResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What comes from the runtime to the workers (the kubelet's PLEG): the first list, asked for until the runtime answers, then its
 * events, and rarely a look at every pod for events that were lost. Takes the lock of the {@link PodTable} itself.
 */
final class RuntimeFeed implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RuntimeFeed.class);

    /** The safety net for lost events; every worker then looks once. */
    private static final Duration RELIST = Duration.ofSeconds(60);

    private static final Duration RECONNECT = Duration.ofSeconds(1);

    private final PodEngineSettings settings;
    private final CriRuntime runtime;
    private final PodTable table;
    private final PodWorkers workers;
    private final PodAdoption adoption;
    private String name = "gantry";
    private String version = "";
    private boolean listed;
    private boolean closed;
    private @Nullable PodEvents events;
    private @Nullable ScheduledFuture<?> timer;

    RuntimeFeed(
            PodEngineSettings settings, CriRuntime runtime, PodTable table, PodWorkers workers, PodAdoption adoption) {
        this.settings = settings;
        this.runtime = runtime;
        this.table = table;
        this.workers = workers;
        this.adoption = adoption;
    }

    void start() {
        PodEvents subscription = PodEvents.start(runtime, this::changed, this::lookEverywhere, settings.timers());
        synchronized (table) {
            events = subscription;
        }
        list("");
    }

    /** The runtime's name and version, as nodes show it: {@code containerd://1.6.20}. */
    String runtime() {
        synchronized (table) {
            return name + "://" + version;
        }
    }

    private void changed(String uid) {
        Optional<PodWorker> worker;
        synchronized (table) {
            worker = table.occupant(uid).map(occupant -> occupant.worker);
        }
        worker.ifPresent(PodWorker::changed);
    }

    private void lookEverywhere() {
        everyWorker(PodWorker::changed);
    }

    /** The runtime was away or could not connect pods, and now can again. */
    void ready() {
        everyWorker(PodWorker::runtimeReady);
    }

    private void everyWorker(Consumer<PodWorker> action) {
        List<PodWorker> all;
        synchronized (table) {
            all = closed ? List.of() : table.workers();
        }
        all.forEach(action);
    }

    /** @param known why it failed before, which was said then; empty the first time */
    private void list(String known) {
        runtime.version()
                .thenCombine(runtime.sandboxes(), (answer, sandboxes) -> {
                    firstList(answer, sandboxes);
                    return sandboxes;
                })
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        String why = String.valueOf(CriException.unwrap(failure).getMessage());
                        if (!why.equals(known)) {
                            log.atWarn()
                                    .addKeyValue("err", why)
                                    .addKeyValue("retryIn", RECONNECT)
                                    .log("Could not list the runtime's pods, retrying");
                        }
                        later(RECONNECT, () -> list(why));
                    } else {
                        later(RELIST, this::relist);
                    }
                });
    }

    private void firstList(VersionResponse answer, List<PodSandbox> sandboxes) {
        synchronized (table) {
            if (closed || listed) {
                return;
            }
            listed = true;
            name = answer.getRuntimeName().isEmpty() ? name : answer.getRuntimeName();
            version = RuntimeVersion.shown(answer.getRuntimeVersion());
            workers.open(name);
            adoption.listed(sandboxes);
            workers.tellIfAdopted();
        }
    }

    private void relist() {
        lookEverywhere();
        later(RELIST, this::relist);
    }

    private void later(Duration delay, Runnable task) {
        synchronized (table) {
            if (!closed) {
                timer = settings.timers()
                        .schedule(() -> settings.pool().execute(task), delay.toMillis(), TimeUnit.MILLISECONDS);
            }
        }
    }

    @Override
    public void close() {
        PodEvents subscription;
        synchronized (table) {
            closed = true;
            subscription = events;
            if (timer != null) {
                timer.cancel(false);
            }
        }
        if (subscription != null) {
            subscription.close();
        }
    }
}
