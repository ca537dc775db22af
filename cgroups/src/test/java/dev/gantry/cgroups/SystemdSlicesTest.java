package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SystemdSlicesTest {
    private static final String POD = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_3.slice";
    private static final String UNIT = "kubepods-burstable-pod12_3.slice";

    private final List<String> calls = new ArrayList<>();
    private String answer = "";

    private final SystemdSlices slices = new SystemdSlices((method, arguments) -> {
        calls.add(method + " " + String.join(" ", arguments));
        if (calls.size() == 1 && !answer.isEmpty()) {
            throw new CgroupException(answer, null);
        }
    });

    @Test
    void whatSystemdKnowsIsSaidInItsWords() {
        CgroupResources resources = CgroupResources.builder()
                .cpuQuota(50_500, 100_000)
                .memoryLimitBytes(1 << 20)
                .memorySwapLimitBytes(-1)
                .pidsLimit(7)
                .hugepageLimits(Map.of("2MB", 0L))
                .unified(Map.of("cpu.weight", "20", "memory.low", "4096"))
                .build();

        assertThat(SystemdSlices.properties(resources))
                .isEqualTo(Map.of(
                        "CPUQuotaPerSecUSec", "510000",
                        "CPUQuotaPeriodUSec", "100000",
                        "CPUWeight", "20",
                        "MemoryLow", "4096",
                        "MemoryMax", "1048576",
                        "MemorySwapMax", "18446744073709551615",
                        "TasksMax", "7"));
    }

    @Test
    void noQuotaIsInfinite() {
        assertThat(SystemdSlices.properties(
                        CgroupResources.builder().cpuQuota(-1, 100_000).build()))
                .containsEntry("CPUQuotaPerSecUSec", "18446744073709551615");
    }

    @Test
    void aPodsSliceIsStarted() throws Exception {
        slices.apply(POD, CgroupResources.builder().pidsLimit(7).build());

        assertThat(calls)
                .containsExactly("StartTransientUnit ssa(sv)a(sa(sv)) " + UNIT
                        + " replace 2 Description s Pods of Kubernetes, " + UNIT + " TasksMax t 7 0");
    }

    @Test
    void oneThatIsThereIsChanged() throws Exception {
        answer = "Call failed: Unit " + UNIT + " was already loaded or has a fragment file.";

        slices.apply(POD, CgroupResources.builder().pidsLimit(7).build());

        assertThat(calls).hasSize(2);
        assertThat(calls.get(1)).isEqualTo("SetUnitProperties sba(sv) " + UNIT + " true 1 TasksMax t 7");
    }

    @Test
    void oneThatIsGoneNeedsNoEnd() throws Exception {
        answer = "Call failed: Unit " + UNIT + " not loaded.";

        slices.remove(POD);

        assertThat(calls).containsExactly("StopUnit ss " + UNIT + " replace");
    }

    @Test
    void whatSystemdRefusesIsTold() {
        answer = "StartTransientUnit of systemd: Call failed: Access denied";

        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> slices.apply(POD, CgroupResources.NONE))
                .withMessage(answer);
        assertThatExceptionOfType(CgroupException.class)
                .isThrownBy(() -> slices.apply("kubepods/pod1", CgroupResources.NONE))
                .withMessageContaining("kubepods/pod1");
    }
}
