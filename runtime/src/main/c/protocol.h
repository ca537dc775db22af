/* What the agent and pause say to each other: docs/pause.md is the contract. All numbers little-endian. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

enum {
    PROTOCOL_VERSION = 1,
    ID_BYTES = 64,
    MAX_PROCESSES = 256,
    MAX_ATTACHMENTS = 64,
    MAX_WARNINGS = 32,
    MAX_MESSAGE = 1024,
    MAX_FDS = 72,
    ID_MAP_BYTES = 64,
};

/* Requests; a reply has the request's type and REPLY. */
enum {
    MSG_LAUNCH = 1,
    MSG_HELLO,
    MSG_SETUP,
    MSG_START,
    MSG_STATE,
    MSG_ACK,
    MSG_ROTATE,
    MSG_ATTACH,
    MSG_STDIN,
    MSG_CLOSE_STDIN,
    MSG_RESIZE,
    REPLY = 0x100,
    EVENT_EXIT = 0x201,
    EVENT_LOG,
    EVENT_CUT,
};

struct head {
    uint32_t type;
    uint32_t tag;        /* the agent's, returned in the reply; 0 in events */
    char id[ID_BYTES];   /* of a process, padded with NUL; empty where there is none */
    int32_t error;       /* replies: 0, or the errno for which the request was refused */
    uint32_t where;      /* replies with an error: WHERE_* */
};

/* What pause was doing when a request failed. */
enum {
    WHERE_REQUEST,
    WHERE_PROGRAM,
    WHERE_STDIO,
    WHERE_CLONE,
    WHERE_USERS,
};

struct launch {
    struct head head;
    uint64_t clone_flags;
    char uid_map[ID_MAP_BYTES]; /* as the kernel's file has it, padded with NUL; empty: the host's users */
    char gid_map[ID_MAP_BYTES];
};

struct launched {
    struct head head;
    int32_t pid;
    uint32_t reserved;
};

struct hello {
    struct head head;
    uint32_t version;
    uint32_t max_processes;
    uint32_t max_program_bytes;
    int32_t pid;         /* pause's own view of it: 1 in a PID namespace of the pod's */
};

enum {
    STDIO_NULL = 0,      /* stdin from, output to /dev/null */
    STDIO_LOGGED = 1,    /* output by pipes into the log */
    STDIO_PASSED = 2,    /* three descriptors of the agent */
    STDIO_TERMINAL = 3,  /* the program opens a terminal, pause keeps and logs it */
    STDIO_TERMINAL_PASSED = 4, /* the program opens a terminal, the reply hands it over */

    START_STDIN = 1,     /* STDIO_LOGGED: with a pipe for input */
    START_CGROUP = 2,    /* a cgroup's directory is passed */
    START_LOG = 4,       /* a log file is passed */
};

/* Descriptors: program, then as flagged cgroup, log, then for STDIO_PASSED three, then the program's. */
struct start {
    struct head head;
    uint32_t stdio;
    uint32_t flags;
    uint64_t clone_flags;
};

enum { STREAM_OUT = 1, STREAM_ERR = 2 };

/* Descriptors: one per stream. */
struct attach {
    struct head head;
    uint32_t streams;
    uint32_t reserved;
};

struct resize {
    struct head head;
    uint16_t rows;
    uint16_t columns;
    uint32_t reserved;
};

enum { PHASE_STARTING = 1, PHASE_RUNNING, PHASE_EXITED, PHASE_FAILED };

enum {
    INFO_TERMINAL = 1,
    INFO_STDIN = 2,      /* pause holds a write end of its stdin */
    INFO_OUTPUT = 4,     /* its output is still open */
};

struct warning {
    uint32_t step;
    int32_t error;
};

/* A process, in replies to SETUP, START and STATE and in all events. */
struct info {
    struct head head;
    uint32_t phase;
    uint32_t flags;
    uint32_t step;       /* that runs, or failed */
    int32_t step_error;  /* 0 in PHASE_FAILED: the process was killed in this step */
    uint32_t status;     /* as wait(2) gives it */
    int32_t log_error;   /* of the last write to the log; 0 if it went well */
    uint64_t started_ns; /* CLOCK_REALTIME */
    uint64_t finished_ns;
    uint64_t lost_bytes;
    uint64_t lost_lines;
    uint32_t warnings;
    uint32_t reserved;
    struct warning warning[MAX_WARNINGS];
};

#endif
