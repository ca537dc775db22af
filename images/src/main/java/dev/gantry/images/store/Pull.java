package dev.gantry.images.store;

import dev.gantry.images.Credentials;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.PullHandle;
import dev.gantry.images.PullProgress;
import dev.gantry.images.PullProgress.Layer;
import dev.gantry.images.PullProgress.Phase;
import dev.gantry.images.source.Cancellation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** A pull that runs, and those who wait for it. */
final class Pull implements Installer.Listener {
    private static final long EVENT_INTERVAL_NANOS = 100_000_000;
    /** Shorter, and the rate would flicker. */
    private static final long RATE_INTERVAL_NANOS = 1_000_000_000;

    private final Key key;
    private final LongSupplier nanoTime;
    private final Cancellation cancellation = new Cancellation();
    private final List<Waiter> waiters = new ArrayList<>();

    private Phase phase = Phase.QUEUED;
    private long bytesDone;
    private long bytesTotal;
    private int layersDone;
    private final List<Layer> layers = new ArrayList<>();
    private long eventAt;
    private long rateAt;
    private long rateBytes;
    private long rate;

    /** What makes two pulls the same. */
    record Key(ImageReference reference, Optional<Credentials> credentials, Platform platform) {}

    Pull(Key key, LongSupplier nanoTime) {
        this.key = key;
        this.nanoTime = nanoTime;
        this.eventAt = nanoTime.getAsLong();
        this.rateAt = eventAt;
    }

    Key key() {
        return key;
    }

    Cancellation cancellation() {
        return cancellation;
    }

    /** One more waiter; empty if the last one has gone before, so that this pull is ending. */
    synchronized Optional<PullHandle> join() {
        if (cancellation.isCancelled()) {
            return Optional.empty();
        }
        Waiter waiter = new Waiter(true);
        waiters.add(waiter);
        return Optional.of(waiter);
    }

    /** One who only looks: the pull does not go on for its sake. */
    synchronized PullHandle watch() {
        Waiter waiter = new Waiter(false);
        waiters.add(waiter);
        return waiter;
    }

    void resolving() {
        event(() -> phase = Phase.RESOLVING, true);
    }

    /** The layers are known, from the lowest up; those that are there already are {@code PRESENT}. */
    void fetching(List<Layer> found) {
        event(
                () -> {
                    phase = Phase.FETCHING;
                    layers.clear();
                    layers.addAll(found);
                    bytesTotal = found.stream()
                            .filter(layer -> layer.state() != Layer.State.PRESENT)
                            .mapToLong(Layer::bytesTotal)
                            .sum();
                },
                true);
    }

    void committing() {
        event(() -> phase = Phase.COMMITTING, true);
    }

    @Override
    public void layerBegun(int layer) {
        event(() -> change(layer, Layer.State.FETCHING, 0), true);
    }

    @Override
    public void received(int layer, long bytes) {
        event(
                () -> {
                    bytesDone += bytes;
                    change(layer, Layer.State.FETCHING, bytes);
                },
                false);
    }

    @Override
    public void layerDone(int layer) {
        event(
                () -> {
                    layersDone++;
                    change(layer, Layer.State.DONE, 0);
                },
                true);
    }

    private void change(int layer, Layer.State state, long bytes) {
        Layer before = layers.get(layer);
        if (before.state() != Layer.State.PRESENT) {
            layers.set(layer, new Layer(before.digest(), state, before.bytesDone() + bytes, before.bytesTotal()));
        }
    }

    @Override
    public boolean isCancelled() {
        return cancellation.isCancelled();
    }

    private void event(Runnable change, boolean important) {
        PullProgress progress;
        List<Consumer<PullProgress>> listeners = new ArrayList<>();
        synchronized (this) {
            change.run();
            long now = nanoTime.getAsLong();
            long elapsed = now - eventAt;
            if (!important && elapsed < EVENT_INTERVAL_NANOS) {
                return;
            }
            progress = next(now);
            waiters.forEach(waiter -> listeners.addAll(waiter.listeners));
        }
        listeners.forEach(listener -> listener.accept(progress));
    }

    private PullProgress next(long now) {
        eventAt = now;
        long elapsed = now - rateAt;
        if (elapsed >= RATE_INTERVAL_NANOS || (rate == 0 && elapsed >= EVENT_INTERVAL_NANOS)) {
            rate = (long) ((bytesDone - rateBytes) * 1e9 / elapsed);
            rateAt = now;
            rateBytes = bytesDone;
        }
        return now();
    }

    private PullProgress now() {
        return new PullProgress(phase, bytesDone, bytesTotal, rate, layersDone, layers);
    }

    void succeed(Image image) {
        event(() -> phase = Phase.DONE, true);
        takeWaiters().forEach(waiter -> waiter.result.complete(image));
    }

    void fail(Throwable reason) {
        takeWaiters().forEach(waiter -> waiter.result.completeExceptionally(reason));
    }

    private synchronized List<Waiter> takeWaiters() {
        List<Waiter> result = List.copyOf(waiters);
        waiters.clear();
        return result;
    }

    private final class Waiter implements PullHandle {
        private final CompletableFuture<Image> result = new CompletableFuture<>();
        private final boolean counts;
        private final List<Consumer<PullProgress>> listeners = new ArrayList<>();

        Waiter(boolean counts) {
            this.counts = counts;
        }

        @Override
        public ImageReference reference() {
            return key.reference();
        }

        @Override
        public CompletableFuture<Image> result() {
            return result;
        }

        @Override
        public PullProgress progress() {
            synchronized (Pull.this) {
                return now();
            }
        }

        @Override
        public void onProgress(Consumer<PullProgress> listener) {
            PullProgress now;
            synchronized (Pull.this) {
                listeners.add(listener);
                now = progress();
            }
            listener.accept(now);
        }

        @Override
        public void cancel() {
            boolean last;
            synchronized (Pull.this) {
                last = waiters.remove(this) && counts && waiters.stream().noneMatch(waiter -> waiter.counts);
                if (last) {
                    cancellation.cancel();
                }
            }
            result.completeExceptionally(new ImageException(Code.CANCELLED, "pull " + key.reference() + ": cancelled"));
        }

        @Override
        public Image await() throws ImageException, InterruptedException {
            try {
                return result.get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof ImageException image) {
                    throw image;
                }
                throw new ImageException(
                        Code.STORE, "pull " + key.reference() + ": unexpected " + e.getCause(), e.getCause());
            }
        }
    }
}
