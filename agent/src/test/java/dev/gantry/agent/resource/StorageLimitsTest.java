package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.resource.StorageLimits.Usage;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StorageLimitsTest {
    private static final String POD = "Pod ephemeral local storage usage exceeds the total limit of containers ";
    private static final String CONTAINER = "Container a exceeded its local ephemeral storage limit ";

    /** Limits by container ({@code -}: none; {@code init}: of an init container), usage in KiB by container and of volumes. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '\'',
            value = {
                "no limit at all; a=-; a=9000; 9000; none",
                "less; a=1Mi; a=1000; 0; none",
                "exactly as much; a=1Mi; a=1000; 24; none",
                "a byte of a volume more; a=1Mi; a=1024; 1; pod 1Mi",
                "the pod comes first; a=1Mi; a=1025; 0; pod 1Mi",
                "limits add up; a=1Mi,b=1Mi; a=1000,b=1000; 49; pod 2Mi",
                "one of two, the pod has enough; a=1Mi,b=3Mi; a=1025,b=0; 0; container 1Mi",
                "the other has no limit; a=1Mi,b=-; a=10,b=9000; 9000; none",
                "the one that has a limit keeps to it; a=1Mi,b=-; a=1025,b=0; 0; container 1Mi",
                "a larger init container; a=1Mi,init=4Mi; a=1024; 2048; none",
                "a larger init container and yet too much; a=1Mi,init=4Mi; a=1024; 3073; pod 4Mi",
                "its container alone is over; a=1Mi,init=4Mi; a=1025; 0; container 1Mi",
                "an init container without limit; a=1Mi,init=-; a=10; 9000; none",
                "a container that does not run; a=1Mi,b=1Mi; a=10; 0; none",
                "what adds up to a whole; a=512Ki,b=512Ki; a=1025,b=0; 0; pod 1Mi",
                "in thousands; a=2M,b=3M; a=9000,b=0; 0; pod 5M",
                "thousands of a container; a=1500k,b=9M; a=1600,b=0; 0; container 1500k",
                "written out; a=1000001,b=9M; a=1600,b=0; 0; container 1000001",
                "written in another unit; a=2048Ki; a=9000; 0; pod 2Mi",
            })
    void aPodIsHeldAgainstItsLimits(String what, String limits, String used, long volumes, String verdict) {
        Map<String, Long> usage = new TreeMap<>();
        for (String each : used.split(",", -1)) {
            usage.put(each.split("=", -1)[0], Long.parseLong(each.split("=", -1)[1]) << 10);
        }

        String said = StorageLimits.exceeded(pod(limits).getSpec(), new Usage(usage, volumes << 10))
                .orElse("none");

        assertThat(said)
                .isEqualTo(
                        verdict.startsWith("pod ")
                                ? POD + verdict.substring(4) + ". "
                                : verdict.startsWith("container ")
                                        ? CONTAINER + '"' + verdict.substring(10) + "\". "
                                        : "none");
        assertThat(StorageLimits.any(pod(limits).getSpec())).isEqualTo(!limits.equals("a=-"));
    }

    private static Pod pod(String limits) {
        StringBuilder containers = new StringBuilder();
        String init = "";
        for (String each : limits.split(",", -1)) {
            String name = each.split("=", -1)[0];
            String limit = each.split("=", -1)[1];
            String container =
                    Specs.container(name, "{}", limit.equals("-") ? "{}" : "{ephemeral-storage: " + limit + "}");
            if (name.equals("init")) {
                init = container;
            } else {
                containers.append(containers.length() == 0 ? "" : ", ").append(container);
            }
        }
        return Specs.pod("{containers: [%s], initContainers: [%s]}".formatted(containers, init));
    }
}
