package dev.gantry.agent.hook;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.probe.ProbeSpecs;
import dev.gantry.probes.ExecRunner;
import dev.gantry.probes.ProbeAction;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.Prober;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Runs hooks: commands by CRI's ExecSync, requests on the loop of the probes, sleep by a timer. */
public final class LifecycleHooks implements Hooks {
    private static final String USER_AGENT = "kube-lifecycle/1.36";

    private final ExecRunner exec;
    private final Supplier<Prober> prober;
    private final ScheduledExecutorService timers;
    private final EventSink events;

    /** @param timers ends sleeps; its tasks are short */
    public LifecycleHooks(ExecRunner exec, Supplier<Prober> prober, ScheduledExecutorService timers, EventSink events) {
        this.exec = exec;
        this.prober = prober;
        this.timers = timers;
        this.events = events;
    }

    @Override
    public CompletableFuture<HookResult> run(HookCall call, Duration timeout) {
        LifecycleHandler handler = call.handler();
        if (handler.getExec() != null) {
            return command(call, timeout);
        } else if (handler.getHttpGet() != null) {
            return request(call, handler.getHttpGet(), timeout);
        } else if (handler.getSleep() != null) {
            return sleep(Duration.ofSeconds(handler.getSleep().getSeconds()), timeout);
        }
        return CompletableFuture.completedFuture(
                HookResult.failed("invalid handler: it says neither exec, httpGet nor sleep"));
    }

    private CompletableFuture<HookResult> command(HookCall call, Duration timeout) {
        CompletableFuture<ProbeResult> command =
                exec.run(call.containerId(), call.handler().getExec().getCommand(), timeout);
        CompletableFuture<HookResult> result = command.thenApply(LifecycleHooks::result);
        result.whenComplete((done, failure) -> {
            if (result.isCancelled()) {
                command.cancel(false);
            }
        });
        return result;
    }

    private static HookResult result(ProbeResult result) {
        if (result instanceof ProbeResult.Failed failed) {
            return HookResult.failed(failed.reason());
        } else if (result instanceof ProbeResult.NotTried error) {
            return HookResult.failed(error.reason());
        }
        return HookResult.SUCCEEDED;
    }

    // ---- httpGet: whatever the answer is, that there is one counts

    private CompletableFuture<HookResult> request(HookCall call, HTTPGetAction get, Duration timeout) {
        ProbeAction.HttpGet action;
        try {
            action = withUserAgent(
                    ProbeSpecs.http(call.container(), get, call.podIp().orElse("")));
        } catch (IllegalArgumentException e) {
            return CompletableFuture.completedFuture(HookResult.failed(String.valueOf(e.getMessage())));
        }
        CompletableFuture<HookResult> result = new CompletableFuture<>();
        ScheduledFuture<?> deadline = timers.schedule(
                () -> result.complete(HookResult.failed(
                        "Get \"%s\": no answer within %d s".formatted(action.url(), timeout.toSeconds()))),
                timeout.toMillis(),
                TimeUnit.MILLISECONDS);
        result.whenComplete((done, failure) -> deadline.cancel(false));
        prober.get()
                .tryOnce(action, timeout)
                .thenCompose(answer -> answer instanceof ProbeResult.Failed failed && failed.withoutTls()
                        ? withoutTls(call, action, timeout)
                        : CompletableFuture.completedFuture(answer))
                .thenAccept(answer -> result.complete(result(answer)));
        return result;
    }

    /** Servers that never spoke TLS were asked without it once; the kubelet still falls back, and says so. */
    private CompletableFuture<ProbeResult> withoutTls(HookCall call, ProbeAction.HttpGet action, Duration timeout) {
        ProbeAction.HttpGet plain = new ProbeAction.HttpGet(
                false,
                action.host(),
                action.port(),
                action.path(),
                action.headers().stream()
                        // not to be read on the way
                        .filter(header -> !header.getKey().equalsIgnoreCase("Authorization"))
                        .toList(),
                action.anyStatus());
        return prober.get().tryOnce(plain, timeout).thenApply(result -> {
            if (result.isSuccess()) {
                events.record(
                        call.pod(),
                        Optional.of(call.container().getName()),
                        true,
                        "LifecycleHTTPFallback",
                        "request to HTTPS lifecycle hook %s:%d failed over TLS; it was answered over plain HTTP: set scheme: HTTP"
                                .formatted(action.host(), action.port()));
            }
            return result;
        });
    }

    private static ProbeAction.HttpGet withUserAgent(ProbeAction.HttpGet get) {
        List<Map.Entry<String, String>> headers = new ArrayList<>(get.headers());
        if (headers.stream().noneMatch(header -> header.getKey().equalsIgnoreCase("User-Agent"))) {
            headers.add(Map.entry("User-Agent", USER_AGENT));
        }
        return new ProbeAction.HttpGet(get.tls(), get.host(), get.port(), get.path(), headers, true);
    }

    // ---- sleep

    private CompletableFuture<HookResult> sleep(Duration duration, Duration timeout) {
        boolean tooLong = duration.compareTo(timeout) > 0;
        HookResult end = tooLong
                ? HookResult.failed(
                        "sleep of %d s was ended after %d s".formatted(duration.toSeconds(), timeout.toSeconds()))
                : HookResult.SUCCEEDED;
        CompletableFuture<HookResult> result = new CompletableFuture<>();
        ScheduledFuture<?> timer = timers.schedule(
                () -> result.complete(end), (tooLong ? timeout : duration).toMillis(), TimeUnit.MILLISECONDS);
        result.whenComplete((done, failure) -> timer.cancel(false));
        return result;
    }
}
