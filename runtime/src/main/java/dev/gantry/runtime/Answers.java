package dev.gantry.runtime;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** Sends results and failures to gRPC's observers. */
final class Answers {
    private static final int PART = 50;

    private Answers() {}

    /** At once: for what is in memory. */
    static <T> void now(StreamObserver<T> observer, Callable<T> call) {
        T answer;
        try {
            answer = call.call();
        } catch (Exception e) {
            observer.onError(CriErrors.of(e));
            return;
        }
        observer.onNext(answer);
        observer.onCompleted();
    }

    /**
     * When the work is done. A caller that gives up, or whose deadline passes, cancels the work: what has not begun is not
     * begun, an exec is killed; what must not be left half done goes on without it.
     *
     * @param executor runs the client's callbacks, which may be anything: never the thread that did the work, since
     *     that belongs to a sandbox's queue or to the event loop
     */
    static <T, R> void later(
            Executor executor,
            StreamObserver<R> observer,
            Callable<CompletableFuture<T>> work,
            Function<? super T, R> answer) {
        CompletableFuture<T> future;
        try {
            future = work.call();
        } catch (Exception e) {
            observer.onError(CriErrors.of(e));
            return;
        }
        ((ServerCallStreamObserver<R>) observer).setOnCancelHandler(() -> future.cancel(false));
        BiConsumer<T, Throwable> send = (result, failure) -> {
            if (failure != null) {
                observer.onError(CriErrors.of(failure));
            } else {
                now(observer, () -> answer.apply(result));
            }
        };
        var unused = future.whenCompleteAsync(send, executor);
    }

    /** Sends a list in parts that stay far below the limit of a message. */
    static <T, R> void stream(
            StreamObserver<R> observer, Callable<List<T>> items, Function<? super List<T>, R> message) {
        List<T> all;
        try {
            all = items.call();
        } catch (Exception e) {
            observer.onError(CriErrors.of(e));
            return;
        }
        for (int from = 0; from < all.size(); from += PART) {
            observer.onNext(message.apply(all.subList(from, Math.min(from + PART, all.size()))));
        }
        observer.onCompleted();
    }
}
