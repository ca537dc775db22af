package dev.gantry.images.store;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.FileCalls;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** The real file system, until a certain change to it fails: once, or as if the process had died there. */
final class FaultyFiles {
    private static final Set<String> CHANGES = Set.of(
            "mkdirat",
            "mknodat",
            "symlinkat",
            "linkat",
            "unlinkat",
            "renameat2",
            "write",
            "fchown",
            "fchownat",
            "fchmod",
            "fchmodat",
            "fsetxattr",
            "futimens",
            "utimensat",
            "ftruncate",
            "fsync",
            "syncfs");

    private final FileCalls real;
    private final int failing;
    private final boolean forever;
    private final Errno errno;
    private final AtomicInteger changes = new AtomicInteger();

    FaultyFiles(FileCalls real, int failing, boolean forever, Errno errno) {
        this.real = real;
        this.failing = failing;
        this.forever = forever;
        this.errno = errno;
    }

    /** Whether there was as much to do as to reach the fault. */
    boolean wasReached() {
        return changes.get() >= failing;
    }

    FileCalls files() {
        InvocationHandler handler = (proxy, method, arguments) -> {
            if (CHANGES.contains(method.getName()) && !method.isDefault()) {
                int n = changes.incrementAndGet();
                if (n == failing || (forever && n > failing)) {
                    throw new ErrnoException(method.getName() + "(…)", errno);
                }
            }
            if (method.isDefault()) {
                return InvocationHandler.invokeDefault(proxy, method, arguments);
            }
            try {
                return method.invoke(real, arguments);
            } catch (InvocationTargetException e) {
                throw e.getTargetException();
            }
        };
        return (FileCalls)
                Proxy.newProxyInstance(FileCalls.class.getClassLoader(), new Class<?>[] {FileCalls.class}, handler);
    }
}
