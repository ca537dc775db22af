package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EmptyDirVolumeSource;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EmptyDirsTest {
    @TempDir
    Path directory;

    private final FakeHostMounts mounts = new FakeHostMounts();
    private final List<String> unlimited = new ArrayList<>();
    private EmptyDirs dirs = with(List.of());

    private EmptyDirs with(List<Path> tools) {
        return new EmptyDirs(mounts, new DiskImages(mounts, tools), Map.of("memory", new Quantity("1Gi")));
    }

    /** Where there is a {@code mkfs.ext4} that makes nothing and does not fail. */
    private List<Path> tools() throws IOException {
        Path tool = Files.createDirectories(directory.resolve("tools")).resolve("mkfs.ext4");
        Files.writeString(tool, "#!/bin/sh\n");
        Files.setAttribute(tool, "unix:mode", 0755);
        return List.of(tool.getParent());
    }

    @ParameterizedTest(name = "sizeLimit {0}, pod''s limit {1}: {2}")
    @CsvSource({
        ",     ,      1073741824",
        "64Mi, ,      67108864",
        "2Gi,  ,      1073741824",
        ",     32Mi,  33554432",
        "64Mi, 32Mi,  33554432",
        "16Mi, 32Mi,  16777216",
        "0,    32Mi,  33554432",
        "1.5,  ,      2",
    })
    void memoryHasTheLeastOfItsLimits(String sizeLimit, String podLimit, String expected) throws Exception {
        make("Memory", sizeLimit, podLimit == null ? Map.of() : Map.of("memory", podLimit));

        assertThat(mounts.calls).containsExactly("tmpfs " + expected);
    }

    @Test
    void whatIsMountedStays() throws Exception {
        make("Memory", null, Map.of());
        make("Memory", null, Map.of());

        assertThat(mounts.calls).hasSize(1);
        assertThat(Files.getPosixFilePermissions(directory.resolve("v"))).hasSize(9);
    }

    @ParameterizedTest(name = "{0}, limits {1}: {2}")
    @CsvSource({"HugePages-2Mi, hugepages-2Mi, 2M", "HugePages, hugepages-1Gi, 1G", "HugePages-1Gi, hugepages-1Gi, 1G"})
    void hugePagesAreOfTheSizeThatThePodHas(String medium, String resource, String expected) throws Exception {
        make(medium, null, Map.of(resource, "4Mi"));

        assertThat(mounts.calls).containsExactly("hugetlbfs " + expected);
    }

    @ParameterizedTest(name = "{0}, limits {1}")
    @CsvSource({
        "HugePages-2Mi, hugepages-1Gi, 'medium HugePages-2Mi needs huge pages of this size among the containers'' limits, which have [1Gi]'",
        "HugePages, memory, 'medium HugePages needs huge pages of one size among the containers'' limits, which have []'",
        "Tape, memory, 'unknown storage medium \"Tape\"; use \"\", Memory, HugePages or HugePages-<size>'",
    })
    void aMediumThatThereIsNotIsAnError(String medium, String resource, String message) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> make(medium, null, Map.of(resource, "4Mi")))
                .withMessage(message);
    }

    @Test
    void aLimitThatTheMachineCannotKeepIsReportedAndThePodRuns() throws Exception {
        make("", "1Mi", Map.of());

        assertThat(unlimited).containsExactly("there is no mkfs.ext4 on this machine; install e2fsprogs");
        assertThat(mounts.calls).isEmpty();
        assertThat(Files.getPosixFilePermissions(directory.resolve("v"))).hasSize(9);
    }

    @Test
    void whatIsInAPlainDirectoryIsNotMountedOverWhenTheMachineCanLimit() throws Exception {
        make("", "1Mi", Map.of());
        dirs = with(tools());
        Files.writeString(directory.resolve("v/data"), "x");

        make("", "1Mi", Map.of());
        assertThat(mounts.calls).isEmpty();
        assertThat(unlimited).last().isEqualTo("it was made as a plain directory, and stays one while its pod runs");

        Files.delete(directory.resolve("v/data"));
        make("", "1Mi", Map.of());
        assertThat(mounts.calls).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8191Pi", "8Ei"})
    void aLimitThatNoFileCanHaveIsReportedAndThePodRuns(String limit) throws Exception {
        dirs = with(tools());

        make("", limit, Map.of());

        assertThat(mounts.calls).isEmpty();
        assertThat(unlimited).singleElement().asString().startsWith("make a file system of ");
        assertThat(directory).isDirectoryNotContaining("glob:**.new");
    }

    @Test
    void whatAContainerDidToItsDirectoryStays() throws Exception {
        make("", null, Map.of());
        Files.setAttribute(directory.resolve("v"), "unix:mode", 0700);

        make("", null, Map.of());

        assertThat(Files.getPosixFilePermissions(directory.resolve("v"))).hasSize(3);
    }

    private void make(String medium, @Nullable String sizeLimit, Map<String, String> limits)
            throws IOException, VolumeException {
        Map<String, Quantity> quantities = new java.util.HashMap<>();
        limits.forEach((name, amount) -> quantities.put(name, new Quantity(amount)));
        PodSpec spec = new PodSpecBuilder()
                .addToContainers(new ContainerBuilder()
                        .withName("main")
                        .withNewResources()
                        .withLimits(quantities)
                        .endResources()
                        .build())
                .build();
        EmptyDirVolumeSource source =
                new EmptyDirVolumeSource(medium, null, sizeLimit == null ? null : new Quantity(sizeLimit));
        dirs.make(directory.resolve("v"), spec, source, OptionalInt.empty(), unlimited::add);
    }
}
