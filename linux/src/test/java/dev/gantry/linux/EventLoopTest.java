package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventLoopTest {
    private final Linux linux = Linux.system();
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private EventLoop loop;

    @BeforeEach
    void start() throws IOException {
        loop = EventLoop.start(linux, "loop-under-test", (name, error) -> heard.add(name + ": " + error.getMessage()));
    }

    @AfterEach
    void stop() {
        loop.close();
    }

    @Test
    void aReadyDescriptorCallsItsHandlerOnTheLoop() throws Exception {
        try (FdPair pipe = linux.polling().pipe2(Fcntl.O_NONBLOCK)) {
            loop.register("pipe", pipe.first(), Poll.EPOLLIN, events -> {
                int count = linux.files().read(pipe.first(), new byte[10], 0, 10);
                heard.add(loop.isLoopThread() + " " + count);
            });
            linux.files().writeFully(pipe.second(), new byte[3]);
            assertThat(next()).isEqualTo("true 3");
            linux.files().writeFully(pipe.second(), new byte[4]);
            assertThat(next()).isEqualTo("true 4");
        }
    }

    @Test
    void anEndOfAChildIsAnEvent() throws Exception {
        try (ChildProcess child =
                linux.processes().spawn(SpawnRequest.of("/bin/true").build())) {
            loop.register(
                    "child",
                    child.pidfd(),
                    Poll.EPOLLIN | Poll.EPOLLONESHOT,
                    events -> heard.add("exit "
                            + linux.processes()
                                    .waitid(child.pidfd(), Wait.WEXITED)
                                    .orElseThrow()
                                    .exitCode()));
            assertThat(next()).isEqualTo("exit 0");
        }
    }

    @Test
    void aHandlerThatFailsIsReportedAndStays() throws Exception {
        try (FdPair pipe = linux.polling().pipe2(0)) {
            loop.register("failing", pipe.first(), Poll.EPOLLIN, events -> {
                linux.files().read(pipe.first(), new byte[1], 0, 1);
                throw new IOException("no");
            });
            linux.files().writeFully(pipe.second(), new byte[2]);
            assertThat(next()).isEqualTo("failing: no");
            assertThat(next()).isEqualTo("failing: no");
        }
    }

    @Test
    void aClosedRegistrationIsNotCalled() throws Exception {
        try (FdPair pipe = linux.polling().pipe2(0)) {
            EventLoop.Registration registration =
                    loop.register("pipe", pipe.first(), Poll.EPOLLIN, events -> heard.add("ready"));
            registration.close();
            registration.close();
            linux.files().writeFully(pipe.second(), new byte[1]);
            onLoop(() -> {});
            assertThat(heard).isEmpty();
        }
    }

    @Test
    void tasksRunInTheirOrderAndMayAddMore() throws Exception {
        onLoop(() -> {
            for (int i = 0; i < 3; i++) {
                String name = "task " + i;
                loop.execute(() -> {
                    heard.add(name);
                    loop.execute(() -> heard.add("more"));
                });
            }
        });
        onLoop(() -> {});
        onLoop(() -> {});
        assertThat(heard).containsExactly("task 0", "task 1", "task 2", "more", "more", "more");
    }

    @Test
    void timersRunByTheirDeadlinesUnlessCancelled() throws Exception {
        CompletableFuture<Void> last = new CompletableFuture<>();
        onLoop(() -> {
            // far enough from the others that no pause of this thread between the calls changes the order
            loop.schedule(Duration.ofMillis(100), () -> {
                heard.add("second");
                last.complete(null);
            });
            loop.schedule(Duration.ofMillis(1), () -> heard.add("first"));
            loop.schedule(Duration.ofMillis(2), () -> heard.add("never")).cancel();
        });
        last.get(10, TimeUnit.SECONDS);
        assertThat(heard).containsExactly("first", "second");
    }

    @Test
    void aTimerThatIsDueBeforeWhatTheLoopWaitsForWakesIt() throws Exception {
        loop.schedule(Duration.ofHours(1), () -> heard.add("late"));
        onLoop(() -> {});
        loop.schedule(Duration.ofMillis(1), () -> heard.add("soon"));
        assertThat(next()).isEqualTo("soon");
    }

    @Test
    void thousandsOfCancelledTimersDoNotHoldUpALaterOne() throws Exception {
        for (int i = 0; i < 5000; i++) {
            loop.schedule(Duration.ofHours(1), () -> heard.add("never")).cancel();
        }
        loop.schedule(Duration.ofMillis(1), () -> heard.add("soon"));
        assertThat(next()).isEqualTo("soon");
    }

    @Test
    void tasksFromManyThreadsAllRun() throws Exception {
        int threads = 4;
        int each = 5000;
        CountDownLatch ran = new CountDownLatch(threads * each);
        for (int i = 0; i < threads; i++) {
            new Thread(() -> {
                        for (int task = 0; task < each; task++) {
                            loop.execute(ran::countDown);
                        }
                    })
                    .start();
        }
        assertThat(ran.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void closingRunsWhatWasGivenAndRefusesMore() {
        for (int i = 0; i < 100; i++) {
            loop.execute(() -> heard.add("done"));
        }
        loop.close();
        assertThat(heard).hasSize(100);
        assertThatExceptionOfType(RejectedExecutionException.class)
                .isThrownBy(() -> loop.execute(() -> {}))
                .withMessage("event loop loop-under-test is closed");
    }

    private String next() throws InterruptedException {
        return String.valueOf(heard.poll(10, TimeUnit.SECONDS));
    }

    private void onLoop(Runnable action) throws Exception {
        CompletableFuture.runAsync(action, loop).get(10, TimeUnit.SECONDS);
    }
}
