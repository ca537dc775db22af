package dev.gantry.agent.cri;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CriExceptionTest {
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "UNIMPLEMENTED, unknown method UpdatePodSandboxResources, true",
        // as containerd 2.2 says it
        "UNKNOWN, not implemented yet, true",
        "UNKNOWN, write memory.max: EBUSY, false",
        "UNAVAILABLE, not implemented yet, false",
    })
    void aCallThatARuntimeDoesNotHaveIsRecognised(Status.Code code, String description, boolean unimplemented) {
        CriException failure = CriException.of(
                "UpdatePodSandboxResources",
                "sandbox 1",
                code.toStatus().withDescription(description).asRuntimeException());

        assertThat(failure.isUnimplemented()).isEqualTo(unimplemented);
    }
}
