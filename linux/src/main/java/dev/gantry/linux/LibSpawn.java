package dev.gantry.linux;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/** Raw bindings of spawn.h, apart from {@link LibC} since closefrom_np came with glibc 2.34 only. */
final class LibSpawn {
    static final int SIZE_OF_FILE_ACTIONS = 80;
    static final int SIZE_OF_ATTRIBUTES = 336;
    static final int SIZE_OF_SIGSET = 128;
    static final short POSIX_SPAWN_SETSIGDEF = 0x04;
    static final short POSIX_SPAWN_SETSIGMASK = 0x08;
    static final short POSIX_SPAWN_SETSID = 0x80;

    static {
        Native.register(LibSpawn.class, NativeLibrary.getProcess());
    }

    private LibSpawn() {}

    static native int posix_spawn(long pid, long path, long actions, long attributes, long argv, long envp);

    static native int posix_spawn_file_actions_init(long actions);

    static native int posix_spawn_file_actions_destroy(long actions);

    static native int posix_spawn_file_actions_adddup2(long actions, int from, int to);

    static native int posix_spawn_file_actions_addclose(long actions, int number);

    static native int posix_spawn_file_actions_addclosefrom_np(long actions, int from);

    static native int posix_spawn_file_actions_addopen(long actions, int number, long path, int flags, int mode);

    static native int posix_spawn_file_actions_addchdir_np(long actions, long path);

    static native int posix_spawnattr_init(long attributes);

    static native int posix_spawnattr_destroy(long attributes);

    static native int posix_spawnattr_setflags(long attributes, short flags);

    static native int posix_spawnattr_setsigmask(long attributes, long set);

    static native int posix_spawnattr_setsigdefault(long attributes, long set);
}
