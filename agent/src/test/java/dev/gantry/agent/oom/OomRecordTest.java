package dev.gantry.agent.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.oom.OomRecord.Place;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OomRecordTest {
    private static final String IN_CGROUP =
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s,task_memcg=%s,task=%s,pid=4711,uid=0";

    @Test
    void aKillInACgroupNamesItsVictim() {
        String cgroup = "/system.slice/gantry-pods.service/kubepods/burstable/pod0a1b/c0ffee";

        OomRecord record =
                OomRecord.parse(IN_CGROUP.formatted(cgroup, cgroup, "tail")).orElseThrow();

        assertThat(record).isEqualTo(new OomRecord(false, cgroup, "tail", 4711));
        assertThat(record.place()).contains(new Place("0a1b", "c0ffee"));
        assertThat(record.reason()).isEqualTo("OOMKilling");
        assertThat(record.message()).isEqualTo("Memory cgroup out of memory: Killed process 4711 (tail)");
    }

    @Test
    void aKillOnTheWholeMachineIsTheSystems() {
        OomRecord record = OomRecord.parse(
                        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=kubepods,mems_allowed=0,global_oom,task_memcg=/kubepods/besteffort/podx/y,task=java,pid=12,uid=1000")
                .orElseThrow();

        assertThat(record.place()).contains(new Place("x", "y"));
        assertThat(record.reason()).isEqualTo("SystemOOM");
        assertThat(record.message()).isEqualTo("System OOM encountered, victim process: java, pid: 12");
    }

    @Test
    void aProcessMayBeCalledAnything() {
        OomRecord record = OomRecord.parse(IN_CGROUP.formatted("/a", "/a", "x,pid=1,uid=0"))
                .orElseThrow();

        assertThat(record.task()).isEqualTo("x,pid=1,uid=0");
        assertThat(record.pid()).isEqualTo(4711);
        assertThat(OomRecord.parse(IN_CGROUP.formatted("/a", "/a", "x,global_oom"))
                        .orElseThrow()
                        .system())
                .isFalse();
    }

    @ParameterizedTest(name = "{0}: {1}, {2}")
    @CsvSource(
            nullValues = "-",
            value = {
                "/kubepods/podu-1/c1, u-1, c1",
                "/kubepods/burstable/podu-1/c1/exec-7, u-1, c1",
                "/gantry-x/kubepods/besteffort/podu-1/c1, u-1, c1",
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_ab.slice/cri-containerd-c1.scope, 12-ab, c1",
                "/kubepods.slice/kubepods-pod12_ab.slice/gantry-c1.scope/exec-1, 12-ab, c1",
                "/kubepods/burstable, -, -",
                "/user.slice/podman/x, -, -",
                "/, -, -",
            })
    void theCgroupTellsWhoseAVictimWas(String cgroup, String uid, String container) {
        assertThat(new OomRecord(false, cgroup, "x", 1).place())
                .isEqualTo(uid == null ? java.util.Optional.empty() : java.util.Optional.of(new Place(uid, container)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Memory cgroup out of memory: Killed process 1 (x)",
                "oom-kill:constraint=CONSTRAINT_MEMCG",
                "user says oom-kill:constraint=CONSTRAINT_NONE,a,global_oom,task_memcg=/,task=x,pid=1,uid=0",
            })
    void otherMessagesAreNone(String message) {
        assertThat(OomRecord.parse(message)).isEmpty();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "6,278527,19659570695,-;hello                 | hello",
                "4,1,2,-,caller=T1;hello; there               | hello; there",
                // facility 1: written by a process
                "12,1,2,-;oom-kill:constraint=CONSTRAINT_NONE | -",
                "no record at all                             | -",
                ";                                            | -",
            })
    void onlyTheKernelsOwnMessagesCount(String record, String message) {
        assertThat(KernelLog.message(record)).isEqualTo(java.util.Optional.ofNullable(message));
    }

    @Test
    void whatFollowsAMessageIsNoPartOfIt() {
        assertThat(KernelLog.message("6,1,2,-;hello\n SUBSYSTEM=net\n")).contains("hello");
    }
}
