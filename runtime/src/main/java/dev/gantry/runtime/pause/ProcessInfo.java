package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.StepResult;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A message about a process, {@code struct info} of protocol.h. */
record ProcessInfo(
        String id,
        int phase,
        StepResult step,
        int status,
        LogHealth log,
        long startedNanos,
        long finishedNanos,
        List<StepResult> warnings) {
    static final int PHASE_STARTING = 1;
    static final int PHASE_RUNNING = 2;
    static final int PHASE_EXITED = 3;
    static final int PHASE_FAILED = 4;

    private static final int BYTES_BEFORE_WARNINGS = 144;
    private static final int MAX_WARNINGS = 32;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Reads it; a pause newer than this agent may have appended more. */
    static ProcessInfo of(ByteBuffer message) {
        int count = message.getInt(136);
        if (count < 0 || count > MAX_WARNINGS || message.limit() < BYTES_BEFORE_WARNINGS + count * 8) {
            throw new IllegalArgumentException("%d warnings in %d bytes".formatted(count, message.limit()));
        }
        List<StepResult> warnings = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = BYTES_BEFORE_WARNINGS + i * 8;
            warnings.add(new StepResult(message.getInt(at), message.getInt(at + 4)));
        }
        int logErrno = message.getInt(100);
        return new ProcessInfo(
                Message.id(message),
                message.getInt(80),
                new StepResult(message.getInt(88), message.getInt(92)),
                message.getInt(96),
                new LogHealth(
                        logErrno == 0 ? Optional.empty() : Optional.of(Errno.of(logErrno)),
                        message.getLong(120),
                        message.getLong(128)),
                message.getLong(104),
                message.getLong(112),
                warnings);
    }

    Instant startedAt() {
        return instant(startedNanos);
    }

    ProcessExit exit() {
        int signal = status & 0x7f;
        return new ProcessExit(
                id,
                signal == 0 ? status >> 8 & 0xff : 0,
                signal,
                (status & 0x80) != 0,
                startedAt(),
                instant(finishedNanos),
                log);
    }

    ProcessState state(Optional<Fd> pidfd) {
        ProcessState.Phase named = switch (phase) {
            case PHASE_STARTING -> ProcessState.Phase.STARTING;
            case PHASE_RUNNING -> ProcessState.Phase.RUNNING;
            case PHASE_EXITED -> ProcessState.Phase.EXITED;
            case PHASE_FAILED -> ProcessState.Phase.FAILED;
            default -> throw new IllegalArgumentException("phase " + phase + " of " + id);
        };
        boolean inProgram = phase == PHASE_STARTING || phase == PHASE_FAILED;
        return new ProcessState(
                id,
                named,
                pidfd,
                inProgram ? Optional.of(step) : Optional.empty(),
                inProgram ? Optional.empty() : Optional.of(startedAt()),
                phase == PHASE_EXITED ? Optional.of(exit()) : Optional.empty(),
                log);
    }

    private static Instant instant(long nanos) {
        return Instant.ofEpochSecond(nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    }
}
