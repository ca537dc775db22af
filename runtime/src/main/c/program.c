#include "program.h"

#if defined(__x86_64__)
#define MACHINE 62
#else
#define MACHINE 183
#endif

#define CLONE_NEW_ANY \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#ifdef PAUSE_TEST
long step_syscall(long n, const s64 *a); /* the fuzzer lets only harmless calls through */
#else
static long step_syscall(long n, const s64 *a) {
    return sys6(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}
#endif

static int in_data(const struct program_header *h, u64 offset, u64 bytes) {
    return offset <= h->data_bytes && bytes <= h->data_bytes - offset;
}

static int forward(const struct program_header *h, u32 from, u64 target) {
    return target > from && target <= h->steps;
}

static int number_width(u64 bytes) {
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static int op_ok(const struct program_header *h, const struct step *s, u32 index) {
    switch (s->op) {
    case OP_JUMP:
        return s->kind[0] == ARG_IMMEDIATE && forward(h, index, s->arg[0]);
    case OP_CHECK:
        return s->kind[1] == ARG_IMMEDIATE && number_width(s->arg[1]) && s->kind[4] == ARG_IMMEDIATE
            && s->arg[4] > 0 && s->arg[4] < SILENT
            && (s->kind[0] != ARG_DATA || in_data(h, s->arg[0], s->arg[1]));
    case OP_FORK:
        return s->kind[0] == ARG_IMMEDIATE && (s->arg[0] & ~(u64)CLONE_NEW_ANY) == CLONE_PARENT;
    case OP_STORE:
        return s->kind[1] == ARG_DATA && s->kind[2] == ARG_IMMEDIATE && (s->arg[2] == 4 || s->arg[2] == 8)
            && in_data(h, s->arg[1], s->arg[2]);
    default:
        return s->op < OPS;
    }
}

static int step_ok(const struct program_header *h, const struct step *s, u32 index) {
    for (u32 i = 0; i < STEP_ARGS; i++) {
        if (s->kind[i] >= ARG_KINDS || (s->kind[i] == ARG_DATA && !in_data(h, s->arg[i], 1))
            || (s->kind[i] == ARG_SLOT && s->arg[i] >= h->slots)) {
            return 0;
        }
    }
    for (u32 i = 0; i < STEP_ERRORS; i++) {
        if (s->on[i].target != 0 && !forward(h, index, s->on[i].target)) {
            return 0;
        }
    }
    return (s->result == NO_SLOT || s->result < h->slots) && op_ok(h, s, index);
}

/* Every offset, index and count is checked here, so that execution need not. */
static long check(struct program *p, size_t file_bytes, u32 fds) {
    const struct program_header *h = p->header;
    if (h->magic != PROGRAM_MAGIC || h->version != PROGRAM_VERSION || h->machine != MACHINE) {
        return -ENOEXEC;
    }
    if (h->steps == 0 || h->steps > MAX_STEPS || h->slots > MAX_SLOTS || h->fds > h->slots
        || h->relocations > MAX_PROGRAM_BYTES / sizeof(u32) || h->data_bytes > MAX_PROGRAM_BYTES) {
        return -EINVAL;
    }
    size_t relocations = (h->relocations * sizeof(u32) + 7) & ~(size_t)7;
    size_t before_data = sizeof *h + h->steps * sizeof(struct step) + relocations;
    if (before_data + h->data_bytes != file_bytes || h->fds != fds) {
        return -EINVAL;
    }
    p->steps = (const struct step *)(h + 1);
    p->data = (u8 *)p->memory + before_data;
    for (u32 i = 0; i < h->steps; i++) {
        if (!step_ok(h, &p->steps[i], i)) {
            return -EBADMSG;
        }
    }
    const u32 *relocation = (const u32 *)(p->steps + h->steps);
    for (u32 i = 0; i < h->relocations; i++) {
        u64 target;
        if (!in_data(h, relocation[i], sizeof target)) {
            return -EBADMSG;
        }
        memcpy(&target, p->data + relocation[i], sizeof target);
        if (!in_data(h, target, 1)) {
            return -EBADMSG; /* also if it was relocated before: an address is beyond every program's size */
        }
        target += (u64)p->data;
        memcpy(p->data + relocation[i], &target, sizeof target);
    }
    return 0;
}

long program_load(struct program *p, s32 file, const s32 *fds, u32 count) {
    struct stat st;
    long error = SYS_2(__NR_fstat, file, &st);
    if (error < 0) {
        return error;
    }
    if ((st.st_mode & S_IFMT) != S_IFREG || st.st_size < (long)sizeof(struct program_header)
        || st.st_size > MAX_PROGRAM_BYTES) {
        return -EINVAL;
    }
    size_t file_bytes = (size_t)st.st_size;
    size_t before_slots = (file_bytes + 7) & ~(size_t)7;
    p->bytes = before_slots + MAX_SLOTS * sizeof(s64); /* pages that are not used cost nothing */
    p->memory = map_pages(p->bytes, MAP_PRIVATE);
    if (failed(p->memory)) {
        return (long)p->memory;
    }
    p->header = p->memory;
    p->slots = (s64 *)((u8 *)p->memory + before_slots);
    /* a copy: whoever else holds the file may change it or cut it short */
    error = SYS_4(__NR_pread64, file, p->memory, file_bytes, 0);
    error = error < 0 ? error : (size_t)error == file_bytes ? check(p, file_bytes, count) : -EINVAL;
    if (error < 0) {
        program_free(p);
        return error;
    }
    for (u32 i = 0; i < count; i++) {
        p->slots[i] = fds[i];
    }
    return 0;
}

void program_free(struct program *p) {
    SYS_2(__NR_munmap, p->memory, p->bytes);
}

static long check_number(const struct program *p, const struct step *s, const s64 *a) {
    u64 number = 0;
    if (s->kind[0] == ARG_DATA) {
        memcpy(&number, p->data + s->arg[0], s->arg[1]); /* little-endian: the low bytes */
    } else {
        number = (u64)a[0];
    }
    return (number & (u64)a[2]) == (u64)a[3] ? 0 : -(long)s->arg[4];
}

/* The parent's record of the new pid is written before the new process runs, hence before it can end. */
static long fork_sibling(const s64 *a, struct progress *at) {
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = (u64)a[0] | CLONE_PARENT_SETTID;
    args.parent_tid = (u64)&at->pid;
    long pid = SYS_2(__NR_clone3, &args, sizeof args);
    if (pid > 0) {
        SYS_1(__NR_exit_group, 0);
    }
    return pid;
}

static long send_terminal(s32 report, s32 terminal) {
    struct {
        struct cmsghdr head;
        s32 fd;
        s32 pad;
    } control = {{sizeof(struct cmsghdr) + sizeof(s32), SOL_SOCKET, SCM_RIGHTS}, terminal, 0};
    char byte = 't';
    struct iovec iov = {&byte, 1};
    struct msghdr message = {0, 0, &iov, 1, &control, sizeof control, 0};
    long sent = SYS_3(__NR_sendmsg, report, &message, MSG_NOSIGNAL);
    return sent < 0 ? sent : 0;
}

static long execute(const struct program *p, const struct step *s, const s64 *a, struct progress *at, s32 report) {
    long result = 0;
    switch (s->op) {
    case OP_SYSCALL:
        at->executing = s->syscall == __NR_execve || s->syscall == __NR_execveat;
        result = step_syscall(s->syscall, a);
        at->executing = 0;
        return result;
    case OP_CHECK:
        return check_number(p, s, a);
    case OP_FAIL:
        return a[0] > 0 && a[0] < SILENT ? -a[0] : a[0] < 0 && a[0] > -SILENT ? a[0] : -EINVAL;
    case OP_FORK:
        return report < 0 ? -EINVAL : fork_sibling(a, at);
    case OP_TERMINAL:
        return report < 0 ? -EINVAL : send_terminal(report, (s32)a[0]);
    case OP_STORE:
        memcpy(p->data + s->arg[1], &a[0], s->arg[2]);
        return 0;
    default:
        return 0; /* OP_JUMP: the caller's */
    }
}

/* Where to go on after an error; 0 if the step does not tolerate it. */
static u32 after_error(const struct step *s, u32 index, s32 error, struct progress *at) {
    for (u32 i = 0; i < STEP_ERRORS; i++) {
        if ((s->on[i].error & ~SILENT) != error) {
            continue;
        }
        if (!(s->on[i].error & SILENT) && at->warnings < MAX_WARNINGS) {
            at->warning[at->warnings].step = index;
            at->warning[at->warnings].error = error;
            at->warnings++;
        }
        return s->on[i].target ? s->on[i].target : index + 1;
    }
    return 0;
}

int program_run(const struct program *p, struct progress *at, s32 report) {
    u32 index = 0;
    while (index < p->header->steps) {
        const struct step *s = &p->steps[index];
        s64 a[STEP_ARGS];
        for (u32 i = 0; i < STEP_ARGS; i++) {
            a[i] = s->kind[i] == ARG_DATA ? (s64)(p->data + s->arg[i])
                : s->kind[i] == ARG_SLOT  ? p->slots[s->arg[i]]
                                          : (s64)s->arg[i];
        }
        at->step = index;
        long result = execute(p, s, a, at, report);
        if (s->result != NO_SLOT) {
            p->slots[s->result] = result;
        }
        u32 next = s->op == OP_JUMP ? (u32)s->arg[0] : index + 1;
        if (result < 0 && result >= -4095) {
            next = after_error(s, index, (s32)-result, at);
            if (next == 0) {
                at->error = (s32)-result;
                at->failed = 1;
                return -1;
            }
        }
        index = next;
    }
    at->ended = 1;
    return 0;
}
