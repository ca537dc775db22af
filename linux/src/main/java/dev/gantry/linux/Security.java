package dev.gantry.linux;

import java.util.Set;

/** Capabilities, seccomp and prctl. All of it is the calling thread's. */
public interface Security {
    int prctl(int option, long arg2, long arg3, long arg4, long arg5) throws ErrnoException;

    CapabilitySets capget() throws ErrnoException;

    void capset(CapabilitySets sets) throws ErrnoException;

    /** Those that the bounding set of this thread has, among the ones the kernel knows. */
    Set<LinuxCapability> boundingSet() throws ErrnoException;

    /** Whether the kernel knows this action (SECCOMP_RET_* of {@link Prctl}) in filters. */
    boolean isSeccompActionAvailable(int action);

    /** Installs a filter on the calling thread; needs no_new_privs or CAP_SYS_ADMIN. */
    void seccompFilter(byte[] program, int flags) throws ErrnoException;

    /** Permitted, effective and inheritable set, one bit per capability. */
    record CapabilitySets(long effective, long permitted, long inheritable) {
        public boolean isEffective(LinuxCapability capability) {
            return (effective & capability.mask()) != 0;
        }
    }
}
