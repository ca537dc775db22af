package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.layer.LayerFormatException;
import dev.gantry.images.layer.LayerStream;
import dev.gantry.images.layer.UnpackedLayer;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.source.ImageSource;
import dev.gantry.images.store.LayerStore.Layer;
import dev.gantry.linux.Fd;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Brings the layers of images into the store: several at a time, each unpacked while it arrives, each only once however
 * many images want it; taken in from the lowest up.
 */
final class Installer {
    private final StoreDirectory directory;
    private final LayerStore layers;
    private final LayerStream stream;
    private final Executor executor;
    private final Semaphore slots;
    private final Map<Digest, CompletableFuture<Layer>> running = new HashMap<>();

    /**
     * Sets the surroundings.
     *
     * @param slots how many layers may be on their way at once
     */
    Installer(StoreDirectory directory, LayerStore layers, LayerStream stream, Executor executor, Semaphore slots) {
        this.directory = directory;
        this.layers = layers;
        this.stream = stream;
        this.executor = executor;
        this.slots = slots;
    }

    /** Who is told how far it is; called by several threads. Layers are counted from 0, the lowest. */
    interface Listener {
        void layerBegun(int layer);

        void received(int layer, long bytes);

        void layerDone(int layer);

        /** Whether nobody wants the result any more. */
        boolean isCancelled();
    }

