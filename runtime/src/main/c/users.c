#include "users.h"

enum { MAP_PATH = sizeof "/proc/4294967295/uid_map" };

/* Does nothing until it is killed, or its parent ends. */
__attribute__((noreturn)) static void hold(void) {
    SYS_5(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;) {
        SYS_5(__NR_ppoll, 0, 0, 0, 0, 0);
    }
}

static void append(char **to, const char *text) {
    while (*text != 0) {
        *(*to)++ = *text++;
    }
}

static void append_number(char **to, u32 number) {
    if (number >= 10) {
        append_number(to, number / 10);
    }
    *(*to)++ = (char)('0' + number % 10);
}

/* A map is written once and whole: user_namespaces(7). */
static long write_map(u32 pid, const char *file, const char *map) {
    char path[MAP_PATH];
    char *end = path;
    append(&end, "/proc/");
    append_number(&end, pid);
    append(&end, file);
    *end = 0;
    size_t length = 0;
    while (map[length] != 0) {
        length++;
    }
    long fd = SYS_4(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    long written = SYS_3(__NR_write, fd, map, length);
    SYS_1(__NR_close, fd);
    return written < 0 ? written : (size_t)written == length ? 0 : -EIO;
}

long enter_namespaces_of_users(const char *uid_map, const char *gid_map, u64 namespaces) {
    s32 pidfd = -1;
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = CLONE_NEWUSER | namespaces | CLONE_PIDFD;
    args.pidfd = (u64)&pidfd;
    args.exit_signal = SIGCHLD;
    /* with CLONE_NEWUSER the kernel makes that one first, and it owns the others */
    long pid = SYS_2(__NR_clone3, &args, CLONE_ARGS_SIZE_VER0);
    if (pid == 0) {
        hold();
    }
    if (pid < 0) {
        return pid;
    }
    long error = write_map((u32)pid, "/uid_map", uid_map);
    error = error < 0 ? error : write_map((u32)pid, "/gid_map", gid_map);
    error = error < 0 ? error : SYS_2(__NR_setns, pidfd, namespaces);
    SYS_4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    SYS_4(__NR_wait4, pid, 0, 0, 0);
    SYS_1(__NR_close, pidfd);
    return error;
}
