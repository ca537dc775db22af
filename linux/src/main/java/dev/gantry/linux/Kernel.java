package dev.gantry.linux;

import com.sun.jna.Native;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Calls the kernel, and turns its answers into results, exceptions and words. */
final class Kernel {
    private static final int EINTR = Errno.EINTR.number();
    private static final int MAX_QUOTED = 300;

    private Kernel() {}

    /** Returns the result, or errno negated, as the kernel itself does. Not repeated when interrupted. */
    static long once(Syscall call, long arg1, long arg2, long arg3, long arg4, long arg5, long arg6) {
        long result = LibC.syscall(call.number(), arg1, arg2, arg3, arg4, arg5, arg6);
        return result == -1 ? -Native.getLastError() : result;
    }

    static long raw(Syscall call, long arg1, long arg2, long arg3, long arg4, long arg5, long arg6) {
        long result;
        do {
            result = once(call, arg1, arg2, arg3, arg4, arg5, arg6);
        } while (result == -EINTR);
        return result;
    }

    static long raw(Syscall call, long arg1, long arg2, long arg3, long arg4) {
        return raw(call, arg1, arg2, arg3, arg4, 0, 0);
    }

    static long raw(Syscall call, long arg1, long arg2, long arg3) {
        return raw(call, arg1, arg2, arg3, 0, 0, 0);
    }

    static long raw(Syscall call, long arg1, long arg2) {
        return raw(call, arg1, arg2, 0, 0, 0, 0);
    }

    static long raw(Syscall call, long arg1) {
        return raw(call, arg1, 0, 0, 0, 0, 0);
    }

    static boolean isError(long result) {
        return result < 0 && result >= -4095;
    }

    /** The result, unless it is an error: then the call in words, which are only made in that case. */
    static long check(long result, Supplier<String> words) throws ErrnoException {
        if (isError(result)) {
            throw new ErrnoException(words.get(), (int) -result);
        }
        return result;
    }

    /** The result as a descriptor. */
    static Fd checkFd(long result, Supplier<String> words) throws ErrnoException {
        return Fd.of((int) check(result, words));
    }

    static String quote(@Nullable String text) {
        if (text == null) {
            return "NULL";
        }
        return text.length() <= MAX_QUOTED ? '"' + text + '"' : '"' + text.substring(0, MAX_QUOTED) + "\"…";
    }

    /** A descriptor with what it stands for, e.g. {@code fd 7</sys/fs/cgroup>}. */
    static String describe(Fd file) {
        if (file == Fd.AT_FDCWD || !file.isOpen()) {
            return file.toString();
        }
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block target = scratch.allocate(4096);
            long length = raw(
                    Syscall.READLINKAT,
                    Fd.AT_FDCWD.number(),
                    scratch.string(file.path()),
                    target.address(),
                    target.size());
            return length <= 0 ? file.toString() : file + "<" + RawName.decode(target.get(0, (int) length)) + ">";
        } catch (ErrnoException e) {
            return file.toString();
        }
    }

    /** The operands of an …at call that name a file: only the path if it stands for itself. */
    static String describe(Fd directory, String path) {
        return directory == Fd.AT_FDCWD || path.startsWith("/")
                ? quote(path)
                : describe(directory) + ", " + quote(path);
    }

    static String hex(long flags) {
        return "0x" + Long.toHexString(flags);
    }
}
