package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.resource.Amounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineResourcesTest {
    @TempDir
    Path root;

    private void file(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    @Test
    void aNumberOfTheKernelIsReadWhole() throws IOException {
        // Files.readString would give its first digit.
        assertThat(MachineResources.text(Path.of("/proc/sys/kernel/pid_max"))).matches("[0-9]{3,7}");
    }

    @Test
    void theCapacityIsReadFromTheKernelsFiles() throws IOException {
        file("proc/meminfo", "MemTotal:        2000 kB\nMemFree:   1 kB\nSwapTotal:        300 kB\n");
        file("proc/sys/kernel/pid_max", "4194304\n");
        file("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "3\n");
        file("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
        file("sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "1\n");
        MachineResources machine = new MachineResources(root);

        Amounts capacity = machine.capacity(3, root.resolve("state/not/made/yet"));

        assertThat(machine.swapBytes()).isEqualTo(300 << 10);
        assertThat(capacity.values())
                .containsEntry("cpu", 3000L)
                .containsEntry("memory", 2000L << 10)
                .containsEntry("pid", 4_194_304L)
                .containsEntry("hugepages-2Mi", 6L << 20)
                .containsEntry("hugepages-1Gi", 0L)
                .containsEntry("hugepages-64Ki", 64L << 10);
        assertThat(capacity.get("ephemeral-storage"))
                .isEqualTo(Files.getFileStore(root).getTotalSpace());
    }
}
