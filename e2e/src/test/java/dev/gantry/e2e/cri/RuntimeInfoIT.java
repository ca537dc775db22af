package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.CgroupDriver;
import dev.gantry.cri.v1.CheckpointContainerRequest;
import dev.gantry.cri.v1.RuntimeCondition;
import dev.gantry.cri.v1.RuntimeConfigRequest;
import dev.gantry.cri.v1.RuntimeHandler;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.StatusResponse;
import dev.gantry.cri.v1.UpdateRuntimeConfigRequest;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.cri.v1.VersionResponse;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** What a runtime says of itself. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record RuntimeInfoIT(CriServer cri) {
    @Test
    void theVersionNamesRuntimeAndApi() {
        VersionResponse version = cri.runtime()
                .version(VersionRequest.newBuilder().setVersion("v1").build());

        assertThat(version.getRuntimeName()).isNotEmpty();
        assertThat(version.getRuntimeVersion()).isNotEmpty();
        assertThat(version.getRuntimeApiVersion()).isEqualTo("v1");
        assertThat(version.getVersion()).isEqualTo("0.1.0");
    }

    @Test
    void runtimeAndNetworkAreReady() {
        StatusResponse status = cri.runtime().status(StatusRequest.getDefaultInstance());
        Map<String, Boolean> conditions = status.getStatus().getConditionsList().stream()
                .collect(Collectors.toMap(RuntimeCondition::getType, RuntimeCondition::getStatus));

        assertThat(conditions).containsEntry("RuntimeReady", true).containsEntry("NetworkReady", true);
        assertThat(status.getInfoMap()).isEmpty();
    }

    @Test
    void verboseStatusHasMore() {
        assertThat(cri.runtime()
                        .status(StatusRequest.newBuilder().setVerbose(true).build())
                        .getInfoMap())
                .isNotEmpty();
    }

    @Test
    void theDefaultHandlerHasFeatures() {
        cri.requires(Feature.HANDLER_FEATURES);
        StatusResponse status = cri.runtime().status(StatusRequest.getDefaultInstance());

        RuntimeHandler handler = status.getRuntimeHandlersList().stream()
                .filter(each -> each.getName().isEmpty())
                .findFirst()
                .orElseThrow();
        assertThat(handler.getFeatures().getRecursiveReadOnlyMounts()).isTrue();
        assertThat(status.getFeatures().getSupplementalGroupsPolicy()).isTrue();
    }

    @Test
    void theCgroupDriverIsTold() {
        cri.requires(Feature.RUNTIME_CONFIG);
        assertThat(cri.runtime()
                        .runtimeConfig(RuntimeConfigRequest.getDefaultInstance())
                        .getLinux()
                        .getCgroupDriver())
                .isEqualTo(CgroupDriver.CGROUPFS);
    }

    @Test
    void aPodRangeIsTakenNoteOf() {
        assertThatCode(() -> cri.runtime().updateRuntimeConfig(UpdateRuntimeConfigRequest.getDefaultInstance()))
                .doesNotThrowAnyException();
    }

    @Test
    void checkpointsAreNotOffered() {
        cri.requires(Feature.NO_CHECKPOINTS);
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> cri.runtime()
                        .checkpointContainer(CheckpointContainerRequest.newBuilder()
                                .setContainerId("any")
                                .build()))
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED));
    }
}
