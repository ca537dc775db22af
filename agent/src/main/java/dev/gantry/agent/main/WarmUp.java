package dev.gantry.agent.main;

import dev.gantry.staticpods.ManifestDecoder;
import io.netty.channel.epoll.Epoll;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Loads, beside the start of the runtime, the classes that are needed right after it. */
final class WarmUp {
    private static final String POD =
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}]}}";

    private WarmUp() {}

    static CompletableFuture<Void> start() {
        Executor thread = task -> {
            Thread warmUp = new Thread(task, "warm-up");
            warmUp.setDaemon(true);
            warmUp.start();
        };
        return CompletableFuture.runAsync(
                () -> {
                    ManifestDecoder.decode("warm-up.yaml", POD.getBytes(StandardCharsets.UTF_8));
                    Epoll.isAvailable();
                },
                thread);
    }
}
