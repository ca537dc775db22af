/* Syscall programs: reading, checking and executing them. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "program_format.h"
#include "protocol.h"
#include "sys.h"

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
