package dev.gantry.runtime;

import dev.gantry.linux.Linux;
import dev.gantry.runtime.pause.PauseLauncher;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps one {@link Spare} at hand, so that a pod that starts alone starts faster. A burst of pods makes its own. */
final class Spares implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Spares.class);

    private final Linux linux;
    private final PauseLauncher pauses;
    private final RunDirectory run;
    private final Executor executor;
    private final boolean wanted;
    private final AtomicReference<Optional<Spare>> spare = new AtomicReference<>(Optional.empty());
    private volatile boolean closed;

    /** @param wanted false where the network cannot use any */
    Spares(Linux linux, PauseLauncher pauses, RunDirectory run, Executor executor, boolean wanted) {
        this.linux = linux;
        this.pauses = pauses;
        this.run = run;
        this.executor = executor;
        this.wanted = wanted;
    }

    /** The spare one, now the caller's to close. */
    Optional<Spare> take() {
        Optional<Spare> taken = spare.getAndSet(Optional.empty());
        if (taken.isPresent() && !taken.get().pause().isAlive()) {
            taken.get().close();
            return Optional.empty();
        }
        return taken;
    }

    /** Makes another in the background, if there is none. */
    void refill() {
        if (!wanted || closed || spare.get().isPresent()) {
            return;
        }
        try {
            executor.execute(this::make);
        } catch (RejectedExecutionException e) {
            // the runtime is closing
        }
    }

    private void make() {
        try {
            keep(Spare.make(linux, pauses, run));
        } catch (IOException | RuntimeException e) {
            // Each pod then makes its own, and fails with the reason if it cannot either.
            LOG.debug("Could not prepare a network namespace", e);
        }
    }

    private void keep(Spare made) {
        if (!spare.compareAndSet(Optional.empty(), Optional.of(made))) {
            made.close();
        }
        if (closed) {
            take().ifPresent(Spare::close);
        }
    }

    @Override
    public void close() {
        closed = true;
        take().ifPresent(Spare::close);
    }
}
