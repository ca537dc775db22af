/* START: a new process that executes a program. */
#include "loop.h"
#include "message.h"
#include "process.h"

struct stdio {
    s32 child[3];  /* the child's ends */
    s32 opened[3]; /* those of them to close here afterwards, or -1 */
};

static long make_pipe(s32 *read_end, s32 *write_end) {
    s32 fds[2];
    long error = SYS_2(__NR_pipe2, fds, O_CLOEXEC);
    if (error == 0) {
        *read_end = fds[0];
        *write_end = fds[1];
    }
    return error;
}

static long open_stdio(struct process *p, struct request *r, u32 next, struct stdio *io) {
    long error = 0;
    for (s32 i = 0; i < 3; i++) {
        io->child[i] = i;
        io->opened[i] = -1;
    }
    if (p->stdio == STDIO_PASSED) {
        for (u32 i = 0; i < 3; i++) {
            io->child[i] = r->fd[next + i];
        }
    } else if (p->stdio == STDIO_LOGGED) {
        error = make_pipe(&p->out.fd, &io->opened[1]);
        error = error ? error : make_pipe(&p->err.fd, &io->opened[2]);
        if (!error && (r->message.start.flags & START_STDIN)) {
            error = make_pipe(&io->opened[0], &p->stdin_fd);
        }
        for (u32 i = 0; i < 3; i++) {
            io->child[i] = io->opened[i] < 0 ? io->child[i] : io->opened[i];
        }
    }
    return error;
}

static void run_child(const struct program *program, struct progress *at, s32 report, const struct stdio *io) {
    u64 none = 0;
    SYS_4(__NR_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
    for (s32 i = 0; i < 3; i++) {
        if (io->child[i] != i) {
            SYS_3(__NR_dup3, io->child[i], i, 0);
        }
    }
    int failed = program_run(program, at, report);
    SYS_1(__NR_exit_group, failed ? 127 : 0);
}

static long spawn(struct process *p, const struct start *start, const struct program *program, s32 cgroup,
                  const struct stdio *io) {
    s32 report[2];
    p->progress = map_pages(sizeof *p->progress, MAP_SHARED);
    if (failed(p->progress)) {
        p->progress = 0;
        return -ENOMEM;
    }
    long pid = SYS_4(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report);
    if (pid < 0) {
        return pid;
    }
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = start->clone_flags | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
    args.exit_signal = SIGCHLD;
    args.cgroup = (u64)(u32)cgroup;
    pid = SYS_2(__NR_clone3, &args, cgroup >= 0 ? sizeof args : CLONE_ARGS_SIZE_VER0);
    if (pid == 0) {
        run_child(program, p->progress, report[1], io);
    }
    close_fd(&report[1]);
    p->report = report[0];
    p->pid = (s32)pid;
    return pid;
}

static void watch_new(struct process *p) {
    u64 i = index_of(p);
    watch(p->report, EPOLLIN, ON_REPORT, i, EPOLL_CTL_ADD);
    if (p->out.fd >= 0) {
        SYS_3(__NR_fcntl, p->out.fd, F_SETFL, O_NONBLOCK);
        SYS_3(__NR_fcntl, p->err.fd, F_SETFL, O_NONBLOCK);
        watch(p->out.fd, EPOLLIN, ON_OUT, i, EPOLL_CTL_ADD);
        watch(p->err.fd, EPOLLIN, ON_ERR, i, EPOLL_CTL_ADD);
    }
}

int start_ok(const struct request *r) {
    const struct start *s = &r->message.start;
    const u64 spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID
        | CLONE_NEWNET;
    int logged = s->stdio == STDIO_LOGGED || s->stdio == STDIO_TERMINAL;
    return has_body(r, sizeof *s) && s->stdio <= STDIO_TERMINAL_PASSED && (s->clone_flags & ~spaces) == 0
        && (s->flags & ~(u32)(START_STDIN | START_CGROUP | START_LOG)) == 0
        && (s->stdio == STDIO_LOGGED || !(s->flags & START_STDIN)) && (logged || !(s->flags & START_LOG));
}

int is_regular(s32 fd) {
    struct stat st;
    return SYS_2(__NR_fstat, fd, &st) == 0 && (st.st_mode & S_IFMT) == S_IFREG;
}

long start_process(struct request *r, struct process *p, u32 *where) {
    const struct start *s = &r->message.start;
    u32 cgroup = 1;
    u32 log = cgroup + !!(s->flags & START_CGROUP);
    u32 stdio = log + !!(s->flags & START_LOG);
    u32 passed = stdio + (s->stdio == STDIO_PASSED ? 3 : 0);
    struct program program;
    struct stdio io;
    if (r->fds < passed || ((s->flags & START_LOG) && !is_regular(r->fd[log]))) {
        return -EINVAL;
    }
    *where = WHERE_PROGRAM;
    long error = program_load(&program, r->fd[0], &r->fd[passed], r->fds - passed);
    if (error < 0) {
        return error;
    }
    *where = WHERE_STDIO;
    p->stdio = (u8)s->stdio;
    error = open_stdio(p, r, stdio, &io);
    if (error == 0) {
        *where = WHERE_CLONE;
        error = spawn(p, s, &program, s->flags & START_CGROUP ? r->fd[cgroup] : -1, &io);
    }
    program_free(&program);
    for (u32 i = 0; i < 3; i++) {
        close_fd(&io.opened[i]);
    }
    if (error > 0) {
        p->log = s->flags & START_LOG ? take_fd(r, log) : -1;
        watch_new(p);
    }
    return error;
}
