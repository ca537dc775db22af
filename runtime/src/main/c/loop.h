/* The one epoll loop; pause.c. */
#ifndef LOOP_H
#define LOOP_H

#include "sys.h"

/* What an event is about; with an index of the table concerned. */
enum {
    ON_LISTENER = 1,
    ON_CONTROL,
    ON_SIGNAL,
    ON_REPORT,
    ON_OUT,
    ON_ERR,
    ON_ATTACHMENT,
};

/* Adds a descriptor, or changes (`op`) what is waited for. */
void watch(s32 fd, u32 events, u64 kind, u64 index, int op);

/* Another process may have a copy of the descriptor, and epoll goes by the open file: close alone is not enough. */
void unwatch_close(s32 *fd);

#endif
