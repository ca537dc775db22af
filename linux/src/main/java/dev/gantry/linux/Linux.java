package dev.gantry.linux;

/**
 * The kernel, as far as this agent needs it: one interface per subject, one method per call, named as the call and
 * taking its operands in the manual's order (section 2 of the manual is their documentation; what is said here is what
 * differs). Constants are spelt as in the headers ({@link Fcntl}, {@link Stat}, {@link MountFlags}, {@link Sched},
 * {@link Socket}, {@link Poll}, {@link Wait}, {@link Prctl}).
 *
 * <p>Everywhere: a failure is an {@link ErrnoException}; EINTR is retried; descriptors are close-on-exec without being
 * asked; paths follow {@link RawName}; methods may be called by any thread.
 */
public interface Linux {
    /** The real kernel. */
    static Linux system() {
        return SystemLinux.get();
    }

    FileCalls files();

    Mounts mounts();

    Namespaces namespaces();

    Processes processes();

    Sockets sockets();

    Polling polling();

    Memory memory();

    Security security();

    BpfCalls bpf();

    /** Plain POSIX; costs some 100 ms at the first use (JNR starts), so not for the way to the first container. */
    Posix posix();
}
