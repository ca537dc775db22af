package dev.gantry.testing;

import dev.gantry.linux.BpfCalls;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Memory;
import dev.gantry.linux.Mounts;
import dev.gantry.linux.Namespaces;
import dev.gantry.linux.Polling;
import dev.gantry.linux.Posix;
import dev.gantry.linux.Processes;
import dev.gantry.linux.Security;
import dev.gantry.linux.Sockets;

/** Hands every subject on: the base of fakes that bring one of their own. */
public abstract class ForwardingLinux implements Linux {
    private final Linux delegate;

    protected ForwardingLinux(Linux delegate) {
        this.delegate = delegate;
    }

    @Override
    public FileCalls files() {
        return delegate.files();
    }

    @Override
    public Mounts mounts() {
        return delegate.mounts();
    }

    @Override
    public Namespaces namespaces() {
        return delegate.namespaces();
    }

    @Override
    public Processes processes() {
        return delegate.processes();
    }

    @Override
    public Sockets sockets() {
        return delegate.sockets();
    }

    @Override
    public Polling polling() {
        return delegate.polling();
    }

    @Override
    public Memory memory() {
        return delegate.memory();
    }

    @Override
    public Security security() {
        return delegate.security();
    }

    @Override
    public BpfCalls bpf() {
        return delegate.bpf();
    }

    @Override
    public Posix posix() {
        return delegate.posix();
    }
}
