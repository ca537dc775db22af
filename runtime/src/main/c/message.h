/* One message with its descriptors, to and from a SOCK_SEQPACKET socket. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "protocol.h"
#include "sys.h"

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

/* Never waits. Up to two descriptors go with it; -1 for none. Returns the bytes sent or a negative errno. */
long send_message(s32 socket, const void *bytes, u32 count, s32 fd, s32 second);

/* Receives one message: its size, 0 at the end of the connection, or a negative errno. A cut one is -EMSGSIZE. */
long receive(s32 socket, struct request *r, u32 flags);

/* Closes the descriptors that nobody took. */
void close_request(struct request *r);

/* The descriptor at `index` now belongs to the caller. */
s32 take_fd(struct request *r, u32 index);

/* Whether the message is at least this long. What is longer comes from a newer agent: welcome as long as it is zero. */
int has_body(const struct request *r, size_t known);

#endif
