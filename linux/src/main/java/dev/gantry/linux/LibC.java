package dev.gantry.linux;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The one raw binding that all calls but posix_spawn go through. Pointers are plain numbers (see {@link Scratch}): JNA
 * then converts nothing, and a move to java.lang.foreign changes only this class. Errno is read with
 * {@link Native#getLastError()} when the result is -1, never with {@code throws LastErrorException}: JNA throws that
 * whenever errno is non-zero after the call, success included.
 *
 * <p>JNA unpacks its own library into a temporary directory at each start, some 40 ms; a launcher that has it unpacked
 * says where with {@code -Djna.boot.library.path=DIR -Djna.nounpack=true}.
 */
final class LibC {
    static {
        // JNA would start ldconfig and read its list, only to find libraries that nobody here asks for
        if (System.getProperty("jna.platform.library.path") == null) {
            System.setProperty("jna.platform.library.path", "/usr/lib");
        }
        Native.register(LibC.class, NativeLibrary.getProcess());
    }

    private LibC() {}

    static native long syscall(long number, long arg1, long arg2, long arg3, long arg4, long arg5, long arg6);
}
