/*
 * pause: parent of a pod's processes, executor of their programs, writer of their logs, keeper of their exits.
 *
 * One thread, one epoll loop, tables of fixed size. It waits for no child, no reader and no agent; of the files it
 * writes to only a log can make it wait. docs/pause.md describes the protocol, the states and the reasons.
 */
#include "process.h"

enum {
    CONTROL_FD = 3,
    /* which descriptor of which entry an epoll event is about: kind << 32 | index */
    ON_LISTENER = 1,
    ON_CONTROL,
    ON_SIGNAL,
    ON_REPORT,
    ON_OUT,
    ON_ERR,
    ON_ATTACHMENT,
    EVENTS = 32,
    TRIM_AFTER_MS = 1000,
};

struct attachment {
    struct process *process; /* 0: the entry is free */
    const struct stream *stream;
    s32 fd;
};

static struct process processes[MAX_PROCESSES];
static struct attachment attachments[MAX_ATTACHMENTS];
static u32 used_processes; /* entries from here on have never been used */
static s32 epoll = -1, listener = -1, control = -1, signals = -1;
static u8 adopted;         /* the agent has set this pause up: from now on it outlives its connection */
static u8 trimmed = 1;
static u8 control_ready;
static u32 control_interest;

/* The one reply that may wait for room in the socket; no request is read before it is gone. */
static struct {
    u8 waiting;
    u32 bytes;
    s32 fd;
    union {
        struct head head;
        struct hello hello;
        struct info info;
    } message;
} reply = {.fd = -1};

/* A STATE request in progress. */
static struct {
    u8 waiting;
    u32 tag;
    u32 next;
} listing;

static void watch(s32 fd, u32 events, u64 kind, u64 index, int op) {
    struct epoll_event event = {events, kind << 32 | index};
    SYS_4(__NR_epoll_ctl, epoll, op, fd, &event);
}

/* Another process may have a copy of the descriptor, and epoll goes by the open file: close alone is not enough. */
void unwatch_close(s32 *fd) {
    if (*fd >= 0) {
        watch(*fd, 0, 0, 0, EPOLL_CTL_DEL);
        close_fd(fd);
    }
}

static u64 index_of(const struct process *p) {
    return (u64)(p - processes);
}

/* ---- messages */

