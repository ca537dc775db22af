package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmptyCgroupsTest {
    private static final String POD = "/kubepods/besteffort/pod1";

    @TempDir
    Path root;

    private Path make(String path) throws IOException {
        return Files.createDirectories(root.resolve(path));
    }

    @Test
    void everyHierarchyOfVersion1IsSwept() throws IOException {
        Path memory = make("memory" + POD);
        Path systemd = make("systemd" + POD);
        Path other = make("memory/kubepods/besteffort/pod2");

        new EmptyCgroups(root).remove(POD);

        assertThat(memory).doesNotExist();
        assertThat(systemd).doesNotExist();
        assertThat(other).exists();
    }

    @Test
    void version2HasOneHierarchy() throws IOException {
        Files.createFile(root.resolve("cgroup.controllers"));
        Path pod = make(POD.substring(1));
        Path another = make("memory" + POD);

        new EmptyCgroups(root).remove(POD);

        assertThat(pod).doesNotExist();
        assertThat(another).exists();
    }

    @Test
    void whatIsNotEmptyStays() throws IOException {
        Path container = make("memory" + POD + "/c1");

        new EmptyCgroups(root).remove(POD);

        assertThat(container).exists();
    }

    @Test
    void aPathThatLeavesTheHierarchyIsNotFollowed() throws IOException {
        Path outside = make("outside");
        make("memory");

        new EmptyCgroups(root).remove("/../outside");
        new EmptyCgroups(root).remove("/");

        assertThat(outside).exists();
        assertThat(root.resolve("memory")).exists();
    }
}
