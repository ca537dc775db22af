package dev.gantry.agent.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.event.PodReference;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import dev.gantry.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

@RequiresRoot
class OomEventsIT {
    private static final String LINE =
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/kubepods/pod%s/c1,task=tail,pid=7,uid=0";

    private final BlockingQueue<String> recorded = new LinkedBlockingQueue<>();

    @Test
    void theKernelsLogIsFollowedAndNobodyElseIsBelieved() throws Exception {
        BlockingQueue<Throwable> errors = new LinkedBlockingQueue<>();
        Linux linux = Linux.system();
        try (EventLoop loop = EventLoop.start(linux, "oom-test", (name, error) -> errors.add(error));
                OomEvents oom = OomEvents.start(linux, loop, this::record, this::recordOfNode, OomEventsIT::owner)) {
            if (!oom.needsCgroups()) {
                // What a process writes has another facility than the kernel's own messages.
                Files.writeString(Path.of(KernelLog.PATH), "<4>" + LINE.formatted("forged"));
            }
            oom.logged(LINE.formatted("u1"));

            assertThat(recorded.poll(10, TimeUnit.SECONDS))
                    .isEqualTo("u1 app OOMKilling Memory cgroup out of memory: Killed process 7 (tail)");
            loop.execute(() -> recorded.add("the loop went on"));
            assertThat(recorded.poll(10, TimeUnit.SECONDS)).isEqualTo("the loop went on");
        }
        assertThat(errors).isEmpty();
    }

    @Test
    void aVictimInNoPodIsTheNodesIfTheMachineRanOutOfMemory() throws Exception {
        Linux linux = Linux.system();
        try (EventLoop loop = EventLoop.start(linux, "oom-test", (name, error) -> {});
                OomEvents oom = OomEvents.start(linux, loop, this::record, this::recordOfNode, OomEventsIT::owner)) {
            oom.logged(
                    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/system.slice/a,task=tail,pid=7,uid=0");
            oom.logged(
                    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/b,task=java,pid=12,uid=0");

            assertThat(recorded.poll(10, TimeUnit.SECONDS))
                    .isEqualTo("node SystemOOM System OOM encountered, victim process: java, pid: 12");
        }
    }

    private static Optional<OomEvents.Owner> owner(String uid, String container) {
        return Optional.of(new OomEvents.Owner(new PodReference("default", "web", uid), Optional.of("app")));
    }

    private void record(PodReference pod, Optional<String> container, boolean warning, String reason, String message) {
        recorded.add(pod.uid() + " " + container.orElse("-") + " " + reason + " " + message);
    }

    private void recordOfNode(boolean warning, String reason, String message) {
        recorded.add("node " + reason + " " + message);
    }
}
