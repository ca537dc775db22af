/*
 * pause: parent of a pod's processes, executor of their programs, writer of their logs, keeper of their exits.
 *
 * One thread, one epoll loop, tables of fixed size. It waits for no child, no reader and no agent; of the files it
 * writes to only a log can make it wait. docs/pause.md describes the protocol, the states and the reasons.
 */
#include "loop.h"
#include "message.h"
#include "process.h"
#include "users.h"

enum {
    CONTROL_FD = 3,
    EVENTS = 32,
    TRIM_AFTER_MS = 1000,
};

static s32 epoll = -1, listener = -1, control = -1, signals = -1;
static u8 adopted;         /* the agent has set this pause up: from now on it outlives its connection */
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

void watch(s32 fd, u32 events, u64 kind, u64 index, int op) {
    struct epoll_event event = {events, kind << 32 | index};
    SYS_4(__NR_epoll_ctl, epoll, op, fd, &event);
}

void unwatch_close(s32 *fd) {
    if (*fd >= 0) {
        watch(*fd, 0, 0, 0, EPOLL_CTL_DEL);
        close_fd(fd);
    }
}

/* ---- answers */

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

/* ---- requests */

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
        reader_left(index);
        break;
    default:
        control_ready = 1; /* ON_CONTROL: once the others have had their turn */
    }
}

static void loop(void) {
    for (;;) {
        struct epoll_event events[EVENTS];
        long count = SYS_6(__NR_epoll_pwait, epoll, events, EVENTS, log_is_busy() ? TRIM_AFTER_MS : -1, 0, 8);
        if (count == 0) {
            log_trim();
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

/* Its pid, 0 in the new process, or a negative errno; `where` is what was being done, WHERE_*. */
static long clone_pause(const struct request *r, u32 *where, s32 *pidfd) {
    const struct launch *l = &r->message.launch;
    const u64 of_users = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    u32 has_cgroup = r->fds == 2;
    u64 flags = l->clone_flags;
    *where = WHERE_REQUEST;
    if (l->head.type != MSG_LAUNCH || !has_body(r, sizeof *l) || r->fds < 1 || r->fds > 2
        || l->uid_map[ID_MAP_BYTES - 1] != 0 || l->gid_map[ID_MAP_BYTES - 1] != 0) {
        return -EINVAL;
    }
    if (l->uid_map[0] != 0) {
        *where = WHERE_USERS;
        long error = enter_namespaces_of_users(l->uid_map, l->gid_map, flags & of_users);
        if (error < 0) {
            return error;
        }
        flags &= ~of_users;
    }
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = flags | CLONE_PARENT | CLONE_PIDFD | (has_cgroup ? CLONE_INTO_CGROUP : 0);
    args.pidfd = (u64)pidfd;
    args.cgroup = has_cgroup ? (u64)r->fd[1] : 0;
    *where = WHERE_CLONE;
    return SYS_2(__NR_clone3, &args, has_cgroup ? sizeof args : CLONE_ARGS_SIZE_VER0);
}

/*
 * Makes the real pause: in its namespaces and its cgroup from its first instruction on (moving a process between cgroups
 * costs ten milliseconds and more), and a child of the agent, which reaps it.
 */
static int launch(struct request *r) {
    s32 pidfd = -1;
    struct launched done;
    memset(&done, 0, sizeof done);
    long pid = clone_pause(r, &done.head.where, &pidfd);
    if (pid == 0) {
        s32 listening = take_fd(r, 0);
        close_request(r);
        return serve(CONTROL_FD, listening);
    }
    done.head.type = MSG_LAUNCH | REPLY;
    done.head.tag = r->message.head.tag;
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
