package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuValuesTest {
    @ParameterizedTest(name = "{0} shares are weight {1}")
    @CsvSource({
        "0, 1",
        "2, 1",
        "10, 4",
        "102, 17",
        "256, 35",
        "512, 59",
        "1024, 100",
        "2048, 174",
        "4096, 303",
        "16384, 942",
        "262144, 10000",
        "999999999, 10000"
    })
    void sharesBecomeTheWeightThatRuncAndCrunUse(long shares, long weight) {
        assertThat(CpuWeight.ofShares(shares).value()).isEqualTo(weight);
    }

    @ParameterizedTest(name = "a pod of {0} shares has weight {1}")
    @CsvSource({
        "0, 1",
        "2, 1",
        "102, 4",
        "204, 8",
        "512, 20",
        "1024, 39",
        "4096, 157",
        "262144, 10000",
        "999999999, 10000"
    })
    void podsAreWeighedInProportionToTheirRequests(long shares, long weight) {
        assertThat(CpuWeight.ofRequest(shares).value()).isEqualTo(weight);
    }

    @Test
    void moreSharesNeverGiveLessWeight() {
        long last = 0;
        for (long shares = 2; shares <= 262_144; shares += 7) {
            long weight = CpuWeight.ofShares(shares).value();
            assertThat(weight).isBetween(last, 10_000L);
            last = weight;
        }
    }

    @ParameterizedTest(name = "{0}m are {1} shares")
    @CsvSource({"0, 2", "1, 2", "100, 102", "250, 256", "1000, 1024", "4000, 4096", "10000000, 262144"})
    void requestsBecomeSharesAsTheKubeletComputesThem(long milliCpu, long shares) {
        assertThat(CpuWeight.sharesOfMilliCpu(milliCpu)).isEqualTo(shares);
    }

    @ParameterizedTest(name = "{0}m are \"{1}\"")
    @CsvSource({"0, max 100000", "1, 1000 100000", "10, 1000 100000", "500, 50000 100000", "2500, 250000 100000"})
    void limitsBecomeQuotasAsTheKubeletComputesThem(long milliCpu, String value) {
        assertThat(CpuMax.ofMilliCpu(milliCpu)).hasToString(value);
    }

    @ParameterizedTest(name = "{0} of {1} is \"{2}\"")
    @CsvSource({"-1, 100000, max 100000", "0, 50000, max 50000", "20000, 0, 20000 100000", "20000, 50000, 20000 50000"})
    void criQuotasAndPeriods(long quota, long period, String value) {
        assertThat(CpuMax.ofCri(quota, period)).hasToString(value);
    }

    @Test
    void whatTheKernelWouldRefuseIsRefusedWithTheValue() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CpuMax.ofCri(999, 0))
                .withMessage("CPU quota is below 1000 us: 999");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CpuMax.ofCri(0, 2_000_000))
                .withMessageContaining("2000000");
    }
}
