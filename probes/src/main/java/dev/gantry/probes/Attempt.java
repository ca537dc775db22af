package dev.gantry.probes;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One network attempt: its deadline, its connections, its one result. Confined to the event loop. */
final class Attempt {
    private static final Pattern NATIVE_FAILURE = Pattern.compile(".*\\(\\.\\.\\) failed with error\\(-\\d+\\): (.*)");

    private static final Pattern ADDRESS = Pattern.compile(": /\\S*:\\d+$");

    private final CompletableFuture<ProbeResult> result = new CompletableFuture<>();
    private final List<Channel> channels = new ArrayList<>(1);
    private final Future<?> deadline;

    Attempt(EventLoop loop, Duration timeout, String whatTimedOut) {
        deadline = loop.schedule(
                () -> end(new ProbeResult.Failed("%s: no answer within %s".formatted(whatTimedOut, text(timeout)))),
                timeout.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    CompletableFuture<ProbeResult> result() {
        return result;
    }

    boolean isOver() {
        return result.isDone();
    }

    /** Has {@code channel} closed when the attempt ends, also where it ended before. */
    void own(Channel channel) {
        if (isOver()) {
            channel.close();
        } else {
            channels.add(channel);
        }
    }

    /** The first call decides; later ones, from handlers of closing channels, change nothing. */
    void end(ProbeResult outcome) {
        if (result.isDone()) {
            return;
        }
        deadline.cancel(false);
        result.complete(outcome);
        channels.forEach(Channel::close);
    }

    /** Ends with what a connection attempt answered. An unreachable container has failed; an agent out of descriptors has not tried. */
    void endUnconnected(String what, Throwable cause) {
        if (cause instanceof ConnectException
                || cause instanceof NoRouteToHostException
                || cause instanceof UnknownHostException) {
            end(new ProbeResult.Failed(what + ": " + reason(cause)));
        } else if (cause instanceof RejectedExecutionException) {
            end(new ProbeResult.NotTried(what + ": " + reason(cause)));
        } else if (cause instanceof IOException
                && String.valueOf(cause.getMessage()).contains("Too many open files")) {
            end(new ProbeResult.NotTried(what + ": " + reason(cause) + "; raise the agent's LimitNOFILE"));
        } else {
            end(new ProbeResult.Failed(what + ": " + reason(cause)));
        }
    }

    static String reason(Throwable cause) {
        String message = cause.getMessage();
        if (cause instanceof UnknownHostException) {
            return "no such host " + message;
        }
        if (cause instanceof NoRouteToHostException) {
            // Netty's has no text, for an unreachable network as for an unreachable host.
            return "no route to host";
        }
        if (cause instanceof ConnectException && message != null && message.contains("refused")) {
            return "connection refused";
        }
        if (message == null) {
            return cause.getClass().getSimpleName();
        }
        // Netty names its own call before the system's words: "recvAddress(..) failed with error(-104): Connection
        // reset by peer", and the address behind them, which whoever reads this knows: "invalid argument:
        // /[fe80::1]:80".
        String said = ADDRESS.matcher(message).replaceFirst("");
        Matcher words = NATIVE_FAILURE.matcher(said);
        return words.matches() ? words.group(1).toLowerCase(Locale.ROOT) : said;
    }

    /** {@code 1s}, {@code 1.5s}, {@code 250ms}. */
    static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis < 1000) {
            return millis + "ms";
        }
        return millis % 1000 == 0 ? millis / 1000 + "s" : millis / 1000.0 + "s";
    }
}
