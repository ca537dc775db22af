/* The processes of the pod: the table, their output, the ends of their programs and their own. */
#include "process.h"

#include "loop.h"
#include "message.h"

struct attachment {
    struct process *process; /* 0: the entry is free */
    const struct stream *stream;
    s32 fd;
};

struct process processes[MAX_PROCESSES];
u32 used_processes;
static struct attachment attachments[MAX_ATTACHMENTS];

/* ---- the table */

struct process *find(const char *id) {
    for (u32 i = 0; i < used_processes; i++) {
        if (processes[i].phase != 0 && memcmp(processes[i].id, id, ID_BYTES) == 0) {
            return &processes[i];
        }
    }
    return 0;
}

struct process *new_process(const char *id) {
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

void close_stdin(struct process *p) {
    if (p->stdio != STDIO_TERMINAL) {
        close_fd(&p->stdin_fd);
    }
    p->stdin_fd = -1;
}

void free_process(struct process *p) {
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

void reader_left(u32 index) {
    if (attachments[index].process != 0) {
        detach(&attachments[index]);
    }
}

/* ---- output */

long attach_one(struct process *p, const struct stream *s, s32 fd) {
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

void read_output(struct process *p, struct stream *s) {
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

static void drain_output(struct process *p, struct stream *s) {
    stream_drain(p, s);
    if (s->fd < 0) {
        detach_all(p, s);
    }
}

/* Once nothing can be learned of it any more that is not written down here. */
static void settle(struct process *p) {
    if (p->phase == PHASE_RUNNING && p->reaped) {
        drain_output(p, &p->out);
        drain_output(p, &p->err);
        p->phase = PHASE_EXITED;
        close_stdin(p);
        p->say |= SAY_EXIT;
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

void read_report(struct process *p) {
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

void reap(void) {
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
