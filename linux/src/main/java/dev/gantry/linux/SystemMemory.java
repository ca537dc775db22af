package dev.gantry.linux;

final class SystemMemory implements Memory {
    private static final int ALL_WRITES =
            Fcntl.F_SEAL_SEAL | Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW | Fcntl.F_SEAL_WRITE;

    private final FileCalls files;

    SystemMemory(FileCalls files) {
        this.files = files;
    }

    @Override
    public Fd memfdCreate(String name, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            long address = scratch.string(name);
            long result = Kernel.raw(Syscall.MEMFD_CREATE, address, flags | MFD_CLOEXEC);
            if (result == -Errno.EINVAL.number() && (flags & MFD_EXEC) != 0) {
                result = Kernel.raw(Syscall.MEMFD_CREATE, address, (flags & ~MFD_EXEC) | MFD_CLOEXEC);
            }
            return Kernel.checkFd(
                    result, () -> "memfd_create(%s, %s)".formatted(Kernel.quote(name), Kernel.hex(flags)));
        }
    }

    @Override
    public void addSeals(Fd memfd, int seals) throws ErrnoException {
        int unused = files.fcntl(memfd, Fcntl.F_ADD_SEALS, seals);
    }

    @Override
    public int getSeals(Fd memfd) throws ErrnoException {
        return files.fcntl(memfd, Fcntl.F_GET_SEALS, 0);
    }

    @Override
    public Fd sealedProgram(String name, byte[] content) throws ErrnoException {
        Fd memfd = memfdCreate(name, MFD_ALLOW_SEALING | MFD_EXEC);
        try {
            files.writeFully(memfd, content);
            addSeals(memfd, ALL_WRITES);
            return memfd;
        } catch (ErrnoException e) {
            memfd.close();
            throw e;
        }
    }
}
