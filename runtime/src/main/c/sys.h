/* System calls without a C library. Each returns what the kernel returns: a negative errno on failure. */
#ifndef SYS_H
#define SYS_H

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* From headers that do not mix with freestanding code; the same on x86-64 and arm64. */
#define AF_UNIX 1
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC O_CLOEXEC
#define SOCK_NONBLOCK O_NONBLOCK
#define SOL_SOCKET 1
#define SO_PEERCRED 17
#define SCM_RIGHTS 1
#define SHUT_RDWR 2
#define MSG_CTRUNC 0x8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define MADV_DONTNEED 4
#define SIG_SETMASK 2
#define SIGKILL 9
#define SIGCHLD 17
#define SIGNALS 64
#define CLD_EXITED 1
#define CLD_DUMPED 3
#define CLOCK_REALTIME 0
#define TIOCSWINSZ 0x5414
#define S_IFMT 00170000
#define S_IFREG 0100000

struct iovec {
    void *base;
    size_t len;
};

struct msghdr {
    void *name;
    s32 namelen;
    struct iovec *iov;
    size_t iovlen;
    void *control;
    size_t controllen;
    u32 flags;
};

struct cmsghdr {
    size_t len;
    s32 level;
    s32 type;
};

struct ucred {
    s32 pid;
    u32 uid;
    u32 gid;
};

struct timespec {
    s64 sec;
    s64 nsec;
};

/* siginfo_t as waitid(2) fills it in on 64-bit machines. */
struct child_info {
    s32 signo, error, code, pad;
    s32 pid;
    u32 uid;
    s32 status;
    u8 rest[128 - 28];
};

struct kernel_sigaction {
    void *handler;
    u64 flags;
    void *restorer;
    u64 mask;
};

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#else
#error "only x86-64 and arm64 are known here"
#endif
}

#define SYS_1(n, a) sys6(n, (long)(a), 0, 0, 0, 0, 0)
#define SYS_2(n, a, b) sys6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS_3(n, a, b, c) sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS_4(n, a, b, c, d) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS_5(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS_6(n, a, b, c, d, e, f) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Closes a descriptor unless it is -1, and makes it -1. */
static inline void close_fd(s32 *fd) {
    if (*fd >= 0) {
        SYS_1(__NR_close, *fd);
    }
    *fd = -1;
}

static inline u64 now_ns(void) {
    struct timespec t;
    SYS_2(__NR_clock_gettime, CLOCK_REALTIME, &t);
    return (u64)t.sec * 1000000000u + (u64)t.nsec;
}

/* Zeroed pages, or a negative errno as a pointer: see failed(). */
static inline void *map_pages(size_t bytes, int sharing) {
    return (void *)SYS_6(__NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
}

static inline int failed(const void *mapped) {
    return (unsigned long)mapped >= (unsigned long)-4095;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
