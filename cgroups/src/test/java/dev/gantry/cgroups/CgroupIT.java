package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gantry.linux.BpfCalls;
import dev.gantry.linux.ChildProcess;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Signal;
import dev.gantry.linux.SpawnRequest;
import dev.gantry.linux.Stat;
import dev.gantry.linux.Wait;
import dev.gantry.testing.RequiresCgroupController;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The real cgroup2 tree, whatever controllers it has. Works in a directory of its own and removes it. */
@RequiresRoot
@RequiresCgroupController
class CgroupIT extends CgroupContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Linux linux = Linux.system();
    private final List<ChildProcess> children = new ArrayList<>();
    private CgroupTree tree;

    @Override
    CgroupTree tree() {
        return tree;
    }

    @Override
    int process() throws IOException {
        ChildProcess child =
                linux.processes().spawn(SpawnRequest.of("/bin/sleep", "1000").build());
        children.add(child);
        return child.pid();
    }

    @BeforeEach
    void discover() throws IOException {
        String name = "gantry-it-" + ProcessHandle.current().pid();
        tree = CgroupTree.discover(linux, CgroupSettings.DEFAULT.withSubtree(name));
    }

    @AfterEach
    void removeEverything() throws IOException {
        for (ChildProcess child : children) {
            linux.processes().pidfdSendSignal(child.pidfd(), Signal.SIGKILL);
            linux.processes().waitid(child.pidfd(), Wait.WEXITED);
            child.close();
        }
        if (!tree.root().tryRemove()) {
            tree.root().kill();
            tree.root().removeRecursively(PATIENCE);
        }
    }

    @Test
    void aChangeIsMadeWholeOrNotAtAll() throws IOException {
        PodCgroup pod = tree.pod(QosClass.BEST_EFFORT, "u");
        pod.create(CgroupResources.NONE);
        // By name: the first is written before the second is refused.
        CgroupResources half = CgroupResources.builder()
                .unified(Map.of("cgroup.max.depth", "7", "cgroup.max.descendants", "nonsense"))
                .build();

        assertThatThrownBy(() -> pod.cgroup().change(half)).hasMessageContaining("write \"nonsense\"");
        assertThat(Path.of(pod.cgroup().path(), "cgroup.max.depth")).hasContent("max");

        pod.cgroup()
                .change(CgroupResources.builder()
                        .unified(Map.of("cgroup.max.depth", "9"))
                        .build());
        assertThatThrownBy(() -> pod.cgroup().change(half)).hasMessageContaining("write \"nonsense\"");
        assertThat(Path.of(pod.cgroup().path(), "cgroup.max.depth")).hasContent("9");
    }

    @Test
    void eachControllerIsAvailableOrExplained() {
        for (Controller controller : Controller.values()) {
            boolean explained = tree.missing().stream()
                    .anyMatch(missing -> missing.what().equals("cgroup controller " + controller.kernelName()));
            assertThat(explained).isNotEqualTo(tree.availableControllers().contains(controller));
        }
        assertThat(tree.missing())
                .allSatisfy(missing -> assertThat(missing.reason()).isNotEmpty());
    }

    @Test
    void killAndRemoveEndsEveryProcessAndTheDirectories() throws Exception {
        PodCgroup pod = tree.pod("/kubepods/besteffort/podabc");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c1", CgroupResources.NONE);
        Cgroup container = pod.container("c1");
        Cgroup exec = container.child("exec-1");
        exec.create();
        try (EventLoop loop = EventLoop.start(linux, "test", (name, e) -> e.printStackTrace());
                CgroupEvents events = new CgroupEvents(linux, loop);
                ChildProcess first = sleepIn(container);
                ChildProcess second = sleepIn(exec)) {
            BlockingQueue<String> heard = new LinkedBlockingQueue<>();
            events.watch(pod.cgroup(), new CgroupEvents.Listener() {
                @Override
                public void populated(boolean populated) {
                    heard.add("populated " + populated);
                }

                @Override
                public void frozen(boolean frozen) {
                    heard.add("frozen " + frozen);
                }
            });
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("populated true");
            assertThat(container.processes()).containsExactly(first.pid());
            assertThat(pod.cgroup().allProcesses()).containsExactlyInAnyOrder(first.pid(), second.pid());
            assertThat(pod.cgroup().tryRemove()).isFalse();

            pod.cgroup().setFrozen(true);
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("frozen true");
            pod.cgroup().setFrozen(false);
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("frozen false");

            CompletableFuture<Void> removed = events.killAndRemove(pod.cgroup(), PATIENCE);
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("populated false");
            removed.get(10, TimeUnit.SECONDS);
            assertThat(pod.cgroup().exists()).isFalse();
            for (ChildProcess child : List.of(first, second)) {
                assertThat(linux.processes()
                                .waitid(child.pidfd(), Wait.WEXITED)
                                .orElseThrow()
                                .status())
                        .isEqualTo(Signal.SIGKILL);
            }
            assertThat(heard).isEmpty();
        }
    }

    @Test
    void aCgroupThatDoesNotEmptyIsAnErrorThatNamesWhoIsInIt() throws Exception {
        PodCgroup pod = tree.pod(QosClass.GUARANTEED, "x");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        try (ChildProcess child = sleepIn(pod.container("c"))) {
            assertThatExceptionOfType(CgroupException.class)
                    .isThrownBy(() -> pod.cgroup().removeRecursively(Duration.ofMillis(1)))
                    .withMessageContaining("podx")
                    .withMessageContaining(child.pid() + " (sleep)");
            pod.remove(PATIENCE);
            assertThat(pod.cgroup().exists()).isFalse();
            linux.processes().waitid(child.pidfd(), Wait.WEXITED);
        }
    }

    @Test
    void theDeviceFilterHoldsAndIsReplaced() throws Exception {
        PodCgroup pod = tree.pod(QosClass.GUARANTEED, "devices");
        pod.create(CgroupResources.NONE);
        pod.createContainer("c", CgroupResources.NONE);
        Cgroup cgroup = pod.container("c");
        DeviceFilter onlyNull = new DeviceFilter(List.of(DeviceRule.allow("c 1:3 rwm")));
        Optional<Missing> missing = onlyNull.attach(linux, cgroup);
        assumeTrue(missing.isEmpty(), () -> String.valueOf(missing));
        assertThat(readsIn(cgroup, "/dev/null")).isTrue();
        assertThat(readsIn(cgroup, "/dev/zero")).isFalse();
        assertThat(DeviceFilter.DEFAULT.attach(linux, cgroup)).isEmpty();
        assertThat(readsIn(cgroup, "/dev/zero")).isTrue();
        try (Fd directory = cgroup.open()) {
            assertThat(linux.bpf().progQuery(directory, BpfCalls.BPF_CGROUP_DEVICE))
                    .hasSize(1);
        }
        DeviceFilter noZero = DeviceFilter.ALLOW_ALL.with(List.of(DeviceRule.deny("c 1:5 r")));
        assertThat(noZero.attach(linux, cgroup)).isEmpty();
        assertThat(readsIn(cgroup, "/dev/zero")).isFalse();
        assertThat(readsIn(cgroup, "/dev/full")).isTrue();
    }

    @Test
    @RequiresCgroupController("memory")
    void aKillForLackOfMemoryIsHeardOf() throws Exception {
        PodCgroup pod = tree.pod(QosClass.GUARANTEED, "oom");
        pod.create(CgroupResources.NONE);
        CgroupResources resources = CgroupResources.builder()
                .memoryLimitBytes(16 << 20)
                .unified(Map.of("memory.oom.group", "1"))
                .build();
        assertThat(pod.createContainer("c", resources)).isEmpty();
        BlockingQueue<Long> heard = new LinkedBlockingQueue<>();
        try (EventLoop loop = EventLoop.start(linux, "test", (name, e) -> e.printStackTrace());
                CgroupEvents events = new CgroupEvents(linux, loop);
                FdPair pipe = linux.polling().pipe2(0)) {
            events.watch(pod.container("c"), new CgroupEvents.Listener() {
                @Override
                public void oomKilled(long total) {
                    heard.add(total);
                }
            });
            // a line without end, which tail has to keep
            SpawnRequest request = SpawnRequest.of("/bin/sh", "-c", "read line; exec tail /dev/zero")
                    .descriptor(0, pipe.first())
                    .build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                pod.container("c").addProcess(child.pid());
                linux.files().writeFully(pipe.second(), new byte[] {'\n'});
                // with memory.oom.group the kernel counts the first victim twice
                assertThat(heard.poll(60, TimeUnit.SECONDS)).isPositive();
                assertThat(linux.processes()
                                .waitid(child.pidfd(), Wait.WEXITED)
                                .orElseThrow()
                                .exitCode())
                        .isEqualTo(137);
            }
            assertThat(pod.container("c").oomKills()).isPositive();
        }
    }

    private ChildProcess sleepIn(Cgroup cgroup) throws IOException {
        ChildProcess child =
                linux.processes().spawn(SpawnRequest.of("/bin/sleep", "1000").build());
        cgroup.addProcess(child.pid());
        return child;
    }

    /** Whether a process in the cgroup can open the file: it waits for a byte until it has been moved. */
    private boolean readsIn(Cgroup cgroup, String file) throws IOException {
        try (FdPair pipe = linux.polling().pipe2(0)) {
            SpawnRequest request = SpawnRequest.of("/bin/sh", "-c", "read line; exec < " + file)
                    .descriptor(0, pipe.first())
                    .build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                cgroup.addProcess(child.pid());
                linux.files().writeFully(pipe.second(), new byte[] {'\n'});
                return linux.processes()
                                .waitid(child.pidfd(), Wait.WEXITED)
                                .orElseThrow()
                                .exitCode()
                        == 0;
            }
        }
    }

    @Test
    void theDirectoryIsGoodForCloneIntoCgroup() throws ErrnoException, IOException {
        try (Fd directory = tree.root().open()) {
            assertThat(linux.files().fstatfs(directory).type()).isEqualTo(Stat.CGROUP2_SUPER_MAGIC);
            assertThat(linux.files().fcntl(directory, Fcntl.F_GETFD, 0)).isEqualTo(Fcntl.FD_CLOEXEC);
        }
    }
}
