package dev.gantry.linux;

final class SystemNamespaces implements Namespaces {
    @Override
    public void unshare(long flags) throws ErrnoException {
        requireFreshThread("unshare", flags);
        Kernel.check(Kernel.raw(Syscall.UNSHARE, flags), () -> "unshare(" + Names.cloneFlags(flags) + ")");
    }

    @Override
    public void setns(Fd namespace, long types) throws ErrnoException {
        requireFreshThread("setns", types);
        Kernel.check(
                Kernel.raw(Syscall.SETNS, namespace.number(), types),
                () -> "setns(%s, %s)".formatted(Kernel.describe(namespace), Names.cloneFlags(types)));
    }

    private static void requireFreshThread(String call, long flags) {
        if (!FreshThread.isCurrent()) {
            throw new IllegalStateException("%s(%s) on thread %s, which would carry the namespaces into other work"
                    .formatted(
                            call,
                            Names.cloneFlags(flags),
                            Thread.currentThread().getName()));
        }
    }
}
