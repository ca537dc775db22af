package dev.gantry.agent.cri;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Calls over a channel as futures: a failure is a {@link CriException}, and cancelling a future cancels its call. */
final class CriCalls {
    /** For calls that only look or change records; as the kubelet's {@code runtimeRequestTimeout}. */
    static final Duration SHORT = Duration.ofMinutes(2);

    /** Network plugins and slow disks take their time; as the kubelet allows for RunPodSandbox. */
    static final Duration LONG = Duration.ofMinutes(4);

    private final Channel channel;

    CriCalls(Channel channel) {
        this.channel = channel;
    }

    /**
     * Makes a call.
     *
     * @param timeout zero for none
     * @param object whom it is about, for messages: {@code container 3f2a}
     */
    <Q, R> CompletableFuture<R> call(MethodDescriptor<Q, R> method, Q request, Duration timeout, String object) {
        CallOptions options = timeout.isZero()
                ? CallOptions.DEFAULT
                : CallOptions.DEFAULT.withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
        ClientCall<Q, R> call = channel.newCall(method, options);
        CompletableFuture<R> result = new CompletableFuture<>();
        result.whenComplete((response, failure) -> {
            if (result.isCancelled()) {
                call.cancel("not needed any more", null);
            }
        });
        ClientCalls.asyncUnaryCall(call, request, new StreamObserver<>() {
            @Override
            public void onNext(R response) {
                result.complete(response);
            }

            @Override
            public void onError(Throwable cause) {
                result.completeExceptionally(
                        CriException.of(String.valueOf(method.getBareMethodName()), object, cause));
            }

            @Override
            public void onCompleted() {
                // The response came with onNext.
            }
        });
        return result;
    }

    /**
     * Receives a stream of messages until it ends.
     *
     * @param onEnd hears why it ended; never after {@code close}
     * @return closing it cancels the stream
     */
    <Q, R> AutoCloseable stream(
            MethodDescriptor<Q, R> method, Q request, Consumer<R> onMessage, Consumer<CriException> onEnd) {
        ClientCall<Q, R> call = channel.newCall(method, CallOptions.DEFAULT);
        Receiver<R> receiver = new Receiver<>(String.valueOf(method.getBareMethodName()), onMessage, onEnd);
        ClientCalls.asyncServerStreamingCall(call, request, receiver);
        return () -> {
            receiver.closed = true;
            call.cancel("not interested any more", null);
        };
    }

    private static final class Receiver<R> implements StreamObserver<R> {
        private final String operation;
        private final Consumer<R> onMessage;
        private final Consumer<CriException> onEnd;
        private volatile boolean closed;

        Receiver(String operation, Consumer<R> onMessage, Consumer<CriException> onEnd) {
            this.operation = operation;
            this.onMessage = onMessage;
            this.onEnd = onEnd;
        }

        @Override
        public void onNext(R message) {
            if (!closed) {
                onMessage.accept(message);
            }
        }

        @Override
        public void onError(Throwable cause) {
            if (!closed) {
                onEnd.accept(CriException.of(operation, "the runtime", cause));
            }
        }

        @Override
        public void onCompleted() {
            onError(io.grpc.Status.UNAVAILABLE
                    .withDescription("the stream ended")
                    .asRuntimeException());
        }
    }

    /** The same call, empty if it fails in the one way that is no failure. */
    static <T> CompletableFuture<Optional<T>> unless(Predicate<CriException> harmless, CompletableFuture<T> call) {
        return call.thenApply(Optional::of)
                .exceptionallyCompose(
                        failure -> CriException.unwrap(failure) instanceof CriException e && harmless.test(e)
                                ? CompletableFuture.completedFuture(Optional.empty())
                                : CompletableFuture.failedFuture(CriException.unwrap(failure)));
    }

    /** What all of them give, in their order. */
    static <T> CompletableFuture<List<T>> all(List<CompletableFuture<T>> futures) {
        CompletableFuture<List<T>> result = CompletableFuture.completedFuture(new ArrayList<>());
        for (CompletableFuture<T> future : futures) {
            result = result.thenCombine(future, (list, one) -> {
                list.add(one);
                return list;
            });
        }
        return result;
    }
}
