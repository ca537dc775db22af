package dev.gantry.linux;

import java.util.Optional;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.Passwd;
import jnr.posix.RLimit;
import org.jspecify.annotations.Nullable;

/** POSIX by JNR. Its own errors are returned numbers; none of its exceptions is used. */
final class JnrPosix implements Posix {
    private final POSIX posix = POSIXFactory.getNativePOSIX();

    private JnrPosix() {}

    /** Loaded at the first use, not with the agent. */
    static final class Holder {
        static final Posix INSTANCE = new JnrPosix();

        private Holder() {}
    }

    @Override
    public int getuid() {
        return posix.getuid();
    }

    @Override
    public int geteuid() {
        return posix.geteuid();
    }

    @Override
    public int getgid() {
        return posix.getgid();
    }

    @Override
    public int getegid() {
        return posix.getegid();
    }

    @Override
    public int getppid() {
        return posix.getppid();
    }

    @Override
    public int umask(int mask) {
        return posix.umask(mask);
    }

    @Override
    public void kill(int pid, int signal) throws ErrnoException {
        check(posix.kill(pid, signal), "kill(%d, %s)".formatted(pid, Signal.name(signal)));
    }

    @Override
    public String gethostname() {
        return posix.gethostname();
    }

    @Override
    public boolean isatty(Fd file) {
        return posix.libc().isatty(file.number()) == 1;
    }

    @Override
    public ResourceLimit getrlimit(int resource) throws ErrnoException {
        RLimit limit = posix.getrlimit(resource);
        return new ResourceLimit(limit.rlimCur(), limit.rlimMax());
    }

    @Override
    public void setrlimit(int resource, ResourceLimit limit) throws ErrnoException {
        check(posix.setrlimit(resource, limit.soft(), limit.hard()), "setrlimit(%d, %s)".formatted(resource, limit));
    }

    @Override
    public Optional<User> user(String name) {
        return user(posix.getpwnam(name));
    }

    @Override
    public Optional<User> user(int uid) {
        return user(posix.getpwuid(uid));
    }

    private static Optional<User> user(@Nullable Passwd entry) {
        return entry == null
                ? Optional.empty()
                : Optional.of(
                        new User(entry.getLoginName(), (int) entry.getUID(), (int) entry.getGID(), entry.getHome()));
    }

    private void check(int result, String call) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, posix.errno());
        }
    }
}
