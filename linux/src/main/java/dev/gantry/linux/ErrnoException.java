package dev.gantry.linux;

import java.io.IOException;

/** A system call failed: names the call with its operands, and the kernel's reason. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int number;

    /**
     * @param call the call as written in C, e.g. {@code mount("proc", "/proc", "proc", 0, NULL)}
     * @param number what errno held
     */
    public ErrnoException(String call, int number) {
        this(call, number, "");
    }

    /** @param detail what else the kernel said, e.g. its log of a mount; appended to the message */
    public ErrnoException(String call, int number, String detail) {
        super(message(call, number, detail));
        this.call = call;
        this.number = number;
    }

    public ErrnoException(String call, Errno errno) {
        this(call, errno.number());
    }

    public Errno errno() {
        return Errno.of(number);
    }

    /** The number itself; differs from {@code errno().number()} only for {@link Errno#UNKNOWN}. */
    public int number() {
        return number;
    }

    /** The call with its operands, without the reason. */
    public String call() {
        return call;
    }

    public boolean is(Errno... candidates) {
        Errno errno = errno();
        for (Errno candidate : candidates) {
            if (errno == candidate) {
                return true;
            }
        }
        return false;
    }

    private static String message(String call, int number, String detail) {
        Errno errno = Errno.of(number);
        String reason = "%s: %s (errno %d, %s)".formatted(call, errno, number, errno.text());
        return detail.isEmpty() ? reason : reason + ": " + detail;
    }
}