/* Up to two descriptors go with it; -1 for none. */
static long send_message(s32 socket, const void *bytes, u32 count, s32 fd, s32 second) {
    struct {
        struct cmsghdr head;
        s32 fd[2];
    } with = {{sizeof(struct cmsghdr), SOL_SOCKET, SCM_RIGHTS}, {fd, second}};
    u32 fds = (fd >= 0) + (fd >= 0 && second >= 0);
    with.head.len += fds * sizeof(s32);
    struct iovec iov = {(void *)(u64)bytes, count};
    struct msghdr message = {0, 0, &iov, 1, fds ? &with : 0, fds ? sizeof with : 0, 0};
    long result;
    do {
        result = SYS_3(__NR_sendmsg, socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (result == -EINTR);
    return result;
}

struct request {
    u64 bytes;
    u32 fds;
    s32 fd[MAX_FDS];
    union {
        struct head head;
        struct launch launch;
        struct hello hello;
        struct start start;
        struct attach attach;
        struct resize resize;
        u8 raw[MAX_MESSAGE];
    } message;
};

static void close_request(struct request *r) {
    for (u32 i = 0; i < r->fds; i++) {
        close_fd(&r->fd[i]);
    }
    r->fds = 0;
}

static void take_descriptors(struct request *r, const struct cmsghdr *c) {
    if (c->level != SOL_SOCKET || c->type != SCM_RIGHTS) {
        return;
    }
    const s32 *fds = (const s32 *)(c + 1);
    for (size_t count = (c->len - sizeof *c) / sizeof(s32); count > 0; count--, fds++) {
        if (r->fds < MAX_FDS) {
            r->fd[r->fds++] = *fds;
        } else {
            s32 extra = *fds;
            close_fd(&extra);
        }
    }
}

/* Receives one message: its size, 0 at the end of the connection, or a negative errno. A cut one is -EMSGSIZE. */
static long receive(s32 socket, struct request *r, u32 flags) {
    union {
        struct cmsghdr head;
        u8 raw[(sizeof(struct cmsghdr) + (MAX_FDS + 1) * sizeof(s32) + 7) & ~7ul];
    } with;
    struct iovec iov = {&r->message, sizeof r->message};
    struct msghdr message = {0, 0, &iov, 1, &with, sizeof with, 0};
    memset(r, 0, sizeof *r);
    long result;
    do {
        result = SYS_3(__NR_recvmsg, socket, &message, MSG_CMSG_CLOEXEC | flags);
    } while (result == -EINTR);
    if (result < 0) {
        return result;
    }
    if (message.controllen >= sizeof with.head && with.head.len <= message.controllen) {
        take_descriptors(r, &with.head);
    }
    r->bytes = (u64)result;
    if (message.flags & (MSG_TRUNC | MSG_CTRUNC)) {
        close_request(r);
        return -EMSGSIZE;
    }
    return result;
}

/* A newer agent may send more than is known here: welcome as long as it is zero. */
static int has_body(const struct request *r, size_t known) {
    for (u64 i = known; i < r->bytes; i++) {
        if (r->message.raw[i] != 0) {
            return 0;
        }
    }
    return r->bytes >= known;
}

/* The descriptor at `index` now belongs to the caller. */
static s32 take_fd(struct request *r, u32 index) {
    s32 fd = r->fd[index];
    r->fd[index] = -1;
    return fd;
}

static void answer(const struct request *r, u32 bytes, s32 fd) {
    reply.message.head.type = r->message.head.type | REPLY;
    reply.message.head.tag = r->message.head.tag;
    memcpy(reply.message.head.id, r->message.head.id, ID_BYTES);
    reply.bytes = bytes;
    reply.fd = fd;
    reply.waiting = 1;
}

static void answer_error(const struct request *r, long error, u32 where) {
    memset(&reply.message, 0, sizeof reply.message);
    reply.message.head.error = error < 0 ? (s32)-error : 0;
    reply.message.head.where = where;
    answer(r, sizeof(struct head), -1);
}

static void end_reply(void) {
    close_fd(&reply.fd);
    reply.waiting = 0;
}

/* Of what was before it, a new connection learns by asking for STATE. */
static void forget_sayings(void) {
    for (u32 i = 0; i < used_processes; i++) {
        struct process *p = &processes[i];
        close_fd(&p->pidfd);
        close_fd(&p->terminal); /* of an exec whose caller is gone */
        p->say = 0;
        p->tag = 0;
    }
}

static void disconnect(void) {
    if (!adopted) {
        SYS_1(__NR_exit_group, 1); /* an agent that died before the pod existed left nothing to keep */
    }
    SYS_2(__NR_shutdown, control, SHUT_RDWR); /* a child that is in its program still has a copy */
    unwatch_close(&control);
    end_reply();
    listing.waiting = 0;
}

/* ---- the table */

static struct process *find(const char *id) {
    for (u32 i = 0; i < used_processes; i++) {
        if (processes[i].phase != 0 && memcmp(processes[i].id, id, ID_BYTES) == 0) {
            return &processes[i];
        }
    }
    return 0;
}

static struct process *new_process(const char *id) {
    for (u32 i = 0; i < MAX_PROCESSES; i++) {
        struct process *p = &processes[i];
        if (i >= used_processes || p->phase == 0) {
            memset(p, 0, sizeof *p);
            memcpy(p->id, id, ID_BYTES);
            p->report = p->pidfd = p->terminal = p->stdin_fd = p->log = p->out.fd = p->err.fd = -1;
            p->phase = PHASE_STARTING;
            used_processes = i >= used_processes ? i + 1 : used_processes;
            return p;
        }
    }
    return 0;
}

static void detach(struct attachment *a) {
    unwatch_close(&a->fd);
    a->process = 0;
}

static void detach_all(const struct process *p, const struct stream *s) {
    for (u32 i = 0; i < MAX_ATTACHMENTS; i++) {
        struct attachment *a = &attachments[i];
        if (a->process == p && (s == 0 || a->stream == s)) {
            detach(a);
        }
    }
}

static void drop_progress(struct process *p) {
    if (p->progress != 0) {
        SYS_2(__NR_munmap, p->progress, sizeof *p->progress);
        p->progress = 0;
    }
}

static void close_stdin(struct process *p) {
    if (p->stdio != STDIO_TERMINAL) {
        close_fd(&p->stdin_fd);
    }
    p->stdin_fd = -1;
}

static void free_process(struct process *p) {
    close_stdin(p);
    stream_close(p, &p->out);
    stream_close(p, &p->err);
    detach_all(p, 0);
    unwatch_close(&p->report);
    close_fd(&p->pidfd);
    close_fd(&p->terminal);
    close_fd(&p->log);
    drop_progress(p);
    p->phase = 0;
    p->say = 0;
}

/* ---- output */

void attached_write(struct process *p, const struct stream *s, const u8 *bytes, size_t count) {
    for (u32 i = 0; i < MAX_ATTACHMENTS; i++) {
        struct attachment *a = &attachments[i];
        if (a->process != p || a->stream != s) {
            continue;
        }
        long written = SYS_3(__NR_write, a->fd, bytes, count);
        if (written != (long)count) {
            detach(a);
            if (written >= 0 || written == -EAGAIN) {
                p->say |= SAY_CUT; /* too slow; any other error means that it left */
            }
        }
    }
}

static void read_output(struct process *p, struct stream *s) {
    trimmed = 0;
    if (s->fd >= 0 && stream_read(p, s) < 0) {
        if (p->stdio == STDIO_TERMINAL) {
            p->stdin_fd = -1; /* was the same descriptor */
        }
        detach_all(p, s);
    }
}

/* ---- the end of programs and processes */

static void take_terminal(struct process *p, s32 terminal) {
    if (p->stdio == STDIO_TERMINAL && p->out.fd < 0) {
        SYS_3(__NR_fcntl, terminal, F_SETFL, O_RDWR | O_NONBLOCK);
        p->out.fd = p->stdin_fd = terminal;
        watch(terminal, EPOLLIN, ON_OUT, index_of(p), EPOLL_CTL_ADD);
    } else if (p->stdio == STDIO_TERMINAL_PASSED && p->terminal < 0) {
        p->terminal = terminal;
    } else {
        close_fd(&terminal);
    }
}

/* Once nothing can be learned of it any more that is not written down here. */
static void settle(struct process *p) {
    if (p->phase == PHASE_RUNNING && p->reaped) {
        stream_drain(p, &p->out);
        stream_drain(p, &p->err);
        p->phase = PHASE_EXITED;
        close_stdin(p);
        p->say |= SAY_EXIT;
        trimmed = 0;
    }
}

static void finish_start(struct process *p) {
    const struct progress *at = p->progress;
    unwatch_close(&p->report);
    if (at->pid != 0) {
        p->pid = at->pid;
    }
    p->step = at->step;
    p->step_error = at->failed ? at->error : 0;
    p->warnings = at->warnings < MAX_WARNINGS ? at->warnings : MAX_WARNINGS;
    for (u32 i = 0; i < p->warnings; i++) {
        p->warning[i] = at->warning[i];
    }
    if (!at->failed && (at->executing || at->ended)) {
        p->phase = PHASE_RUNNING;
        p->started_ns = now_ns();
        if (p->pidfd < 0) {
            p->pidfd = (s32)SYS_2(__NR_pidfd_open, p->pid, 0);
        }
    } else {
        p->phase = PHASE_FAILED; /* the process is ending by itself */
    }
    p->say |= SAY_START;
    drop_progress(p);
    settle(p);
}

static void read_report(struct process *p) {
    while (p->report >= 0) {
        struct request r;
        long count = receive(p->report, &r, MSG_DONTWAIT);
        if (count == -EAGAIN) {
            return;
        }
        if (count == 0) {
            finish_start(p);
        } else if (r.fds > 0) {
            take_terminal(p, take_fd(&r, 0));
        }
        close_request(&r);
    }
}

static struct process *find_pid(s32 pid) {
    for (u32 i = 0; i < used_processes; i++) {
        struct process *p = &processes[i];
        int alive = p->phase == PHASE_STARTING || p->phase == PHASE_RUNNING;
        if (alive && !p->reaped && (p->pid == pid || (p->progress != 0 && p->progress->pid == pid))) {
            return p;
        }
    }
    return 0;
}

static void ended(struct process *p, const struct child_info *child) {
    if (p->progress != 0 && p->progress->pid != 0 && child->pid == p->pid && p->pid != p->progress->pid) {
        p->pid = p->progress->pid; /* it went on in a sibling */
        return;
    }
    p->pid = child->pid;
    p->reaped = 1;
    p->finished_ns = now_ns();
    p->status = child->code == CLD_EXITED ? ((u32)child->status & 0xff) << 8
                                          : ((u32)child->status & 0x7f) | (child->code == CLD_DUMPED ? 0x80u : 0u);
    settle(p);
}

static void reap(void) {
    for (;;) {
        struct child_info child;
        memset(&child, 0, sizeof child);
        if (SYS_5(__NR_waitid, P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT, 0) < 0 || child.pid == 0) {
            return;
        }
        /* whatever a process reported, it did before it ended */
        for (u32 i = 0; i < used_processes; i++) {
            if (processes[i].phase == PHASE_STARTING) {
                read_report(&processes[i]);
            }
        }
        struct process *p = find_pid(child.pid);
        if (p != 0 && p->phase == PHASE_STARTING && p->pidfd < 0 && p->progress->pid == child.pid) {
            p->pidfd = (s32)SYS_2(__NR_pidfd_open, child.pid, 0);
        }
        SYS_5(__NR_waitid, P_PID, child.pid, 0, WEXITED | WNOHANG, 0);
        if (p != 0) {
            ended(p, &child);
        }
    }
}

/* ---- START */

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

static int start_ok(const struct request *r) {
    const struct start *s = &r->message.start;
    const u64 spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID
        | CLONE_NEWNET;
    int logged = s->stdio == STDIO_LOGGED || s->stdio == STDIO_TERMINAL;
    return has_body(r, sizeof *s) && s->stdio <= STDIO_TERMINAL_PASSED && (s->clone_flags & ~spaces) == 0
        && (s->flags & ~(u32)(START_STDIN | START_CGROUP | START_LOG)) == 0
        && (s->stdio == STDIO_LOGGED || !(s->flags & START_STDIN)) && (logged || !(s->flags & START_LOG));
}

static int is_regular(s32 fd) {
    struct stat st;
    return SYS_2(__NR_fstat, fd, &st) == 0 && (st.st_mode & S_IFMT) == S_IFREG;
}

static long start_process(struct request *r, struct process *p, u32 *where) {
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

static void on_start(struct request *r) {
    const char *id = r->message.head.id;
    u32 where = WHERE_REQUEST;
    long error = !start_ok(r) || id[0] == 0 ? -EINVAL : find(id) ? -EEXIST : 0;
    struct process *p = error ? 0 : new_process(id);
    if (p == 0) {
        answer_error(r, error ? error : -ENOBUFS, where);
        return;
    }
    p->tag = r->message.head.tag;
    error = start_process(r, p, &where);
    if (error < 0) {
        free_process(p);
        answer_error(r, error, where);
    }
}

/* ---- other requests */

static void on_setup(struct request *r) {
    struct program program;
    struct progress at;
    memset(&at, 0, sizeof at);
    long error = r->fds < 1 || !has_body(r, sizeof(struct head)) ? -EINVAL
                                                                : program_load(&program, r->fd[0], &r->fd[1], r->fds - 1);
    if (error < 0) {
        answer_error(r, error, WHERE_PROGRAM);
        return;
    }
    int failed_step = program_run(&program, &at, -1);
    program_free(&program);
    adopted |= !failed_step;
    struct info *info = &reply.message.info;
    memset(info, 0, sizeof *info);
    info->phase = failed_step ? PHASE_FAILED : PHASE_RUNNING;
    info->step = at.step;
    info->step_error = at.error;
    info->warnings = at.warnings;
    memcpy(info->warning, at.warning, sizeof info->warning);
    answer(r, sizeof *info, -1);
}

static void on_hello(const struct request *r) {
    struct hello *h = &reply.message.hello;
    memset(h, 0, sizeof *h);
    h->version = PROTOCOL_VERSION;
    h->max_processes = MAX_PROCESSES;
    h->max_program_bytes = MAX_PROGRAM_BYTES;
    h->pid = (s32)SYS_1(__NR_getpid, 0);
    /* who connects to the listener cannot learn by SO_PEERCRED who serves it now */
    answer(r, sizeof *h, (s32)SYS_2(__NR_pidfd_open, h->pid, 0));
}

static long acknowledge(struct process *p) {
    if (p->phase != PHASE_EXITED && p->phase != PHASE_FAILED) {
        return -EBUSY;
    }
    free_process(p);
    return 0;
}

static long rotate(struct request *r, struct process *p) {
    if (r->fds > 1 || (r->fds == 1 && !is_regular(r->fd[0]))
        || (p->stdio != STDIO_LOGGED && p->stdio != STDIO_TERMINAL)) {
        return -EINVAL;
    }
    close_fd(&p->log);
    p->log = r->fds == 1 ? take_fd(r, 0) : -1;
    p->torn = 0;
    return 0;
}

static long attach_one(struct process *p, const struct stream *s, s32 fd) {
    for (u32 i = 0; i < MAX_ATTACHMENTS; i++) {
        struct attachment *a = &attachments[i];
        if (a->process == 0) {
            long flags = SYS_3(__NR_fcntl, fd, F_GETFL, 0);
            SYS_3(__NR_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
            *a = (struct attachment){p, s, fd};
            watch(fd, 0, ON_ATTACHMENT, i, EPOLL_CTL_ADD); /* tells when the reader leaves */
            return 0;
        }
    }
    close_fd(&fd);
    return -ENOBUFS;
}

static long attach(struct request *r, struct process *p) {
    u32 streams = r->message.attach.streams;
    u32 count = !!(streams & STREAM_OUT) + !!(streams & STREAM_ERR);
    if (!has_body(r, sizeof r->message.attach) || streams > (STREAM_OUT | STREAM_ERR) || count == 0 || r->fds != count) {
        return -EINVAL;
    }
    if (((streams & STREAM_OUT) && p->out.fd < 0) || ((streams & STREAM_ERR) && p->err.fd < 0)) {
        return -EPIPE;
    }
    long error = streams & STREAM_OUT ? attach_one(p, &p->out, take_fd(r, 0)) : 0;
    return error < 0 || !(streams & STREAM_ERR) ? error : attach_one(p, &p->err, take_fd(r, count - 1));
}

static long resize(const struct request *r, const struct process *p) {
    u16 size[4] = {r->message.resize.rows, r->message.resize.columns, 0, 0};
    if (!has_body(r, sizeof r->message.resize)) {
        return -EINVAL;
    }
    return p->stdio != STDIO_TERMINAL || p->out.fd < 0 ? -ENOTTY : SYS_3(__NR_ioctl, p->out.fd, TIOCSWINSZ, size);
}

static void on_process_request(struct request *r) {
    struct process *p = find(r->message.head.id);
    long error = has_body(r, sizeof(struct head)) ? -ESRCH : -EINVAL;
    if (p != 0) {
        switch (r->message.head.type) {
        case MSG_ACK:
            error = acknowledge(p);
            break;
        case MSG_ROTATE:
            error = rotate(r, p);
            break;
        case MSG_ATTACH:
            error = attach(r, p);
            break;
        case MSG_RESIZE:
            error = resize(r, p);
            break;
        case MSG_CLOSE_STDIN:
            close_stdin(p);
            error = 0;
            break;
        default:
            error = p->stdin_fd < 0 ? -EPIPE : 0; /* MSG_STDIN */
        }
    }
    answer_error(r, error, WHERE_REQUEST);
    if (error == 0 && r->message.head.type == MSG_STDIN) {
        reply.fd = (s32)SYS_3(__NR_fcntl, p->stdin_fd, F_DUPFD_CLOEXEC, 3);
    }
}

static void on_request(struct request *r) {
    switch (r->message.head.type) {
    case MSG_HELLO:
        on_hello(r);
        break;
    case MSG_SETUP:
        on_setup(r);
        break;
    case MSG_START:
        on_start(r);
        break;
    case MSG_STATE:
        listing.waiting = 1;
        listing.tag = r->message.head.tag;
        listing.next = 0;
        break;
    case MSG_ACK:
    case MSG_ROTATE:
    case MSG_ATTACH:
    case MSG_STDIN:
    case MSG_CLOSE_STDIN:
    case MSG_RESIZE:
        on_process_request(r);
        break;
    default:
        answer_error(r, -ENOSYS, WHERE_REQUEST);
    }
}

/* ---- what is said to the agent */

static void fill_info(struct info *info, const struct process *p, u32 type, u32 tag) {
    memset(info, 0, sizeof *info);
    info->head.type = type;
    info->head.tag = tag;
    memcpy(info->head.id, p->id, ID_BYTES);
    info->phase = p->phase;
    info->flags = (p->stdio == STDIO_TERMINAL ? INFO_TERMINAL : 0u) | (p->stdin_fd >= 0 ? INFO_STDIN : 0u)
        | (p->out.fd >= 0 || p->err.fd >= 0 ? INFO_OUTPUT : 0u);
    info->step = p->progress != 0 ? p->progress->step : p->step;
    info->step_error = p->step_error;
    info->status = p->status;
    info->log_error = p->log_error;
    info->started_ns = p->started_ns;
    info->finished_ns = p->finished_ns;
    info->lost_bytes = p->lost_bytes;
    info->lost_lines = p->lost_lines;
    info->warnings = p->warnings;
    memcpy(info->warning, p->warning, sizeof info->warning);
}

static int say_info(const struct process *p, u32 type, u32 tag, s32 fd, s32 second) {
    struct info info;
    fill_info(&info, p, type, tag);
    return send_message(control, &info, sizeof info, fd, second) == (long)sizeof info;
}

static int say_start(struct process *p) {
    if (!say_info(p, MSG_START | REPLY, p->tag, p->pidfd, p->terminal)) {
        return 0;
    }
    close_fd(&p->pidfd);
    close_fd(&p->terminal);
    p->say &= (u8)~SAY_START;
    if (p->phase == PHASE_FAILED) {
        free_process(p);
    }
    return 1;
}

static int say_event(struct process *p, u8 what, u32 type) {
    if ((p->say & what) && !say_info(p, type, 0, -1, -1)) {
        return 0;
    }
    p->say &= (u8)~what;
    return 1;
}

static int say_process(struct process *p) {
    return (!(p->say & SAY_START) || say_start(p)) && say_event(p, SAY_LOG, EVENT_LOG)
        && say_event(p, SAY_CUT, EVENT_CUT) && say_event(p, SAY_EXIT, EVENT_EXIT);
}

static int say_listing(void) {
    for (; listing.next < used_processes; listing.next++) {
        struct process *p = &processes[listing.next];
        if (p->phase != 0) {
            int alive = (p->phase == PHASE_STARTING || p->phase == PHASE_RUNNING) && !p->reaped;
            s32 pid = p->progress != 0 && p->progress->pid != 0 ? p->progress->pid : p->pid;
            s32 pidfd = alive ? (s32)SYS_2(__NR_pidfd_open, pid, 0) : -1;
            int said = say_info(p, MSG_STATE | REPLY, listing.tag, pidfd, -1);
            close_fd(&pidfd);
            if (!said) {
                return 0;
            }
        }
    }
    struct head end;
    memset(&end, 0, sizeof end);
    end.type = MSG_STATE | REPLY;
    end.tag = listing.tag;
    listing.waiting = send_message(control, &end, sizeof end, -1, -1) != (long)sizeof end;
    return !listing.waiting;
}

static int say_reply(void) {
    if (send_message(control, &reply.message, reply.bytes, reply.fd, -1) != (long)reply.bytes) {
        return 0;
    }
    end_reply();
    return 1;
}

/* Says what there is to say, as far as the socket takes it. */
static int say_all(void) {
    if ((reply.waiting && !say_reply()) || (listing.waiting && !say_listing())) {
        return 0;
    }
    for (u32 i = 0; i < used_processes; i++) {
        if (processes[i].say != 0 && !say_process(&processes[i])) {
            return 0;
        }
    }
    return 1;
}

/* ---- the loop */

static void on_control(void) {
    control_ready = 0;
    while (control >= 0 && say_all()) {
        struct request r;
        long count = receive(control, &r, MSG_DONTWAIT);
        if (count == -EAGAIN) {
            return;
        }
        if (count >= (long)sizeof(struct head)) {
            on_request(&r);
        } else if (count > 0 || count == -EMSGSIZE) {
            answer_error(&r, count > 0 ? -EINVAL : count, WHERE_REQUEST);
        } else {
            disconnect();
        }
        close_request(&r);
    }
}

/* The newest connection of our own user is the agent. */
static void on_listener(void) {
    s32 fd = (s32)SYS_4(__NR_accept4, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    struct ucred peer = {0, ~0u, 0};
    u32 size = sizeof peer;
    SYS_5(__NR_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (peer.uid != (u32)SYS_1(__NR_geteuid, 0) || (!adopted && control >= 0)) {
        close_fd(&fd);
        return;
    }
    on_control(); /* what the old one had already sent counts */
    if (control >= 0) {
        disconnect();
    }
    forget_sayings();
    control = fd;
    control_ready = 1;
    control_interest = EPOLLIN;
    watch(control, EPOLLIN, ON_CONTROL, 0, EPOLL_CTL_ADD);
}

static void on_event(u64 data) {
    u32 index = (u32)data;
    u8 bytes[128 * 4];
    switch (data >> 32) {
    case ON_LISTENER:
        on_listener();
        break;
    case ON_SIGNAL:
        SYS_3(__NR_read, signals, bytes, sizeof bytes);
        reap();
        break;
    case ON_REPORT:
        read_report(&processes[index]);
        break;
    case ON_OUT:
        read_output(&processes[index], &processes[index].out);
        break;
    case ON_ERR:
        read_output(&processes[index], &processes[index].err);
        break;
    case ON_ATTACHMENT:
        if (attachments[index].process != 0) {
            detach(&attachments[index]);
        }
        break;
    default:
        control_ready = 1; /* ON_CONTROL: once the others have had their turn */
    }
}

static void loop(void) {
    for (;;) {
        struct epoll_event events[EVENTS];
        long count = SYS_6(__NR_epoll_pwait, epoll, events, EVENTS, trimmed ? -1 : TRIM_AFTER_MS, 0, 8);
        if (count == 0) {
            log_trim();
            trimmed = 1;
        }
        for (long i = 0; i < count; i++) {
            on_event(events[i].data);
        }
        if (control_ready) {
            on_control();
        }
        if (control >= 0) {
            u32 wanted = say_all() ? EPOLLIN : EPOLLOUT;
            if (wanted != control_interest) {
                watch(control, wanted, ON_CONTROL, 0, EPOLL_CTL_MOD);
                control_interest = wanted;
            }
        }
    }
}

/* Serves the connection and whoever connects later; returns only if the machine refuses the most basic things. */
static int serve(s32 connection, s32 listening) {
    u64 all = ~(u64)0;
    u64 child = 1ull << (SIGCHLD - 1);
    SYS_4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
    epoll = (s32)SYS_1(__NR_epoll_create1, O_CLOEXEC);
    signals = (s32)SYS_4(__NR_signalfd4, -1, &child, sizeof child, O_CLOEXEC | O_NONBLOCK);
    control = connection;
    listener = listening;
    if (epoll < 0 || signals < 0) {
        return 1;
    }
    SYS_5(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    watch(signals, EPOLLIN, ON_SIGNAL, 0, EPOLL_CTL_ADD);
    watch(listener, EPOLLIN, ON_LISTENER, 0, EPOLL_CTL_ADD);
    watch(control, EPOLLIN, ON_CONTROL, 0, EPOLL_CTL_ADD);
    control_interest = EPOLLIN;
    loop();
    return 0;
}

/*
 * Makes the real pause: in its namespaces and its cgroup from its first instruction on (moving a process between cgroups
 * costs ten milliseconds and more), and a child of the agent, which reaps it.
 */
static int launch(struct request *r) {
    const struct launch *l = &r->message.launch;
    u32 has_cgroup = r->fds == 2;
    s32 pidfd = -1;
    struct launched done;
    struct clone_args args;
    memset(&done, 0, sizeof done);
    memset(&args, 0, sizeof args);
    args.flags = l->clone_flags | CLONE_PARENT | CLONE_PIDFD | (has_cgroup ? CLONE_INTO_CGROUP : 0);
    args.pidfd = (u64)&pidfd;
    args.cgroup = has_cgroup ? (u64)r->fd[1] : 0;
    long pid = l->head.type != MSG_LAUNCH || !has_body(r, sizeof *l) || r->fds < 1 || r->fds > 2
        ? -EINVAL
        : SYS_2(__NR_clone3, &args, has_cgroup ? sizeof args : CLONE_ARGS_SIZE_VER0);
    if (pid == 0) {
        s32 listening = take_fd(r, 0);
        close_request(r);
        return serve(CONTROL_FD, listening);
    }
    done.head.type = MSG_LAUNCH | REPLY;
    done.head.tag = l->head.tag;
    done.head.error = pid < 0 ? (s32)-pid : 0;
    done.pid = pid < 0 ? 0 : (s32)pid;
    send_message(CONTROL_FD, &done, sizeof done, pid < 0 ? -1 : pidfd, -1);
    return pid < 0;
}

int pause_main(void);

/* The descriptors: 0 to 2 /dev/null, 3 the connection on which the LAUNCH message waits. */
int pause_main(void) {
    static struct request r;
    struct kernel_sigaction by_default;
    memset(&by_default, 0, sizeof by_default);
    for (long i = 1; i <= SIGNALS; i++) {
        SYS_4(__NR_rt_sigaction, i, &by_default, 0, 8);
    }
    SYS_3(__NR_close_range, CONTROL_FD + 1, ~0u, 0);
    SYS_3(__NR_fcntl, CONTROL_FD, F_SETFD, FD_CLOEXEC);
    SYS_5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    SYS_5(__NR_prctl, PR_SET_NAME, "gantry-pause", 0, 0, 0);
    return receive(CONTROL_FD, &r, 0) > 0 ? launch(&r) : 1;
}
