package dev.gantry.cgroups;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something about a cgroup failed: which operation on which file, with the kernel's reason and what it means. */
public final class CgroupException extends IOException {
    private static final long serialVersionUID = 1;

    CgroupException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** {@code diagnosis}: what the reason means here; may be empty. */
    static CgroupException of(ErrnoException cause, String diagnosis) {
        String message = diagnosis.isEmpty() ? cause.getMessage() : cause.getMessage() + "; " + diagnosis;
        return new CgroupException(String.valueOf(message), cause);
    }

    /** {@link Errno#UNKNOWN} if the kernel did not fail itself. */
    public Errno errno() {
        return getCause() instanceof ErrnoException cause ? cause.errno() : Errno.UNKNOWN;
    }
}
