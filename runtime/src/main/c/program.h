/* Syscall programs: reading, checking and executing them. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "protocol.h"
#include "sys.h"

enum {
    PROGRAM_MAGIC = 0x31525047, /* "GPR1" */
    PROGRAM_VERSION = 1,
    MAX_PROGRAM_BYTES = 8 << 20,
    MAX_STEPS = 4096,
    MAX_SLOTS = 4096,
    STEP_ARGS = 6,
    STEP_ERRORS = 4,
    NO_SLOT = 0xffff,
    SILENT = 0x8000,
};

enum { OP_SYSCALL, OP_JUMP, OP_CHECK, OP_FAIL, OP_FORK, OP_TERMINAL, OP_STORE, OPS };
enum { ARG_IMMEDIATE, ARG_DATA, ARG_SLOT, ARG_KINDS };

struct program_header {
    u32 magic;
    u16 version;
    u16 machine;
    u32 steps;
    u32 relocations;
    u32 data_bytes;
    u16 slots;
    u16 fds;
    u64 reserved;
};

struct step {
    u16 op;
    u16 syscall;
    u16 result;
    u8 kind[STEP_ARGS];
    struct {
        u16 error; /* 0 unused; with SILENT if it is not to be reported */
        u16 target; /* 0: the next step */
    } on[STEP_ERRORS];
    u32 reserved;
    u64 arg[STEP_ARGS];
};

_Static_assert(sizeof(struct program_header) == 32, "the format's header");
_Static_assert(sizeof(struct step) == 80, "the format's step");

/* A checked program in memory of its own. */
struct program {
    void *memory;
    size_t bytes;
    const struct program_header *header;
    const struct step *steps;
    u8 *data;
    s64 *slots;
};

/* How far a program is, in memory that its process shares with pause. */
struct progress {
    volatile u32 step;
    volatile s32 error;
    volatile u32 failed;
    volatile u32 executing; /* in execve: if the process' report closes now, it has succeeded or died in it */
    volatile u32 ended;     /* ran to its end without execve */
    volatile s32 pid;       /* of the sibling that went on after OP_FORK */
    volatile u32 warnings;
    struct warning warning[MAX_WARNINGS];
};

/* Reads and checks a program that takes `fds` descriptors; 0 or a negative errno. */
long program_load(struct program *p, s32 file, const s32 *fds, u32 count);
void program_free(struct program *p);

/* Executes it. Returns 0 at its end, -1 if a step failed; not at all if execve succeeded. `report` may be -1. */
int program_run(const struct program *p, struct progress *at, s32 report);

#endif
