package dev.gantry.linux;

import java.util.Optional;

/** Plain POSIX calls and the host's user database. */
public interface Posix {
    int getuid();

    int geteuid();

    int getgid();

    int getegid();

    int getppid();

    /** Sets the umask of the process, returns the old one. */
    int umask(int mask);

    void kill(int pid, int signal) throws ErrnoException;

    String gethostname();

    boolean isatty(Fd file);

    ResourceLimit getrlimit(int resource) throws ErrnoException;

    void setrlimit(int resource, ResourceLimit limit) throws ErrnoException;

    Optional<User> user(String name);

    Optional<User> user(int uid);

    /** An entry of the host's passwd. */
    record User(String name, int uid, int gid, String home) {}
}
