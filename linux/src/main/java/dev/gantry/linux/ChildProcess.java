package dev.gantry.linux;

/** A child that was just started; {@link #close} closes the pidfd, nothing else. */
public record ChildProcess(int pid, Fd pidfd) implements AutoCloseable {
    @Override
    public void close() {
        pidfd.close();
    }
}
