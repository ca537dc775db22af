package dev.gantry.runtime.program;

import dev.gantry.linux.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One step under construction: what it does is fixed, how its errors are taken can be said here. */
public final class Step {
    /** How many errors a step may tell apart. */
    public static final int MAX_TOLERATED = 4;

    private final ProgramBuilder program;
    private final int op;
    private final int syscall;
    private final String call;
    private final List<Arg> args;
    private final List<Tolerated> tolerated = new ArrayList<>(MAX_TOLERATED);
    private String name = "";
    private @Nullable Value result;
    private @Nullable Label jump;

    Step(ProgramBuilder program, int op, int syscall, String call, List<Arg> args) {
        this.program = program;
        this.op = op;
        this.syscall = syscall;
        this.call = call;
        this.args = args;
    }

    private record Tolerated(
            int errno, boolean silent, @Nullable Label target) {}

    /** Says in an operator's words what the step is for, e.g. {@code mount proc on /proc}: shown when it fails. */
    public Step named(String name) {
        this.name = name;
        return this;
    }

    /** What the call returns, or the negative errno if it failed and that is tolerated; for later steps. */
    public Value result(String name) {
        if (result == null) {
            result = program.newSlot(name);
        }
        return result;
    }

    /** These errors do not end the program; that they happened is reported. */
    public Step tolerate(Errno... errnos) {
        Arrays.stream(errnos).forEach(errno -> add(errno, false, null));
        return this;
    }

    /** These errors are as good as success and not reported, e.g. EEXIST of mkdirat. */
    public Step ignore(Errno... errnos) {
        Arrays.stream(errnos).forEach(errno -> add(errno, true, null));
        return this;
    }

    /** On this error the program goes on at {@code target}, which lies further down. Not reported. */
    public Step on(Errno errno, Label target) {
        return add(errno, true, target);
    }

    /** As {@link #on}, and the error is reported. */
    public Step onReported(Errno errno, Label target) {
        return add(errno, false, target);
    }

    Step jumpingTo(Label target) {
        jump = target;
        return this;
    }

    private Step add(Errno errno, boolean silent, @Nullable Label target) {
        if (tolerated.size() == MAX_TOLERATED) {
            throw new IllegalStateException("more than " + MAX_TOLERATED + " errors tolerated by " + call);
        }
        tolerated.add(new Tolerated(errno.number(), silent, target));
        return this;
    }

    /** As {@link #named} said, or the call itself. */
    String name() {
        return name.isEmpty() ? call : name;
    }

    void encode(ProgramFormat.Writer out, int index) {
        out.beginStep(op, syscall, result == null ? ProgramFormat.NO_SLOT : (int) result.arg.value());
        for (Tolerated error : tolerated) {
            out.tolerated(error.errno(), error.silent(), error.target() == null ? 0 : target(error.target(), index));
        }
        for (Arg arg : args) {
            out.arg(arg);
        }
        if (jump != null) {
            out.arg(Arg.immediate(target(jump, index)));
        }
        out.endStep();
    }

    String explain(int index) {
        StringBuilder line = new StringBuilder(call);
        if (jump != null) {
            line.append(' ').append(target(jump, index) + 1);
        } else {
            line.append(args.stream().map(Arg::text).collect(Collectors.joining(", ", "(", ")")));
        }
        if (result != null) {
            line.append(" = ").append(result);
        }
        for (Tolerated error : tolerated) {
            line.append(" [").append(Errno.of(error.errno())).append(": ");
            line.append(error.target() == null ? "go on" : "go to " + (target(error.target(), index) + 1));
            line.append(error.silent() ? "]" : " and report]");
        }
        if (!name.isEmpty()) {
            line.append("  # ").append(name);
        }
        return line.toString();
    }

    private int target(Label label, int index) {
        if (label.index() <= index) {
            throw new IllegalStateException("step " + (index + 1) + " goes back to step " + (label.index() + 1));
        }
        return label.index();
    }
}
