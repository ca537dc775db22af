package dev.gantry.runtime;

import dev.gantry.linux.Linux;
import dev.gantry.netns.PreparedNamespace;
import dev.gantry.runtime.pause.PauseLauncher;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What every pod with a network of its own begins with, made before one is asked for: an id, a network namespace and the
 * first process of its pause in it. Nothing on disk: it ends with the agent.
 */
record Spare(String id, PreparedNamespace namespace, PauseLauncher.Prepared pause) implements AutoCloseable {
    static Spare make(Linux linux, PauseLauncher pauses, RunDirectory run) throws IOException {
        String id = Ids.random();
        AtomicReference<PauseLauncher.Prepared> pause = new AtomicReference<>();
        PreparedNamespace namespace = PreparedNamespace.create(linux, () -> pause.set(pauses.prepare(run.socket(id))));
        return new Spare(id, namespace, Objects.requireNonNull(pause.get()));
    }

    @Override
    public void close() {
        pause.close();
        namespace.close();
    }
}
