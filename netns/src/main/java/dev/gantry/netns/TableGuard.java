package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.netlink.NfTablesMonitor;
import java.io.Closeable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Brings the agent's nftables table back when another program removes it or parts of it, as firewall scripts do that begin with
 * {@code nft flush ruleset}.
 */
final class TableGuard implements Closeable {
    /** Between two restorations: with a program that removes the table again and again nobody is to run a race. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** What can be restored. */
    interface Table {
        /** Whether this removal took something that is to be there. */
        boolean wants(NfTablesMonitor.Removal removal);

        /** Makes it anew. */
        void restore() throws ErrnoException;
    }

    /** Runs something later. */
    interface Later {
        void run(Duration delay, Runnable task);
    }

    private final Table table;
    private final Later later;
    private boolean pausing;
    private boolean again;
    private Optional<NetworkLimitation> failure = Optional.empty();
    private @Nullable Closeable watch;

    TableGuard(Table table, Later later) {
        this.table = table;
        this.later = later;
    }

    /** Begins to listen, on a thread of its own, to the network namespace of the calling thread. */
    static TableGuard start(Linux linux, Table table) throws ErrnoException {
        NfTablesMonitor monitor = NfTablesMonitor.open();
        EventLoop loop;
        try {
            loop = EventLoop.start(linux, "network-events", (name, failure) -> {});
        } catch (ErrnoException e) {
            monitor.close();
            throw e;
        }
        TableGuard guard = new TableGuard(table, loop::schedule);
        guard.watch = () -> {
            loop.close();
            monitor.close();
        };
        try {
            EventLoop.Registration unused =
                    loop.register("nftables", monitor.fd(), Poll.EPOLLIN, events -> guard.heard(monitor));
        } catch (ErrnoException e) {
            guard.close();
            throw e;
        }
        return guard;
    }

    private void heard(NfTablesMonitor monitor) throws ErrnoException {
        try {
            heard(monitor.read());
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOBUFS)) {
                throw e;
            }
            restore(); // nobody knows what was among the lost
        }
    }

    /** Takes notifications. */
    void heard(List<NfTablesMonitor.Removal> removals) {
        if (removals.stream().anyMatch(table::wants)) {
            restore();
        }
    }

    private synchronized void restore() {
        if (pausing) {
            again = true;
            return;
        }
        pausing = true;
        later.run(PAUSE, this::paused);
        try {
            table.restore();
            failure = Optional.empty();
        } catch (ErrnoException e) {
            failure = Optional.of(new NetworkLimitation(
                    "masquerade and hostPort",
                    "another program removed the agent's nftables table, and to make it anew failed: " + e.getMessage(),
                    "restart the agent"));
        }
    }

    private synchronized void paused() {
        pausing = false;
        if (again) {
            again = false;
            restore();
        }
    }

    /** Why the table is not there. */
    synchronized Optional<NetworkLimitation> failure() {
        return failure;
    }

    @Override
    public void close() {
        Closeable open = watch;
        watch = null;
        if (open != null) {
            try {
                open.close();
            } catch (java.io.IOException e) {
                // neither of the two fails
            }
        }
    }
}
