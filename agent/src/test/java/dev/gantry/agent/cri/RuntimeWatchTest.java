package dev.gantry.agent.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.RuntimeCondition;
import dev.gantry.cri.v1.RuntimeStatus;
import dev.gantry.testing.FakeClock;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class RuntimeWatchTest {
    private static final Duration PERIOD = Duration.ofSeconds(5);

    private final FakeClock clock = new FakeClock();
    private final Deque<CompletableFuture<RuntimeStatus>> answers = new ArrayDeque<>();
    private int ready;

    private RuntimeWatch watch() {
        return RuntimeWatch.start(answers::remove, () -> ready++, clock.timers());
    }

    private static CompletableFuture<RuntimeStatus> answer(boolean network) {
        return CompletableFuture.completedFuture(RuntimeStatus.newBuilder()
                .addConditions(
                        RuntimeCondition.newBuilder().setType("RuntimeReady").setStatus(true))
                .addConditions(RuntimeCondition.newBuilder()
                        .setType("NetworkReady")
                        .setStatus(network)
                        .setReason(network ? "" : "NetworkPluginNotReady")
                        .setMessage(network ? "" : "cni plugin not initialized"))
                .build());
    }

    private static CompletableFuture<RuntimeStatus> down() {
        return CompletableFuture.failedFuture(CriException.of(
                "Status",
                "the runtime",
                Status.UNAVAILABLE.withDescription("gone").asRuntimeException()));
    }

    @Test
    void whatTheRuntimeLacksIsToldInTheKubeletsWords() {
        answers.add(answer(false));

        assertThat(watch().problem())
                .contains(
                        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized");
    }

    @Test
    void aRuntimeThatHasNotAnsweredYetIsNotReady() {
        CompletableFuture<RuntimeStatus> first = new CompletableFuture<>();
        answers.add(first);
        RuntimeWatch watch = watch();
        assertThat(watch.problem()).contains("container runtime status check may not have completed yet");

        first.complete(answer(true).join());

        assertThat(watch.problem()).isEmpty();
        assertThat(ready).isZero();
    }

    @Test
    void podsThatWaitAreToldOnceWhenItIsBack() {
        answers.add(answer(true));
        answers.add(down());
        answers.add(down());
        answers.add(answer(true));
        answers.add(answer(true));
        RuntimeWatch watch = watch();

        clock.advance(PERIOD);
        assertThat(watch.problem())
                .hasValueSatisfying(text -> assertThat(text)
                        .startsWith("container runtime is down: Status of the runtime")
                        .contains("gone"));
        clock.advance(PERIOD);
        assertThat(ready).isZero();
        clock.advance(PERIOD);
        clock.advance(PERIOD);

        assertThat(watch.problem()).isEmpty();
        assertThat(ready).isOne();
    }

    @Test
    void afterItsEndItAsksNoMore() {
        answers.add(answer(true));
        RuntimeWatch watch = watch();

        watch.close();
        clock.advance(PERIOD);

        assertThat(answers).isEmpty();
    }
}