    /** Returns when all layers are in, or fails when one does; then none is on its way any more. */
    void install(ImageSource source, ConfigFile config, Listener listener) throws ImageException, InterruptedException {
        List<Digest> chains = config.chainIds();
        if (chains.size() != source.layers().size()) {
            throw new ImageException(
                    Code.INVALID_IMAGE,
                    source.what() + ": the manifest has " + source.layers().size() + " layers, the config "
                            + chains.size() + " diff_ids");
        }
        List<CompletableFuture<Layer>> futures = new ArrayList<>();
        @Nullable CompletableFuture<Layer> below = null;
        boolean interrupted = false;
        for (int i = 0; i < chains.size() && !interrupted; i++) {
            Job job = new Job(
                    i, source.layers().get(i), chains.get(i), config.diffIds().get(i), below, listener);
            try {
                below = start(job);
                futures.add(below);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            if (below != null && below.isCompletedExceptionally()) {
                break;
            }
        }
        await(source, futures, interrupted);
    }

    private record Job(
            int index,
            ImageSource.Layer source,
            Digest chain,
            Digest diffId,
            @Nullable CompletableFuture<Layer> below,
            Listener listener) {}

    private static void await(ImageSource source, List<CompletableFuture<Layer>> futures, boolean interrupted)
            throws ImageException, InterruptedException {
        Throwable worst = null;
        boolean stopped = interrupted;
        for (CompletableFuture<Layer> future : futures) {
            while (true) {
                try {
                    future.get();
                } catch (InterruptedException e) {
                    stopped = true; // the cancelled transfer ends soon: leave nothing of it behind
                    continue;
                } catch (ExecutionException e) {
                    Throwable cause = unwrap(e);
                    worst = worst == null || isCancelled(worst) ? cause : worst;
                }
                break;
            }
        }
        if (worst != null) {
            throw classify(source, worst);
        }
        if (stopped) {
            throw new InterruptedException();
        }
    }

    private static Throwable unwrap(Throwable e) {
        Throwable cause = e;
        while ((cause instanceof ExecutionException || cause instanceof java.util.concurrent.CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static boolean isCancelled(Throwable e) {
        return e instanceof ImageException image && image.code() == Code.CANCELLED;
    }

    private static ImageException classify(ImageSource source, Throwable e) {
        if (e instanceof ImageException image) {
            return image;
        }
        return e instanceof IOException io
                ? StoreDirectory.failed(source.what(), io)
                : new ImageException(Code.STORE, source.what() + ": unexpected " + e, e);
    }

    /** The layer that is there, the one on its way, or a new one. */
    private CompletableFuture<Layer> start(Job job) throws InterruptedException {
        CompletableFuture<Layer> mine = new CompletableFuture<>();
        CompletableFuture<Layer> other;
        synchronized (running) {
            Layer there = layers.find(job.chain());
            if (there != null) {
                job.listener().layerDone(job.index());
                return CompletableFuture.completedFuture(there);
            }
            other = running.putIfAbsent(job.chain(), mine);
        }
        if (other != null) {
            return join(job, other);
        }
        begin(job, mine, true);
        return mine;
    }

    /** Waits for another image's transfer of the layer; if that one gives up, this image's own begins. */
    private CompletableFuture<Layer> join(Job job, CompletableFuture<Layer> other) {
        return other.handle((layer, failure) -> {
                    if (failure == null) {
                        job.listener().layerDone(job.index());
                        return CompletableFuture.completedFuture(layer);
                    }
                    CompletableFuture<Layer> mine = new CompletableFuture<>();
                    CompletableFuture<Layer> next;
                    synchronized (running) {
                        next = running.putIfAbsent(job.chain(), mine);
                    }
                    if (next != null) {
                        return join(job, next);
                    }
                    try {
                        begin(job, mine, false);
                    } catch (InterruptedException e) {
                        mine.completeExceptionally(e); // not reached: it does not wait for a slot
                    }
                    return mine;
                })
                .thenCompose(future -> future);
    }

    private void begin(Job job, CompletableFuture<Layer> result, boolean waitHere) throws InterruptedException {
        result.whenComplete((layer, failure) -> {
            synchronized (running) {
                running.remove(job.chain(), result);
            }
            if (failure == null) {
                job.listener().layerDone(job.index());
            }
        });
        if (waitHere) {
            try {
                slots.acquire();
            } catch (InterruptedException e) {
                result.completeExceptionally(cancelled(job));
                throw e;
            }
        }
        try {
            executor.execute(() -> transfer(job, result, waitHere));
        } catch (RejectedExecutionException e) {
            if (waitHere) {
                slots.release();
            }
            result.completeExceptionally(cancelled(job)); // the store is being closed
        }
    }

    private void transfer(Job job, CompletableFuture<Layer> result, boolean hasSlot) {
        Staged staged;
        try {
            if (!hasSlot) {
                slots.acquireUninterruptibly();
            }
            try {
                staged = unpack(job);
            } finally {
                slots.release();
            }
        } catch (Throwable e) {
            result.completeExceptionally(e);
            return;
        }
        commitWhenBelowIsIn(job, staged, result);
    }

    private static ImageException cancelled(Job job) {
        return new ImageException(Code.CANCELLED, job.source().what() + ": cancelled");
    }

    private record Staged(String path, UnpackedLayer unpacked) {}

    private Staged unpack(Job job) throws IOException, InterruptedException {
        if (job.listener().isCancelled()) {
            throw cancelled(job);
        }
        job.listener().layerBegun(job.index());
        String staged = directory.stage();
        boolean done = false;
        LayerStream.Expected expected =
                new LayerStream.Expected(job.source().digest(), job.source().size(), job.diffId());
        try (Fd root = directory.openDirectory(staged);
                InputStream in = job.source().opener().open()) {
            UnpackedLayer unpacked =
                    stream.unpack(in, expected, root, bytes -> job.listener().received(job.index(), bytes));
            done = true;
            return new Staged(staged, unpacked);
        } catch (LayerStream.MismatchException e) {
            throw new ImageException(Code.DIGEST_MISMATCH, job.source().what() + ": " + e.getMessage(), e);
        } catch (LayerFormatException e) {
            throw new ImageException(Code.INVALID_IMAGE, job.source().what() + ": " + e.getMessage(), e);
        } catch (ImageException e) {
            throw job.listener().isCancelled()
                    ? cancelled(job)
                    : new ImageException(e.code(), job.source().what() + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw job.listener().isCancelled()
                    ? cancelled(job)
                    : StoreDirectory.failed(job.source().what(), e);
        } finally {
            if (!done) {
                discardQuietly(staged);
            }
        }
    }

    private void discardQuietly(String staged) {
        try {
            directory.discard("", staged);
        } catch (IOException e) {
            // the next start clears the staging directory
        }
    }

    private void commitWhenBelowIsIn(Job job, Staged staged, CompletableFuture<Layer> result) {
        CompletableFuture<@Nullable Layer> below = job.below() == null
                ? CompletableFuture.completedFuture(null)
                : job.below().thenApply(layer -> layer);
        below.whenComplete((parent, failure) -> {
            try {
                if (failure != null) {
                    discardQuietly(staged.path());
                    result.completeExceptionally(cancelled(job));
                    return;
                }
                result.complete(layers.commit(job.chain(), parent, staged.path(), staged.unpacked()));
            } catch (IOException e) {
                discardQuietly(staged.path());
                result.completeExceptionally(StoreDirectory.failed(job.source().what(), e));
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
    }
}
