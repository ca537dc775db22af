package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerEventResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Hands events to everybody who listens, in order. A listener too slow to keep up is cut off with RESOURCE_EXHAUSTED
 * rather than served a stream with gaps: it lists and listens anew.
 */
final class EventHub {
    /** Some 40 pods' whole lives. */
    private static final int MAX_WAITING = 1024;

    private final Set<Subscriber> subscribers = ConcurrentHashMap.newKeySet();
    private final Executor executor;

    /** Listeners' code may be anything, so it runs on the executor, never on a sandbox's queue. */
    EventHub(Executor executor) {
        this.executor = executor;
    }

    /** Returns at once; the stream ends when its client goes. */
    void subscribe(ServerCallStreamObserver<ContainerEventResponse> stream) {
        Subscriber subscriber = new Subscriber(stream);
        stream.setOnCancelHandler(() -> subscribers.remove(subscriber));
        stream.setOnReadyHandler(subscriber::drain);
        subscribers.add(subscriber);
    }

    boolean isHeard() {
        return !subscribers.isEmpty();
    }

    void publish(ContainerEventResponse event) {
        subscribers.forEach(subscriber -> subscriber.add(event));
    }

    /** Ends all streams in order. */
    void close() {
        subscribers.forEach(Subscriber::complete);
        subscribers.clear();
    }

    private final class Subscriber {
        private final ServerCallStreamObserver<ContainerEventResponse> stream;
        private final Queue<ContainerEventResponse> waiting = new ArrayDeque<>();

        Subscriber(ServerCallStreamObserver<ContainerEventResponse> stream) {
            this.stream = stream;
        }

        synchronized void add(ContainerEventResponse event) {
            if (waiting.size() >= MAX_WAITING) {
                subscribers.remove(this);
                waiting.clear();
                StatusRuntimeException behind = Status.RESOURCE_EXHAUSTED
                        .withDescription("the reader of container events is %d events behind: list and listen again"
                                .formatted(MAX_WAITING))
                        .asRuntimeException();
                executor.execute(() -> stream.onError(behind));
                return;
            }
            waiting.add(event);
            executor.execute(this::drain);
        }

        synchronized void drain() {
            while (!waiting.isEmpty() && stream.isReady() && !stream.isCancelled()) {
                stream.onNext(waiting.remove());
            }
        }

        synchronized void complete() {
            if (!stream.isCancelled()) {
                stream.onCompleted();
            }
        }
    }
}
