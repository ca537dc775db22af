package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HungProcessesTest {
    @TempDir
    Path proc;

    private void process(int pid, String stat, String wchan) throws IOException {
        Path directory = Files.createDirectories(proc.resolve(String.valueOf(pid)));
        Files.writeString(directory.resolve("stat"), stat);
        Files.writeString(directory.resolve("wchan"), wchan);
    }

    @Test
    void oneInUninterruptibleSleepIsNamedWithWhereItSleeps() throws IOException {
        process(41, "41 (dd) D 1 41 41 0 -1 4194304", "nfs_wait_bit_killable");
        process(42, "42 (a) b) (c) Z 1 42", "0");
        process(43, "43 (x\ny) R 1 43", "");

        assertThat(new HungProcesses(proc).describe(List.of(41, 42, 43, 44)))
                .isEqualTo(
                        "pid 41 (dd) in uninterruptible sleep (state D) in nfs_wait_bit_killable, pid 42 (a) b) (c) ended"
                                + " but not reaped (state Z), pid 43 (x\\x0ay) in state R, pid 44");
    }

    @Test
    void ofManySomeAreNamed() {
        assertThat(new HungProcesses(proc)
                        .describe(IntStream.rangeClosed(1, 9).boxed().toList()))
                .isEqualTo("pid 1, pid 2, pid 3, pid 4, pid 5, and 4 more");
        assertThat(new HungProcesses(proc).describe(List.of())).isEqualTo("no process of it is left in its cgroup");
    }
}
