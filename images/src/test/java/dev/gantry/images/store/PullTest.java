package dev.gantry.images.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.PullProgress;
import dev.gantry.images.PullProgress.Layer;
import dev.gantry.images.PullProgress.Layer.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PullTest {
    private static final Digest A = Digest.of(new byte[] {1});
    private static final Digest B = Digest.of(new byte[] {2});
    private static final Digest C = Digest.of(new byte[] {3});

    private final AtomicLong nanos = new AtomicLong();
    private final Pull pull = new Pull(
            new Pull.Key(ImageReference.parse("a"), Optional.empty(), Platform.parse("linux/amd64")), nanos::get);
    private final List<PullProgress> told = new ArrayList<>();

    @BeforeEach
    void begin() {
        pull.join().orElseThrow().onProgress(told::add);
        pull.fetching(List.of(
                new Layer(A, State.PRESENT, 0, 500),
                new Layer(B, State.WAITING, 0, 1000),
                new Layer(C, State.WAITING, 0, 3000)));
        told.clear();
    }

    private PullProgress last() {
        return told.get(told.size() - 1);
    }

    private void pass(long millis) {
        nanos.addAndGet(millis * 1_000_000);
    }

    @Test
    void eachLayerIsFollowed() {
        pull.layerDone(0);
        pull.layerBegun(1);
        pass(100);
        pull.received(1, 400);

        assertThat(last())
                .isEqualTo(new PullProgress(
                        PullProgress.Phase.FETCHING,
                        400,
                        4000,
                        4000,
                        1,
                        List.of(
                                new Layer(A, State.PRESENT, 0, 500),
                                new Layer(B, State.FETCHING, 400, 1000),
                                new Layer(C, State.WAITING, 0, 3000))));
        pull.layerDone(1);
        assertThat(last().layers().get(1)).isEqualTo(new Layer(B, State.DONE, 400, 1000));
        assertThat(last().layersDone()).isEqualTo(2);
    }

    @Test
    void bytesAreToldTenTimesASecondAtMost() {
        pull.layerBegun(2);
        told.clear();
        for (int i = 0; i < 1000; i++) {
            pull.received(2, 1);
            pass(1);
        }

        assertThat(told).hasSizeBetween(8, 10);
    }

    @Test
    void theRateIsThatOfTheLastSecondAndFallsWhenNothingComes() {
        pull.layerBegun(2);
        pass(1000);
        pull.received(2, 1000);
        assertThat(last().bytesPerSecond()).isEqualTo(1000);
        pass(500);
        pull.received(2, 1000);
        assertThat(last().bytesPerSecond()).isEqualTo(1000);
        pass(500);
        pull.received(2, 1000);
        assertThat(last().bytesPerSecond()).isEqualTo(2000);
        pass(10_000);
        pull.received(2, 0);
        assertThat(last().bytesPerSecond()).isZero();
    }
}
