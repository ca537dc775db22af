package dev.gantry.netns.cni;

import dev.gantry.netns.NetworkLimitation;
import dev.gantry.netns.NetworkStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Whether pods can be connected: there is a list, its programs are there, and they say so themselves where they can (STATUS, 1.1). */
final class Readiness {
    /** As often as the kubelet asks. */
    private static final long FRESH_NANOS = Duration.ofSeconds(5).toNanos();

    /** For each plugin: whoever asks waits for it. */
    private static final Duration DEADLINE = Duration.ofSeconds(5);

    /** Before the reason of the plugins or of this runtime, in the words of containerd, which scripts look for. */
    private static final String PREFIX = "Network plugin returns error: ";

    private final CniConfigDirectory configurations;
    private final BiFunction<CniNetworkList, Duration, CniChain> chains;
    private final LongSupplier nanoTime;
    private @Nullable Answer last;

    Readiness(
            CniConfigDirectory configurations,
            BiFunction<CniNetworkList, Duration, CniChain> chains,
            LongSupplier nanoTime) {
        this.configurations = configurations;
        this.chains = chains;
        this.nanoTime = nanoTime;
    }

    private record Answer(CniNetworkList list, long nanos, String obstacle) {}

    /** Looks; asks the plugins at most once in a few seconds. */
    synchronized NetworkStatus look() {
        CniConfigDirectory.Content content = configurations.read();
        if (content.network().isEmpty()) {
            return NetworkStatus.notReady(PREFIX + notInitialized(content));
        }
        CniNetworkList list = content.network().get();
        Answer answer = last;
        if (answer == null || !answer.list().equals(list) || nanoTime.getAsLong() - answer.nanos() > FRESH_NANOS) {
            String obstacle = ask(list);
            answer = new Answer(list, nanoTime.getAsLong(), obstacle);
            last = answer;
        }
        if (!answer.obstacle().isEmpty()) {
            return NetworkStatus.notReady(PREFIX + answer.obstacle());
        }
        return NetworkStatus.ready(content.problems().stream()
                .map(problem -> new NetworkLimitation(
                        "a network configuration", problem, "correct or remove the file; it counts when it is read"))
                .toList());
    }

    private String ask(CniNetworkList list) {
        try {
            chains.apply(list, DEADLINE).status();
            return "";
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted while it waited for the plugins' STATUS";
        }
    }

    /** Why there is no network yet. */
    static String notInitialized(CniConfigDirectory.Content content) {
        return "cni plugin not initialized: " + String.join("; ", limited(content.problems()));
    }

    private static List<String> limited(List<String> problems) {
        return problems.subList(0, Math.min(problems.size(), 5));
    }
}
