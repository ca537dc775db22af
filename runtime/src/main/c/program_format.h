/* The bytes of a program: docs/pause.md is the contract. All numbers little-endian. */
#ifndef PROGRAM_FORMAT_H
#define PROGRAM_FORMAT_H

#include <stdint.h>

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
    uint32_t magic;
    uint16_t version;
    uint16_t machine;
    uint32_t steps;
    uint32_t relocations;
    uint32_t data_bytes;
    uint16_t slots;
    uint16_t fds;
    uint64_t reserved;
};

struct step {
    uint16_t op;
    uint16_t syscall;
    uint16_t result;
    uint8_t kind[STEP_ARGS];
    struct {
        uint16_t error; /* 0 unused; with SILENT if it is not to be reported */
        uint16_t target; /* 0: the next step */
    } on[STEP_ERRORS];
    uint32_t reserved;
    uint64_t arg[STEP_ARGS];
};

_Static_assert(sizeof(struct program_header) == 32, "the format's header");
_Static_assert(sizeof(struct step) == 80, "the format's step");

#endif
