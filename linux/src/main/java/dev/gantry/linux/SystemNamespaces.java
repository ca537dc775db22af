package dev.gantry.linux;

final class SystemNamespaces implements Namespaces {
    @Override
    public void unshare(long flags) throws ErrnoException {
        Kernel.check(Kernel.raw(Syscall.UNSHARE, flags), () -> "unshare(" + Names.cloneFlags(flags) + ")");
    }

    @Override
    public void setns(Fd namespace, long types) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.SETNS, namespace.number(), types),
                () -> "setns(%s, %s)".formatted(Kernel.describe(namespace), Names.cloneFlags(types)));
    }
}
