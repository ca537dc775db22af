#include "message.h"

long send_message(s32 socket, const void *bytes, u32 count, s32 fd, s32 second) {
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

void close_request(struct request *r) {
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

long receive(s32 socket, struct request *r, u32 flags) {
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

int has_body(const struct request *r, size_t known) {
    for (u64 i = known; i < r->bytes; i++) {
        if (r->message.raw[i] != 0) {
            return 0;
        }
    }
    return r->bytes >= known;
}

s32 take_fd(struct request *r, u32 index) {
    s32 fd = r->fd[index];
    r->fd[index] = -1;
    return fd;
}
