/* What pause keeps of a process, and the log writer that works on it. */
#ifndef PROCESS_H
#define PROCESS_H

#include "program.h"
#include "protocol.h"
#include "sys.h"

enum {
    LINE_BYTES = 16384,           /* longer lines are logged in pieces, as containerd does */
    PARTIAL_BYTES = LINE_BYTES + 1, /* and a carriage return that may turn out to be part of the line's end */
    READ_BYTES = 64 << 10,
};

/* One output of a process. */
struct stream {
    s32 fd;             /* -1 once closed */
    u32 partial_bytes;  /* of a line whose end has not been read */
    u8 *partial;        /* PARTIAL_BYTES, allocated when first needed */
};

/* What is still to be said to the agent. */
enum { SAY_START = 1, SAY_STATE = 2, SAY_LOG = 4, SAY_CUT = 8, SAY_EXIT = 16 };

struct process {
    char id[ID_BYTES];
    u8 phase;           /* 0: the entry is free */
    u8 say;
    u8 stdio;
    u8 reaped;          /* its status is known; possible before its program's end was */
    u8 torn;            /* the log ends in the middle of a line */
    s32 pid;
    u32 tag;            /* of the START request */
    s32 report;         /* closes when the program is done */
    s32 pidfd;          /* for the reply to START */
    s32 terminal;       /* for the reply to START */
    s32 stdin_fd;       /* write end; of a terminal the same number as out.fd */
    s32 log;
    s32 log_error;
    struct stream out, err;
    struct progress *progress;
    u32 status, step, warnings;
    s32 step_error;
    u64 started_ns, finished_ns, lost_bytes, lost_lines;
    struct warning warning[MAX_WARNINGS];
};

/* Reads once and logs; returns the bytes, 0 if there are none now, -1 if the stream has ended and is closed. */
long stream_read(struct process *p, struct stream *s);

/* Reads what is there, up to what the pipe can hold: all that a process which has ended wrote. */
void stream_drain(struct process *p, struct stream *s);

/* Writes out the started line as it is, frees memory, closes. */
void stream_close(struct process *p, struct stream *s);

/* Gives memory back that only busy times need. */
void log_trim(void);

/* Whether there is something to trim. */
int log_is_busy(void);

extern struct process processes[MAX_PROCESSES];
extern u32 used_processes; /* entries from here on have never been used */

static inline u64 index_of(const struct process *p) {
    return (u64)(p - processes);
}

/* 0 if there is none, or no room for one. */
struct process *find(const char *id);
struct process *new_process(const char *id);
void free_process(struct process *p);

void close_stdin(struct process *p);

/* Copies a stream to `fd` from now on, which is taken over. */
long attach_one(struct process *p, const struct stream *s, s32 fd);
void reader_left(u32 index);
void attached_write(struct process *p, const struct stream *s, const u8 *bytes, size_t count);

/* Events: output is there, a program reports or is done, children have ended. */
void read_output(struct process *p, struct stream *s);
void read_report(struct process *p);
void reap(void);

struct request;

/* START; spawn.c. `where` is what failed, WHERE_*. */
int start_ok(const struct request *r);
long start_process(struct request *r, struct process *p, u32 *where);
int is_regular(s32 fd);

#endif
