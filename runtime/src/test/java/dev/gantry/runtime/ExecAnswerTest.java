package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.ExecSyncResponse;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecAnswerTest {
    private static final int MOST = 16 << 20;

    @ParameterizedTest
    @CsvSource({
        "10, 20, 10, 20",
        "16777216, 0, 16776192, 0",
        "16777216, 5, 16776187, 5",
        "5, 16777216, 5, 16776187",
        "16777216, 16777216, 8388096, 8388096",
        "8388608, 16777216, 8388096, 8388096",
    })
    void theAnswerFitsIntoAMessageAndTheShorterOutputIsWhole(int out, int err, int keptOut, int keptErr) {
        ExecSyncResponse answer = Execs.answer(bytes(out), bytes(err), 3);

        assertThat(answer.getStdout().size()).isEqualTo(keptOut);
        assertThat(answer.getStderr().size()).isEqualTo(keptErr);
        assertThat(answer.getExitCode()).isEqualTo(3);
        assertThat(answer.getSerializedSize()).isLessThanOrEqualTo(CriTransport.MAX_MESSAGE_BYTES);
    }

    private static ByteString bytes(int length) {
        return ByteString.copyFrom(new byte[Math.min(length, MOST)]);
    }
}
