package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.netlink.NfTablesMonitor.Removal;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableGuardTest {
    private final Deque<Runnable> timers = new ArrayDeque<>();
    private int restored;
    private boolean broken;

    private final TableGuard guard = new TableGuard(
            new TableGuard.Table() {
                @Override
                public boolean wants(Removal removal) {
                    return removal.table().equals("gantry");
                }

                @Override
                public void restore() throws ErrnoException {
                    restored++;
                    if (broken) {
                        throw new ErrnoException("netlink: nf_tables: add table", Errno.EPERM);
                    }
                }
            },
            (delay, task) -> {
                assertThat(delay).isEqualTo(Duration.ofSeconds(1));
                timers.add(task);
            });

    private void removed(String... tables) {
        guard.heard(List.of(tables).stream().map(table -> new Removal(table, 1)).toList());
    }

    @Test
    void oneFlushIsOneRestoration() {
        removed("filter", "nat");
        assertThat(restored).isZero();
        removed("filter", "gantry", "gantry");
        assertThat(restored).isEqualTo(1);
        timers.remove().run();
        assertThat(restored).isEqualTo(1);
        assertThat(timers).isEmpty();
    }

    @Test
    void whoeverRemovesItAgainAndAgainIsAnsweredOnceASecond() {
        removed("gantry");
        removed("gantry");
        removed("gantry");
        assertThat(restored).isEqualTo(1);
        timers.remove().run();
        assertThat(restored).isEqualTo(2);
        removed("gantry");
        timers.remove().run();
        assertThat(restored).isEqualTo(3);
    }

    @Test
    void aRestorationThatFailsIsALimitationUntilOneSucceeds() {
        broken = true;
        removed("gantry");
        assertThat(guard.failure().orElseThrow().toString())
                .contains("another program removed the agent's nftables table")
                .contains("EPERM");
        timers.remove().run();
        broken = false;
        removed("gantry");
        assertThat(guard.failure()).isEmpty();
    }
}
