package dev.gantry.linux;

/** Files that exist in memory only. */
public interface Memory {
    int MFD_CLOEXEC = 1;
    int MFD_ALLOW_SEALING = 2;
    int MFD_HUGETLB = 4;
    int MFD_NOEXEC_SEAL = 8;
    int MFD_EXEC = 16;

    /** Close-on-exec; {@code flags}: MFD_*. MFD_EXEC is dropped where the kernel does not know it (before 6.3). */
    Fd memfdCreate(String name, int flags) throws ErrnoException;

    /** {@code seals}: F_SEAL_* of {@link Fcntl}. */
    void addSeals(Fd memfd, int seals) throws ErrnoException;

    int getSeals(Fd memfd) throws ErrnoException;

    /** An executable file with this content that nobody can change any more, not even through /proc/…/exe. */
    Fd sealedProgram(String name, byte[] content) throws ErrnoException;
}
