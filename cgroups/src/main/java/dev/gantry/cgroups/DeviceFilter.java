package dev.gantry.cgroups;

import dev.gantry.linux.BpfCalls;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.bpf.BpfProgram;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which device nodes the processes of a cgroup may use: in cgroup v2 an eBPF program, which is made here from the
 * rules. What no rule mentions is denied.
 */
public record DeviceFilter(List<DeviceRule> rules) {
    private static final int ALL_ACCESS = 7;
    private static final String NAME = "gantry_devices";

    // registers: r1 is the context that the kernel hands over
    private static final int CONTEXT = 1;
    private static final int TYPE = 2;
    private static final int ACCESS = 3;
    private static final int MAJOR = 4;
    private static final int MINOR = 5;
    private static final int RESULT = 0;

    /** What every container may use, as runc and containerd have it. */
    public static final DeviceFilter DEFAULT = new DeviceFilter(List.of(
            DeviceRule.allow("c *:* m"),
            DeviceRule.allow("b *:* m"),
            DeviceRule.allow("c 1:3 rwm"),
            DeviceRule.allow("c 1:5 rwm"),
            DeviceRule.allow("c 1:7 rwm"),
            DeviceRule.allow("c 1:8 rwm"),
            DeviceRule.allow("c 1:9 rwm"),
            DeviceRule.allow("c 5:0 rwm"),
            DeviceRule.allow("c 5:2 rwm"),
            DeviceRule.allow("c 10:200 rwm"),
            DeviceRule.allow("c 136:* rwm")));

    /** For privileged containers. */
    public static final DeviceFilter ALLOW_ALL = new DeviceFilter(List.of(DeviceRule.allow("a *:* rwm")));

    public DeviceFilter {
        rules = List.copyOf(rules);
    }

    /** This and more rules, which come later and so win. */
    public DeviceFilter with(List<DeviceRule> more) {
        List<DeviceRule> all = new ArrayList<>(rules);
        all.addAll(more);
        return new DeviceFilter(all);
    }

    /**
     * The program: goes through the rules from the last to the first with the accesses that are still to be decided, so
     * that for each kind of access the last rule that mentions it holds.
     */
    public byte[] program() {
        BpfProgram program = new BpfProgram()
                .loadWord(TYPE, CONTEXT, 0)
                .move(ACCESS, TYPE)
                .shiftRight(ACCESS, 16)
                .and(TYPE, 0xffff)
                .loadWord(MAJOR, CONTEXT, 4)
                .loadWord(MINOR, CONTEXT, 8);
        for (int i = rules.size() - 1; i >= 0; i--) {
            DeviceRule rule = rules.get(i);
            append(program, rule);
            if (isAboutEverything(rule)) {
                // the verifier refuses code that cannot be reached
                return program.encode();
            }
        }
        return program.moveImmediate(RESULT, 0).exit().encode();
    }

    private static boolean isAboutEverything(DeviceRule rule) {
        return rule.type() == DeviceRule.Type.ALL
                && rule.major() == DeviceRule.ANY
                && rule.minor() == DeviceRule.ANY
                && rule.accessMask() == ALL_ACCESS;
    }

    private static void append(BpfProgram program, DeviceRule rule) {
        BpfProgram.Label next = program.label();
        if (rule.type() != DeviceRule.Type.ALL) {
            program.jumpIfNotEqual(TYPE, rule.type().bpfNumber(), next);
        }
        if (rule.major() != DeviceRule.ANY) {
            program.jumpIfNotEqual(MAJOR, rule.major(), next);
        }
        if (rule.minor() != DeviceRule.ANY) {
            program.jumpIfNotEqual(MINOR, rule.minor(), next);
        }
        if (rule.accessMask() != ALL_ACCESS) {
            if (rule.allow()) {
                program.and(ACCESS, ~rule.accessMask()).jumpIfNotEqual(ACCESS, 0, next);
            } else {
                BpfProgram.Label denied = program.label();
                program.jumpIfAnyBit(ACCESS, rule.accessMask(), denied)
                        .jump(next)
                        .place(denied);
            }
        }
        program.moveImmediate(RESULT, rule.allow() ? 1 : 0).exit().place(next);
    }

    /**
     * Puts the filter in force on a cgroup and all below it. One that is there already is replaced in the same instant,
     * so that at no time everything is allowed.
     *
     * @return empty, or why this machine has no device filters
     */
    public Optional<Missing> attach(Linux linux, Cgroup cgroup) throws CgroupException {
        BpfCalls bpf = linux.bpf();
        try (Fd directory = cgroup.open()) {
            cgroup.known().withProgram(bpf, this, program -> {
                List<Integer> old = bpf.progQuery(directory, BpfCalls.BPF_CGROUP_DEVICE);
                if (old.isEmpty()) {
                    bpf.progAttach(directory, program, BpfCalls.BPF_CGROUP_DEVICE, BpfCalls.BPF_F_ALLOW_MULTI, null);
                } else {
                    replace(bpf, directory, program, old);
                }
            });
            return Optional.empty();
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOSYS, Errno.EPERM)) {
                return Optional.of(new Missing(
                        "cgroup device filter",
                        String.valueOf(e.getMessage()),
                        "allow the agent bpf(2): CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, and a kernel with"
                                + " CONFIG_CGROUP_BPF"));
            }
            throw CgroupException.of(e, "");
        }
    }

    /** The program in the kernel, for {@link Known}. */
    Fd load(BpfCalls bpf) throws ErrnoException {
        return bpf.progLoad(BpfCalls.BPF_PROG_TYPE_CGROUP_DEVICE, program(), "Apache-2.0", NAME);
    }

    private static void replace(BpfCalls bpf, Fd directory, Fd program, List<Integer> old) throws ErrnoException {
        boolean replaced = false;
        for (int id : old) {
            try (Fd previous = bpf.progGetFdById(id)) {
                if (replaced) {
                    bpf.progDetach(directory, previous, BpfCalls.BPF_CGROUP_DEVICE);
                } else {
                    bpf.progAttach(
                            directory,
                            program,
                            BpfCalls.BPF_CGROUP_DEVICE,
                            BpfCalls.BPF_F_ALLOW_MULTI | BpfCalls.BPF_F_REPLACE,
                            previous);
                    replaced = true;
                }
            }
        }
    }
}
