package dev.gantry.linux;

/** The real kernel, through JNA. */
final class SystemLinux implements Linux {
    private static final SystemLinux INSTANCE = new SystemLinux();

    private final SystemFiles files = new SystemFiles();
    private final SystemMounts mounts = new SystemMounts(files);
    private final SystemNamespaces namespaces = new SystemNamespaces();
    private final SystemProcesses processes = new SystemProcesses(files);
    private final SystemSockets sockets = new SystemSockets(files);
    private final SystemPolling polling = new SystemPolling();
    private final SystemMemory memory = new SystemMemory(files);
    private final SystemSecurity security = new SystemSecurity();
    private final SystemBpf bpf = new SystemBpf();

    private SystemLinux() {}

    static SystemLinux get() {
        return INSTANCE;
    }

    /** Not repeated when interrupted: Linux has closed it all the same, close(2). */
    static void close(int number) {
        long ignored = Kernel.once(Syscall.CLOSE, number, 0, 0, 0, 0, 0);
    }

    @Override
    public FileCalls files() {
        return files;
    }

    @Override
    public Mounts mounts() {
        return mounts;
    }

    @Override
    public Namespaces namespaces() {
        return namespaces;
    }

    @Override
    public Processes processes() {
        return processes;
    }

    @Override
    public Sockets sockets() {
        return sockets;
    }

    @Override
    public Polling polling() {
        return polling;
    }

    @Override
    public Memory memory() {
        return memory;
    }

    @Override
    public Security security() {
        return security;
    }

    @Override
    public BpfCalls bpf() {
        return bpf;
    }

    @Override
    public Posix posix() {
        return JnrPosix.Holder.INSTANCE;
    }
}
