package dev.gantry.runtime;

import dev.gantry.linux.Linux;
import dev.gantry.runtime.pause.PauseLauncher;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
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
    private @Nullable Spare spare;
    private boolean closed;

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
        Spare taken;
        synchronized (this) {
            taken = spare;
            spare = null;
        }
        if (taken != null && !taken.pause().isAlive()) {
            taken.close();
            return Optional.empty();
        }
        return Optional.ofNullable(taken);
    }

    /** Makes another in the background, if there is none. */
    void refill() {
        if (!wanted || hasEnough()) {
            return;
        }
        try {
            executor.execute(this::make);
        } catch (RejectedExecutionException e) {
            // the runtime is closing
        }
    }

    private synchronized boolean hasEnough() {
        return closed || spare != null;
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
        synchronized (this) {
            if (!closed && spare == null) {
                spare = made;
                return;
            }
        }
        made.close();
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        take().ifPresent(Spare::close);
    }
}
