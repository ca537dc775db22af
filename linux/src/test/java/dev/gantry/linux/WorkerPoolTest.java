package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TransferQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class WorkerPoolTest {
    private final WorkerPool pool = new WorkerPool("worker", 4);

    @AfterEach
    void end() {
        pool.shutdownNow();
    }

    @Test
    void aTaskGoesToAnIdleThread() throws Exception {
        TransferQueue<Runnable> queue = (TransferQueue<Runnable>) pool.getQueue();
        for (int i = 0; i < 100; i++) {
            pool.submit(() -> {}).get();
            while (!queue.hasWaitingConsumer()) {
                Thread.onSpinWait();
            }
        }

        assertThat(pool.getLargestPoolSize()).isEqualTo(1);
    }

    @Test
    void tasksThatWaitForEachOtherRunAtTheSameTime() throws Exception {
        CountDownLatch all = new CountDownLatch(4);
        List<Future<Boolean>> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            tasks.add(pool.submit(() -> {
                all.countDown();
                return all.await(10, TimeUnit.SECONDS);
            }));
        }

        for (Future<Boolean> task : tasks) {
            assertThat(task.get()).isTrue();
        }
    }

    @Test
    void moreTasksThanThreadsWaitTheirTurnAndNoneIsLost() throws Exception {
        AtomicInteger done = new AtomicInteger();
        List<Future<?>> tasks = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            tasks.add(pool.submit(done::incrementAndGet));
        }
        for (Future<?> task : tasks) {
            task.get();
        }

        assertThat(done).hasValue(10_000);
        assertThat(pool.getLargestPoolSize()).isLessThanOrEqualTo(4);
    }

    @Test
    void aPoolThatIsShutDownEndsWhatItHasAndTakesNoMore() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < 8; i++) {
            pool.execute(() -> {
                try {
                    go.await();
                    done.incrementAndGet();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        pool.shutdown();

        assertThatExceptionOfType(RejectedExecutionException.class)
                .isThrownBy(() -> pool.execute(done::incrementAndGet))
                .withMessage("worker is shut down");
        go.countDown();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(done).hasValue(8);
    }
}
