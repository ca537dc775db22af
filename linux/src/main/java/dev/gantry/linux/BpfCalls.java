package dev.gantry.linux;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** bpf(2), as far as the device filter of a cgroup needs it. */
public interface BpfCalls {
    int BPF_PROG_TYPE_CGROUP_DEVICE = 15;
    int BPF_CGROUP_DEVICE = 6;
    int BPF_F_ALLOW_OVERRIDE = 1;
    int BPF_F_ALLOW_MULTI = 2;
    int BPF_F_REPLACE = 4;

    /**
     * Loads a program.
     *
     * @param instructions 8 bytes each, in the machine's byte order
     * @throws ErrnoException with the verifier's words if it refuses
     */
    Fd progLoad(int type, byte[] instructions, String license, String name) throws ErrnoException;

    /**
     * Attaches a program to a cgroup.
     *
     * @param replaced with BPF_F_REPLACE, the attached program that goes, in the same instant
     */
    void progAttach(Fd cgroup, Fd program, int attachType, int flags, @Nullable Fd replaced) throws ErrnoException;

    void progDetach(Fd cgroup, Fd program, int attachType) throws ErrnoException;

    /** Ids of the programs attached to this very cgroup. */
    List<Integer> progQuery(Fd cgroup, int attachType) throws ErrnoException;

    Fd progGetFdById(int id) throws ErrnoException;
}
