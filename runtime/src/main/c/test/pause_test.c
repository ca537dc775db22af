/*
 * Drives a real pause over its sockets. Built with the address and undefined-behaviour sanitizers, which pause runs
 * under as well: it must be alive and well at the end of each test. Needs no privileges.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"
#include "test_api.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fail(__LINE__, __func__, #condition); \
        } \
    } while (0)

enum { WAIT_MS = 10000 };

static void fail(int line, const char *test, const char *condition) __attribute__((noreturn));

static int fuzzing;
static char directory[] = "/tmp/pause-test-XXXXXX";

/* While fuzzing, programs may only do what harms nobody. */
long step_syscall(long n, const int64_t *a) {
    static const long harmless[] = {SYS_getpid, SYS_read, SYS_write, SYS_openat, SYS_getcwd, SYS_close};
    if (fuzzing) {
        int allowed = 0;
        for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
            allowed |= n == harmless[i];
        }
        /* only reading from files, and only into small spaces */
        if (!allowed || (n == SYS_openat && a[2] != O_RDONLY) || (n == SYS_write && a[0] > 2)
            || ((n == SYS_read || n == SYS_getcwd) && (uint64_t)a[n == SYS_read ? 2 : 1] > 64)) {
            return -ENOSYS;
        }
    }
    long result = syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result < 0 ? -errno : result;
}

/* ---- one pause and its connection */

struct pod {
    int fd;
    int pidfd;
    pid_t pid;
    char path[sizeof directory + 16];
    struct info last; /* what receive() got */
    size_t bytes;
    int fds[4];
    int count;
};

static uint32_t next_tag = 1;
static struct pod *current;

static void fail(int line, const char *test, const char *condition) {
    fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, test, condition);
    if (current != NULL) {
        const struct info *i = &current->last;
        fprintf(stderr, "last message: type %x, id %s, error %d (%u), phase %u, step %u, errno %d, status %x, %d fds\n",
                i->head.type, i->head.id, i->head.error, i->head.where, i->phase, i->step, i->step_error, i->status,
                current->count);
        kill(current->pid, SIGKILL);
    }
    exit(1);
}

static void send_raw(struct pod *p, const void *bytes, size_t count, const int *fds, int fd_count) {
    union {
        struct cmsghdr head;
        char raw[CMSG_SPACE(sizeof(int) * 250)];
    } with;
    struct iovec iov = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    memset(&with, 0, sizeof with);
    if (fd_count > 0) {
        message.msg_control = &with;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
    }
    CHECK(sendmsg(p->fd, &message, MSG_NOSIGNAL) == (ssize_t)count);
}

static uint32_t ask(struct pod *p, uint32_t type, const char *id, void *request, size_t size, const int *fds, int count) {
    struct head *head = request;
    head->type = type;
    head->tag = next_tag++;
    memset(head->id, 0, sizeof head->id);
    if (strlen(id) > 0) {
        memcpy(head->id, id, strlen(id));
    }
    send_raw(p, request, size, fds, count);
    return head->tag;
}

static void close_fds(struct pod *p) {
    while (p->count > 0) {
        close(p->fds[--p->count]);
    }
}

/* 1 if a message came, 0 at the end of the connection. */
static int receive(struct pod *p) {
    union {
        struct cmsghdr head;
        char raw[CMSG_SPACE(sizeof(int) * 4)];
    } with;
    struct pollfd ready = {p->fd, POLLIN, 0};
    struct iovec iov = {&p->last, sizeof p->last};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &with, .msg_controllen = sizeof with};
    close_fds(p);
    memset(&p->last, 0, sizeof p->last);
    CHECK(poll(&ready, 1, WAIT_MS) == 1);
    ssize_t count = recvmsg(p->fd, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) {
        return 0;
    }
    CHECK((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0);
    p->bytes = (size_t)count;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c != NULL) {
        p->count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(p->fds, CMSG_DATA(c), sizeof(int) * (size_t)p->count);
    }
    return 1;
}

/* Receives up to the message of this type (and, if not empty, about this process). */
static const struct info *expect(struct pod *p, uint32_t type, const char *id) {
    do {
        CHECK(receive(p));
    } while (p->last.head.type != type || (strlen(id) > 0 && strcmp(p->last.head.id, id) != 0));
    return &p->last;
}

static int simple(struct pod *p, uint32_t type, const char *id) {
    struct head head = {0};
    uint32_t tag = ask(p, type, id, &head, sizeof head, NULL, 0);
    const struct info *answer = expect(p, type | REPLY, "");
    CHECK(answer->head.tag == tag && strcmp(answer->head.id, id) == 0);
    return answer->head.error;
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 4) == 0);
    return fd;
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* ---- programs */

struct code {
    struct program_header header;
    struct step steps[24];
    uint32_t relocations[64];
    unsigned char data[8192];
};

static void begin(struct code *c) {
    memset(c, 0, sizeof *c);
    c->header.magic = PROGRAM_MAGIC;
    c->header.version = PROGRAM_VERSION;
    c->header.machine = TEST_MACHINE;
    c->header.slots = 8;
}

static uint32_t put(struct code *c, const void *bytes, size_t count) {
    uint32_t at = c->header.data_bytes;
    CHECK(at + count + 8 <= sizeof c->data);
    memcpy(c->data + at, bytes, count);
    c->header.data_bytes = (uint32_t)((at + count + 7) & ~7ul);
    return at;
}

static struct step *add(struct code *c, uint16_t op, uint16_t syscall_number) {
    struct step *s = &c->steps[c->header.steps++];
    s->op = op;
    s->syscall = syscall_number;
    s->result = NO_SLOT;
    return s;
}

static void set(struct step *s, int arg, uint8_t kind, uint64_t value) {
    s->kind[arg] = kind;
    s->arg[arg] = value;
}

static void set_text(struct code *c, struct step *s, int arg, const char *text) {
    set(s, arg, ARG_DATA, put(c, text, strlen(text) + 1));
}

static void tolerate(struct step *s, int index, int error, int target) {
    s->on[index].error = (uint16_t)error;
    s->on[index].target = (uint16_t)target;
}

/* argv ends with NULL. */
static struct step *execute_program(struct code *c, const char *path, ...) {
    uint64_t pointers[16] = {0};
    int count = 0;
    va_list arguments;
    va_start(arguments, path);
    for (const char *a = va_arg(arguments, const char *); a != NULL; a = va_arg(arguments, const char *)) {
        pointers[count++] = put(c, a, strlen(a) + 1);
    }
    va_end(arguments);
    uint32_t argv = put(c, pointers, sizeof(uint64_t) * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        c->relocations[c->header.relocations++] = argv + (uint32_t)i * 8;
    }
    uint64_t none = 0;
    struct step *s = add(c, OP_SYSCALL, SYS_execve);
    set_text(c, s, 0, path);
    set(s, 1, ARG_DATA, argv);
    set(s, 2, ARG_DATA, put(c, &none, sizeof none));
    return s;
}

static size_t encode(const struct code *c, unsigned char *bytes) {
    size_t at = 0;
    memcpy(bytes, &c->header, sizeof c->header);
    at += sizeof c->header;
    memcpy(bytes + at, c->steps, c->header.steps * sizeof(struct step));
    at += c->header.steps * sizeof(struct step);
    memcpy(bytes + at, c->relocations, c->header.relocations * 4);
    at += (c->header.relocations * 4 + 7) & ~7ul;
    memcpy(bytes + at, c->data, c->header.data_bytes);
    return at + c->header.data_bytes;
}

static int file_of(const void *bytes, size_t count) {
    int fd = memfd_create("program", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    return fd;
}

static int encoded(const struct code *c) {
    static unsigned char bytes[sizeof(struct code) + 64];
    memset(bytes, 0, sizeof bytes);
    return file_of(bytes, encode(c, bytes));
}

static void shell(struct code *c, const char *script) {
    begin(c);
    execute_program(c, "/bin/sh", "sh", "-c", script, NULL);
}

static int log_file(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static char *content(int fd) {
    struct stat st;
    CHECK(fstat(fd, &st) == 0);
    char *text = calloc(1, (size_t)st.st_size + 1);
    CHECK(text != NULL && pread(fd, text, (size_t)st.st_size, 0) == st.st_size);
    return text;
}

static void start_with(struct pod *p, const char *id, const struct code *c, uint32_t stdio, uint32_t flags,
                       const int *fds, int count) {
    struct start s = {.stdio = stdio, .flags = flags};
    int all[16];
    all[0] = encoded(c);
    if (count > 0) {
        memcpy(all + 1, fds, sizeof(int) * (size_t)count);
    }
    ask(p, MSG_START, id, &s, sizeof s, all, count + 1);
    close(all[0]);
}

/* It may even have ended by the time of the reply. */
static int has_started(const struct info *answer) {
    return answer->phase == PHASE_RUNNING || answer->phase == PHASE_EXITED;
}

static void start_logged(struct pod *p, const char *id, const char *script, int log) {
    struct code c;
    shell(&c, script);
    start_with(p, id, &c, STDIO_LOGGED, START_LOG, &log, 1);
    const struct info *answer = expect(p, MSG_START | REPLY, id);
    CHECK(answer->head.error == 0 && has_started(answer) && p->count == 1);
}

/* Lines without their time stamps. */
static char *lines(int fd) {
    char *text = content(fd);
    char *to = text;
    for (const char *from = text; *from != 0;) {
        const char *end = strchr(from, '\n');
        CHECK(end != NULL && end - from >= 39 && from[29] == 'Z' && from[30] == ' ');
        size_t rest = (size_t)(end + 1 - (from + 31));
        memmove(to, from + 31, rest);
        to += rest;
        from = end + 1;
    }
    *to = 0;
    return text;
}

static void check_lines(int log, const char *expected) {
    char *found = lines(log);
    if (strcmp(found, expected) != 0) {
        fprintf(stderr, "expected:\n%.2000s\nfound:\n%.2000s\n", expected, found);
        CHECK(!"these lines");
    }
    free(found);
}

static void launch(struct pod *p) {
    static int number;
    int ends[2];
    memset(p, 0, sizeof *p);
    current = p;
    snprintf(p->path, sizeof p->path, "%s/%d.sock", directory, number++);
    int listening = listen_at(p->path);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    p->fd = ends[0];
    struct launch request = {0};
    ask(p, MSG_LAUNCH, "", &request, sizeof request, &listening, 1);
    pid_t first = fork();
    CHECK(first >= 0);
    if (first == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1); /* 2 is for the sanitizers */
        dup2(ends[1], 3);
        _exit(pause_main());
    }
    close(listening);
    close(ends[1]);
    struct launched *done = (struct launched *)(void *)expect(p, MSG_LAUNCH | REPLY, "");
    CHECK(done->head.error == 0 && p->count == 1);
    p->pid = done->pid;
    p->pidfd = p->fds[0];
    p->count = 0;
    int status;
    CHECK(waitpid(first, &status, 0) == first && status == 0);
}

static void adopt(struct pod *p) {
    struct code c;
    begin(&c);
    add(&c, OP_SYSCALL, SYS_getpid);
    struct head setup = {0};
    int program = encoded(&c);
    ask(p, MSG_SETUP, "", &setup, sizeof setup, &program, 1);
    close(program);
    const struct info *answer = expect(p, MSG_SETUP | REPLY, "");
    CHECK(answer->head.error == 0 && answer->phase == PHASE_RUNNING);
}

static void new_pod(struct pod *p) {
    launch(p);
    adopt(p);
}


/* It still answers, then it is killed. */
static void finish(struct pod *p) {
    struct hello hello = {.version = PROTOCOL_VERSION};
    ask(p, MSG_HELLO, "", &hello, sizeof hello, NULL, 0);
    expect(p, MSG_HELLO | REPLY, "");
    close_fds(p);
    kill(p->pid, SIGKILL);
    int status;
    CHECK(waitpid(p->pid, &status, 0) == p->pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    current = NULL;
    close(p->fd);
    close(p->pidfd);
}

/* ---- tests */

static void hello_tells_version_and_process(void) {
    struct pod p;
    new_pod(&p);
    struct hello hello = {.version = 77};
    ask(&p, MSG_HELLO, "", &hello, sizeof hello, NULL, 0);
    const struct hello *answer = (const struct hello *)(const void *)expect(&p, MSG_HELLO | REPLY, "");
    CHECK(answer->version == PROTOCOL_VERSION && answer->max_processes == MAX_PROCESSES && answer->pid == p.pid);
    CHECK(p.count == 1);
    finish(&p);
}

static void malformed_requests_are_answered(void) {
    struct pod p;
    new_pod(&p);
    char big[MAX_MESSAGE + 1] = {0};
    int many[80];
    struct head head = {.type = 4711, .tag = 5};
    send_raw(&p, &head, sizeof head, NULL, 0);
    CHECK(expect(&p, 4711 | REPLY, "")->head.error == ENOSYS);
    head.type = MSG_START;
    send_raw(&p, &head, sizeof head, NULL, 0);
    CHECK(expect(&p, MSG_START | REPLY, "")->head.error == EINVAL);
    memcpy(big, &head, sizeof head);
    send_raw(&p, big, sizeof big, NULL, 0);
    CHECK(expect(&p, MSG_START | REPLY, "")->head.error == EMSGSIZE);
    for (int i = 0; i < 80; i++) {
        many[i] = 0;
    }
    send_raw(&p, &head, sizeof head, many, 80);
    CHECK(expect(&p, MSG_START | REPLY, "")->head.error == EMSGSIZE);
    head.type = MSG_ACK;
    memcpy(big, &head, sizeof head);
    send_raw(&p, big, sizeof head + 16, NULL, 0);
    CHECK(expect(&p, MSG_ACK | REPLY, "")->head.error == ESRCH);
    big[sizeof head + 3] = 1; /* a field that this version does not know */
    send_raw(&p, big, sizeof head + 16, NULL, 0);
    CHECK(expect(&p, MSG_ACK | REPLY, "")->head.error == EINVAL);
    for (uint32_t type = MSG_ACK; type <= MSG_RESIZE; type++) {
        CHECK(simple(&p, type, "nobody") == ESRCH);
    }
    finish(&p);
}

static void setup_reports_step_and_leaves_nothing(void) {
    struct pod p;
    struct code c;
    struct head setup = {0};
    int status;
    launch(&p);
    begin(&c);
    add(&c, OP_SYSCALL, SYS_getpid);
    struct step *s = add(&c, OP_SYSCALL, SYS_chdir);
    set_text(&c, s, 0, "/no/such/directory");
    int program = encoded(&c);
    ask(&p, MSG_SETUP, "", &setup, sizeof setup, &program, 1);
    close(program);
    const struct info *answer = expect(&p, MSG_SETUP | REPLY, "");
    CHECK(answer->phase == PHASE_FAILED && answer->step == 1 && answer->step_error == ENOENT);
    close(p.fd);
    CHECK(waitpid(p.pid, &status, 0) == p.pid && WIFEXITED(status) && WEXITSTATUS(status) == 1);
    current = NULL;
    close(p.pidfd);
}

static void a_process_runs_logs_and_exits(void) {
    struct pod p;
    new_pod(&p);
    int log = log_file("first");
    start_logged(&p, "c1", "echo out; echo err >&2; exit 3", log);
    CHECK(p.last.started_ns > 1600000000ull * 1000000000);
    const struct info *exit_info = expect(&p, EVENT_EXIT, "c1");
    CHECK(exit_info->status == 3 << 8 && exit_info->finished_ns >= exit_info->started_ns);
    char *text = lines(log);
    CHECK(strstr(text, "stdout F out\n") && strstr(text, "stderr F err\n") && strlen(text) == 13 + 13);
    free(text);
    CHECK(simple(&p, MSG_ACK, "c1") == 0);
    CHECK(simple(&p, MSG_ACK, "c1") == ESRCH);
    close(log);
    finish(&p);
}

static void a_signal_is_reported(void) {
    struct pod p;
    new_pod(&p);
    int log = log_file("signal");
    start_logged(&p, "c1", "kill -15 $$", log);
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 15);
    close(log);
    finish(&p);
}

static void a_failing_step_is_reported(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    begin(&c);
    struct step *s = add(&c, OP_SYSCALL, SYS_chdir);
    set_text(&c, s, 0, "/no/such/directory");
    tolerate(s, 0, EPERM, 0);
    tolerate(s, 1, ENOENT, 0); /* reported */
    s = add(&c, OP_SYSCALL, SYS_chdir);
    set_text(&c, s, 0, "/no/such/directory");
    tolerate(s, 0, ENOENT | SILENT, 4); /* skips the next */
    s = add(&c, OP_FAIL, 0);
    set(s, 0, ARG_IMMEDIATE, EIO);
    add(&c, OP_SYSCALL, SYS_getpid);
    execute_program(&c, "/no/such/program", "x", NULL);
    start_with(&p, "c1", &c, STDIO_NULL, 0, NULL, 0);
    const struct info *answer = expect(&p, MSG_START | REPLY, "c1");
    CHECK(answer->phase == PHASE_FAILED && answer->step == 4 && answer->step_error == ENOENT);
    CHECK(answer->warnings == 1 && answer->warning[0].step == 0 && answer->warning[0].error == ENOENT);
    CHECK(simple(&p, MSG_ACK, "c1") == ESRCH); /* told, hence forgotten */
    finish(&p);
}

static void checks_stores_and_slots(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    begin(&c);
    uint32_t space = put(&c, "\0\0\0\0\0\0\0\0", 8);
    struct step *s = add(&c, OP_SYSCALL, SYS_getpid);
    s->result = 0;
    s = add(&c, OP_CHECK, 0); /* not 0 */
    set(s, 0, ARG_SLOT, 0);
    set(s, 1, ARG_IMMEDIATE, 8);
    set(s, 2, ARG_IMMEDIATE, ~0ull);
    set(s, 3, ARG_IMMEDIATE, 0);
    set(s, 4, ARG_IMMEDIATE, EDOM);
    tolerate(s, 0, EDOM, 0);
    s = add(&c, OP_STORE, 0);
    set(s, 0, ARG_IMMEDIATE, 0x1234);
    set(s, 1, ARG_DATA, space);
    set(s, 2, ARG_IMMEDIATE, 4);
    s = add(&c, OP_CHECK, 0);
    set(s, 0, ARG_DATA, space);
    set(s, 1, ARG_IMMEDIATE, 2);
    set(s, 2, ARG_IMMEDIATE, 0xff00);
    set(s, 3, ARG_IMMEDIATE, 0x1200);
    set(s, 4, ARG_IMMEDIATE, EDOM);
    s = add(&c, OP_JUMP, 0);
    set(s, 0, ARG_IMMEDIATE, 6);
    s = add(&c, OP_FAIL, 0);
    set(s, 0, ARG_IMMEDIATE, EIO);
    s = add(&c, OP_SYSCALL, SYS_chdir);
    set_text(&c, s, 0, "/no/such/directory");
    tolerate(s, 0, ENOENT | SILENT, 0);
    s->result = 1;
    s = add(&c, OP_FAIL, 0);
    set(s, 0, ARG_SLOT, 1);
    start_with(&p, "c1", &c, STDIO_NULL, 0, NULL, 0);
    const struct info *answer = expect(&p, MSG_START | REPLY, "c1");
    CHECK(answer->phase == PHASE_FAILED && answer->step == 7 && answer->step_error == ENOENT);
    CHECK(answer->warnings == 1 && answer->warning[0].error == EDOM);
    finish(&p);
}

static void a_program_without_execve_ends_well(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    begin(&c);
    add(&c, OP_SYSCALL, SYS_getpid);
    start_with(&p, "c1", &c, STDIO_NULL, 0, NULL, 0);
    CHECK(has_started(expect(&p, MSG_START | REPLY, "c1")));
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 0);
    finish(&p);
}

static void a_process_killed_in_its_program_says_in_which_step(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    int ends[2];
    struct head head = {0};
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    begin(&c);
    c.header.fds = 1;
    add(&c, OP_SYSCALL, SYS_getpid);
    struct step *s = add(&c, OP_SYSCALL, SYS_read); /* waits for ever */
    set(s, 0, ARG_SLOT, 0);
    set(s, 1, ARG_DATA, put(&c, "x", 1));
    set(s, 2, ARG_IMMEDIATE, 1);
    start_with(&p, "c1", &c, STDIO_NULL, 0, ends, 1);
    const struct info *state;
    do { /* until it is in that step */
        ask(&p, MSG_STATE, "", &head, sizeof head, NULL, 0);
        state = expect(&p, MSG_STATE | REPLY, "c1");
        CHECK(state->phase == PHASE_STARTING && p.count == 1);
        usleep(1000);
    } while (state->step != 1);
    CHECK(syscall(SYS_pidfd_send_signal, p.fds[0], SIGKILL, NULL, 0) == 0);
    const struct info *answer = expect(&p, MSG_START | REPLY, "c1");
    CHECK(answer->phase == PHASE_FAILED && answer->step == 1 && answer->step_error == 0);
    close(ends[0]);
    close(ends[1]);
    finish(&p);
}

static void a_sibling_takes_over(void) {
    struct pod p;
    new_pod(&p);
    for (int i = 0; i < 50; i++) {
        struct code c;
        int fails = i % 2;
        begin(&c);
        struct step *s = add(&c, OP_FORK, 0);
        set(s, 0, ARG_IMMEDIATE, 0x8000);
        execute_program(&c, fails ? "/no/such/program" : "/bin/sh", "sh", "-c", "exit 7", NULL);
        start_with(&p, "c1", &c, STDIO_NULL, 0, NULL, 0);
        const struct info *answer = expect(&p, MSG_START | REPLY, "c1");
        if (fails) {
            CHECK(answer->phase == PHASE_FAILED && answer->step == 1 && answer->step_error == ENOENT);
        } else {
            CHECK(has_started(answer) && p.count == 1);
            CHECK(expect(&p, EVENT_EXIT, "c1")->status == 7 << 8);
            CHECK(simple(&p, MSG_ACK, "c1") == 0);
        }
    }
    finish(&p);
}

static void stdin_is_handed_out_and_closed(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    int log = log_file("stdin");
    shell(&c, "cat");
    start_with(&p, "c1", &c, STDIO_LOGGED, START_LOG | START_STDIN, &log, 1);
    CHECK(expect(&p, MSG_START | REPLY, "c1")->flags & INFO_STDIN);
    CHECK(simple(&p, MSG_STDIN, "c1") == 0 && p.count == 1);
    CHECK(write(p.fds[0], "hello\n", 6) == 6);
    close_fds(&p);
    CHECK(simple(&p, MSG_ACK, "c1") == EBUSY);
    CHECK(simple(&p, MSG_CLOSE_STDIN, "c1") == 0);
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 0);
    CHECK(simple(&p, MSG_STDIN, "c1") == EPIPE);
    check_lines(log, "stdout F hello\n");
    close(log);
    finish(&p);
}

static void passed_descriptors_are_stdio(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    int ends[2];
    char text[8] = {0};
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    int fds[3] = {0, ends[1], ends[1]};
    shell(&c, "echo hi; ls /proc/self/fd | wc -l");
    start_with(&p, "e1", &c, STDIO_PASSED, 0, fds, 3);
    CHECK(has_started(expect(&p, MSG_START | REPLY, "e1")));
    close(ends[1]);
    CHECK(expect(&p, EVENT_EXIT, "e1")->status == 0);
    CHECK(read(ends[0], text, 7) == 5 && strcmp(text, "hi\n4\n") == 0); /* 0, 1, 2 and ls' own */
    close(ends[0]);
    finish(&p);
}

static void add_terminal(struct code *c) {
    int unlock = 0;
    struct step *s = add(c, OP_SYSCALL, SYS_setsid);
    s = add(c, OP_SYSCALL, SYS_openat);
    set(s, 0, ARG_IMMEDIATE, (uint64_t)AT_FDCWD);
    set_text(c, s, 1, "/dev/ptmx");
    set(s, 2, ARG_IMMEDIATE, O_RDWR | O_NOCTTY | O_CLOEXEC);
    s->result = 1;
    s = add(c, OP_SYSCALL, SYS_ioctl);
    set(s, 0, ARG_SLOT, 1);
    set(s, 1, ARG_IMMEDIATE, TIOCSPTLCK);
    set(s, 2, ARG_DATA, put(c, &unlock, sizeof unlock));
    s = add(c, OP_SYSCALL, SYS_ioctl);
    set(s, 0, ARG_SLOT, 1);
    set(s, 1, ARG_IMMEDIATE, TIOCGPTPEER);
    set(s, 2, ARG_IMMEDIATE, O_RDWR);
    s->result = 2;
    s = add(c, OP_TERMINAL, 0);
    set(s, 0, ARG_SLOT, 1);
    for (uint64_t i = 0; i < 3; i++) {
        s = add(c, OP_SYSCALL, SYS_dup3);
        set(s, 0, ARG_SLOT, 2);
        set(s, 1, ARG_IMMEDIATE, i);
    }
}

static void a_terminal_is_logged_and_resized(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    struct resize size = {.rows = 33, .columns = 77};
    int log = log_file("terminal");
    begin(&c);
    add_terminal(&c);
    execute_program(&c, "/bin/sh", "sh", "-c", "read x; /usr/bin/stty size; echo $x", NULL);
    start_with(&p, "c1", &c, STDIO_TERMINAL, START_LOG, &log, 1);
    CHECK(has_started(expect(&p, MSG_START | REPLY, "c1")));
    CHECK((p.last.flags & (INFO_TERMINAL | INFO_STDIN)) == (INFO_TERMINAL | INFO_STDIN));
    ask(&p, MSG_RESIZE, "c1", &size, sizeof size, NULL, 0);
    CHECK(expect(&p, MSG_RESIZE | REPLY, "c1")->head.error == 0);
    CHECK(simple(&p, MSG_STDIN, "c1") == 0 && p.count == 1);
    CHECK(write(p.fds[0], "word\n", 5) == 5);
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 0);
    check_lines(log, "stdout F word\nstdout F 33 77\nstdout F word\n");
    close(log);
    finish(&p);
}

static void a_terminal_is_handed_over(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    char text[32] = {0};
    begin(&c);
    add_terminal(&c);
    execute_program(&c, "/bin/sh", "sh", "-c", "echo hi", NULL);
    start_with(&p, "e1", &c, STDIO_TERMINAL_PASSED, 0, NULL, 0);
    CHECK(has_started(expect(&p, MSG_START | REPLY, "e1")) && p.count == 2);
    int terminal = p.fds[1];
    p.count = 1; /* not to be closed with the next message: that would hang up */
    CHECK(read(terminal, text, sizeof text - 1) == 4 && strcmp(text, "hi\r\n") == 0);
    CHECK(expect(&p, EVENT_EXIT, "e1")->status == 0);
    close(terminal);
    finish(&p);
}

static void ids_are_unique_and_the_table_is_bounded(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    int ends[2];
    char id[32];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    begin(&c);
    c.header.fds = 1;
    struct step *s = add(&c, OP_SYSCALL, SYS_read);
    set(s, 0, ARG_SLOT, 0);
    set(s, 1, ARG_DATA, put(&c, "x", 1));
    set(s, 2, ARG_IMMEDIATE, 1);
    for (int i = 0; i < MAX_PROCESSES; i++) {
        snprintf(id, sizeof id, "c%d", i);
        start_with(&p, id, &c, STDIO_NULL, 0, ends, 1);
    }
    start_with(&p, "c7", &c, STDIO_NULL, 0, ends, 1);
    CHECK(expect(&p, MSG_START | REPLY, "c7")->head.error == EEXIST);
    start_with(&p, "more", &c, STDIO_NULL, 0, ends, 1);
    CHECK(expect(&p, MSG_START | REPLY, "more")->head.error == ENOBUFS);
    close(ends[0]);
    close(ends[1]); /* all read the end of the file and are done */
    for (int i = 0; i < MAX_PROCESSES; i++) {
        expect(&p, EVENT_EXIT, "");
        CHECK(p.last.status == 0);
    }
    for (int i = 0; i < MAX_PROCESSES; i++) {
        snprintf(id, sizeof id, "c%d", i);
        CHECK(simple(&p, MSG_ACK, id) == 0);
    }
    int log = log_file("after-full");
    start_logged(&p, "more", "echo again", log);
    expect(&p, EVENT_EXIT, "more");
    check_lines(log, "stdout F again\n");
    close(log);
    finish(&p);
}

static void a_new_connection_finds_everything(void) {
    struct pod p;
    new_pod(&p);
    int log = log_file("reconnect");
    int fifo_ends[2];
    struct head head = {0};
    CHECK(pipe2(fifo_ends, O_CLOEXEC) == 0);
    struct code c;
    shell(&c, "echo begun; read x; echo $x; exit 5");
    start_with(&p, "c1", &c, STDIO_LOGGED, START_LOG | START_STDIN, &log, 1);
    expect(&p, MSG_START | REPLY, "c1");
    start_logged(&p, "c2", "exit 9", log);
    expect(&p, EVENT_EXIT, "c2");
    close_fds(&p);
    close(p.fd); /* the agent dies */
    p.fd = connect_to(p.path);
    ask(&p, MSG_STATE, "", &head, sizeof head, NULL, 0);
    CHECK(expect(&p, MSG_STATE | REPLY, "c1")->phase == PHASE_RUNNING && p.count == 1);
    CHECK(expect(&p, MSG_STATE | REPLY, "c2")->phase == PHASE_EXITED && p.count == 0 && p.last.status == 9 << 8);
    CHECK(receive(&p) && p.last.head.id[0] == 0 && p.bytes == sizeof(struct head));
    CHECK(simple(&p, MSG_ACK, "c2") == 0);
    int newer = connect_to(p.path); /* the newest wins */
    CHECK(!receive(&p));
    close(p.fd);
    p.fd = newer;
    CHECK(simple(&p, MSG_STDIN, "c1") == 0 && write(p.fds[0], "end\n", 4) == 4);
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 5 << 8);
    check_lines(log, "stdout F begun\nstdout F end\n");
    close(log);
    close(fifo_ends[0]);
    close(fifo_ends[1]);
    finish(&p);
}

static void a_start_outlives_its_connection(void) {
    struct pod p;
    new_pod(&p);
    struct code c;
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    begin(&c);
    c.header.fds = 1;
    struct step *s = add(&c, OP_SYSCALL, SYS_read);
    set(s, 0, ARG_SLOT, 0);
    set(s, 1, ARG_DATA, put(&c, "x", 1));
    set(s, 2, ARG_IMMEDIATE, 1);
    execute_program(&c, "/bin/sh", "sh", "-c", "exit 4", NULL);
    start_with(&p, "c1", &c, STDIO_NULL, 0, ends, 1);
    int newer = connect_to(p.path);
    CHECK(!receive(&p)); /* and not before the START was read */
    close(p.fd);
    p.fd = newer;
    CHECK(write(ends[1], "x", 1) == 1);
    const struct info *answer = expect(&p, MSG_START | REPLY, "c1");
    CHECK(answer->head.tag == 0 && p.count == 1);
    CHECK(expect(&p, EVENT_EXIT, "c1")->status == 4 << 8);
    close(ends[0]);
    close(ends[1]);
    finish(&p);
}

static void rotation_keeps_every_line(void) {
    struct pod p;
    new_pod(&p);
    int logs[12];
    size_t total = 0;
    logs[0] = log_file("rotated0");
    start_logged(&p, "c1", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", logs[0]);
    int count = 1;
    for (; count < 12; count++) {
        struct head head = {0};
        char name[32];
        snprintf(name, sizeof name, "rotated%d", count);
        logs[count] = log_file(name);
        usleep(2000);
        ask(&p, MSG_ROTATE, "c1", &head, sizeof head, &logs[count], 1);
        do {
            CHECK(receive(&p));
        } while (p.last.head.type == EVENT_EXIT);
        CHECK(p.last.head.type == (MSG_ROTATE | REPLY) && p.last.head.error == 0);
    }
    struct head state = {0};
    do {
        ask(&p, MSG_STATE, "", &state, sizeof state, NULL, 0);
        expect(&p, MSG_STATE | REPLY, "c1");
        usleep(1000);
    } while (p.last.phase != PHASE_EXITED);
    int next = 0;
    for (int i = 0; i < count; i++) {
        char *text = lines(logs[i]);
        total += strlen(text);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            char expected[64];
            snprintf(expected, sizeof expected, "stdout F line %d", next++);
            CHECK(strcmp(line, expected) == 0);
        }
        free(text);
        close(logs[i]);
    }
    CHECK(next == 20000 && total > 0);
    int pipes[2];
    struct head head = {0};
    CHECK(pipe2(pipes, O_CLOEXEC) == 0);
    ask(&p, MSG_ROTATE, "c1", &head, sizeof head, &pipes[1], 1); /* not a file */
    CHECK(expect(&p, MSG_ROTATE | REPLY, "c1")->head.error == EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    finish(&p);
}

static void a_full_log_loses_lines_but_never_stops_the_container(void) {
    struct rlimit limit, old;
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
    limit = old;
    limit.rlim_cur = 10000;
    struct pod p;
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    launch(&p);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    adopt(&p);
    int log = log_file("full");
    int second = log_file("second");
    struct code c;
    shell(&c, "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; read x; echo $x");
    start_with(&p, "c1", &c, STDIO_LOGGED, START_LOG | START_STDIN, &log, 1);
    expect(&p, MSG_START | REPLY, "c1");
    CHECK(expect(&p, EVENT_LOG, "c1")->log_error == EFBIG);
    struct head state = {0};
    do { /* until all output is taken */
        ask(&p, MSG_STATE, "", &state, sizeof state, NULL, 0);
        expect(&p, MSG_STATE | REPLY, "c1");
        usleep(1000);
    } while (p.last.lost_lines < 780);
    usleep(50000);
    struct head head = {0};
    ask(&p, MSG_ROTATE, "c1", &head, sizeof head, &second, 1);
    CHECK(expect(&p, MSG_ROTATE | REPLY, "c1")->head.error == 0);
    CHECK(simple(&p, MSG_STDIN, "c1") == 0 && write(p.fds[0], "end\n", 4) == 4);
    CHECK(expect(&p, EVENT_LOG, "c1")->log_error == 0);
    uint64_t lost = p.last.lost_lines;
    expect(&p, EVENT_EXIT, "c1");
    char *text = lines(log); /* whole lines only */
    uint64_t kept = 0;
    for (char *line = text; *line != 0; line = strchr(line, '\n') + 1) {
        kept++;
    }
    CHECK(kept + lost == 1000 && kept > 100);
    free(text);
    check_lines(second, "stdout F end\n");
    close(log);
    close(second);
    finish(&p);
}

static void attached_readers_get_copies_and_slow_ones_are_cut(void) {
    struct pod p;
    new_pod(&p);
    int log = log_file("attach");
    int fast[2], slow[2];
    struct code c;
    CHECK(pipe2(fast, O_CLOEXEC) == 0 && pipe2(slow, O_CLOEXEC) == 0);
    shell(&c, "read x; echo hello; echo bad >&2; read x; i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done");
    start_with(&p, "c1", &c, STDIO_LOGGED, START_LOG | START_STDIN, &log, 1);
    expect(&p, MSG_START | REPLY, "c1");
    struct attach attach = {.streams = STREAM_OUT | STREAM_ERR};
    int fds[2] = {fast[1], slow[1]};
    ask(&p, MSG_ATTACH, "c1", &attach, sizeof attach, fds, 2);
    CHECK(expect(&p, MSG_ATTACH | REPLY, "c1")->head.error == 0);
    attach.streams = STREAM_OUT;
    ask(&p, MSG_ATTACH, "c1", &attach, sizeof attach, &slow[1], 1);
    CHECK(expect(&p, MSG_ATTACH | REPLY, "c1")->head.error == 0);
    ask(&p, MSG_ATTACH, "c1", &attach, sizeof attach, fds, 2);
    CHECK(expect(&p, MSG_ATTACH | REPLY, "c1")->head.error == EINVAL);
    CHECK(simple(&p, MSG_STDIN, "c1") == 0 && p.count == 1);
    int in = dup(p.fds[0]);
    CHECK(write(in, "\n", 1) == 1);
    char text[16] = {0};
    CHECK(read(fast[0], text, sizeof text) == 6 && memcmp(text, "hello\n", 6) == 0);
    close(fast[0]); /* this one leaves */
    CHECK(write(in, "\n", 1) == 1);
    expect(&p, EVENT_CUT, "c1"); /* this one does not read */
    CHECK(expect(&p, EVENT_EXIT, "c1")->lost_lines == 0);
    close(in);
    close(slow[0]);
    close(slow[1]);
    close(fast[1]);
    char *all = lines(log);
    CHECK(strlen(all) == strlen("stdout F hello\nstderr F bad\n") + 9000 * strlen("stdout F 0123456789\n"));
    free(all);
    ask(&p, MSG_ATTACH, "c1", &attach, sizeof attach, fds, 0);
    CHECK(expect(&p, MSG_ATTACH | REPLY, "c1")->head.error == EINVAL);
    close(log);
    finish(&p);
}

static void descendants_do_not_hold_up_the_exit(void) {
    struct pod p;
    new_pod(&p);
    int log = log_file("descendants");
    start_logged(&p, "c1", "(while true; do echo alive; sleep 0.01; done) & echo done", log);
    CHECK(expect(&p, EVENT_EXIT, "c1")->flags & INFO_OUTPUT);
    char *text = lines(log);
    CHECK(strstr(text, "stdout F done\n"));
    free(text);
    CHECK(simple(&p, MSG_ACK, "c1") == 0); /* they get SIGPIPE */
    close(log);
    finish(&p);
}

/* ---- the log writer by itself, against a second implementation */

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t reference(const char *in, size_t count, char *out) {
    char *to = out;
    size_t from = 0;
    while (from < count) {
        const char *newline = memchr(in + from, '\n', count - from);
        size_t end = newline ? (size_t)(newline - in) : count;
        size_t next = newline ? end + 1 : count;
        if (newline && end > from && in[end - 1] == '\r') {
            end--;
        }
        do {
            size_t piece = end - from > 16384 ? 16384 : end - from;
            int last = piece == end - from;
            to += sprintf(to, "stdout %c ", last && newline ? 'F' : 'P');
            memcpy(to, in + from, piece);
            to += piece;
            *to++ = '\n';
            from += piece;
        } while (from < end);
        from = next;
    }
    *to = 0;
    return (size_t)(to - out);
}

static void lines_do_not_depend_on_how_they_are_read(void) {
    enum { MOST = 400000 };
    static char in[MOST], expected[2 * MOST];
    static const size_t lengths[] = {0, 1, 2, 100, 4095, 4096, 16383, 16384, 16385, 16386, 32768, 32769, 40000};
    for (int round = 0; round < 60; round++) {
        size_t count = 0;
        size_t most = random_number() % 20 + 1;
        for (size_t i = 0; i < most && count + 50000 < MOST; i++) {
            size_t length = lengths[random_number() % (sizeof lengths / sizeof *lengths)];
            for (size_t j = 0; j < length; j++) {
                in[count++] = random_number() % 50 == 0 ? '\r' : (char)('a' + random_number() % 26);
            }
            if (random_number() % 3 == 0) {
                in[count++] = '\r';
            }
            if (i + 1 < most || random_number() % 2) {
                in[count++] = '\n';
            }
        }
        int log = log_file("random");
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        struct test_stream *s = test_stream_new(ends[0], log);
        for (size_t at = 0; at < count;) {
            size_t chunk = random_number() % (random_number() % 2 ? 40000 : 5) + 1;
            ssize_t written = write(ends[1], in + at, chunk < count - at ? chunk : count - at);
            if (written > 0) {
                at += (size_t)written;
            }
            if (written < 0 || random_number() % 2) {
                test_stream_read(s);
            }
        }
        close(ends[1]);
        while (test_stream_read(s) >= 0) {
        }
        test_stream_free(s);
        reference(in, count, expected);
        check_lines(log, expected);
        close(log);
    }
}

/* ---- fuzzing */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void mutate(unsigned char *bytes, size_t count) {
    static const uint64_t odd[] = {0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull};
    for (uint64_t n = random_number() % 6 + 1; n > 0; n--) {
        size_t at = random_number() % count;
        uint64_t value = random_number() % 3 ? odd[random_number() % 14] : random_number();
        size_t width = 1ul << random_number() % 4;
        memcpy(bytes + at, &value, width < count - at ? width : count - at);
    }
}

static size_t sample(unsigned char *bytes) {
    struct code c;
    begin(&c);
    c.header.fds = 1;
    struct step *s = add(&c, OP_SYSCALL, SYS_openat);
    set(s, 0, ARG_IMMEDIATE, (uint64_t)AT_FDCWD);
    set_text(&c, s, 1, "/dev/null");
    s->result = 1;
    tolerate(s, 0, ENOENT, 3);
    s = add(&c, OP_SYSCALL, SYS_write);
    set(s, 0, ARG_IMMEDIATE, 1);
    set(s, 1, ARG_DATA, put(&c, "text\n", 5));
    set(s, 2, ARG_IMMEDIATE, 5);
    s = add(&c, OP_CHECK, 0);
    set(s, 0, ARG_DATA, 0);
    set(s, 1, ARG_IMMEDIATE, 1);
    set(s, 2, ARG_IMMEDIATE, 0xff);
    set(s, 3, ARG_IMMEDIATE, '/');
    set(s, 4, ARG_IMMEDIATE, EINVAL);
    s = add(&c, OP_JUMP, 0);
    set(s, 0, ARG_IMMEDIATE, 5);
    add(&c, OP_FAIL, 0);
    s = add(&c, OP_STORE, 0);
    set(s, 0, ARG_SLOT, 1);
    set(s, 1, ARG_DATA, 0);
    set(s, 2, ARG_IMMEDIATE, 4);
    s = add(&c, OP_FORK, 0);
    set(s, 0, ARG_IMMEDIATE, 0x8000);
    s = add(&c, OP_TERMINAL, 0);
    set(s, 0, ARG_SLOT, 0);
    execute_program(&c, "/bin/true", "true", "a", NULL);
    return encode(&c, bytes);
}

/* Whatever the program, there is one answer, and pause lives. */
static void mutated_programs_are_refused_or_run(double duration) {
    static unsigned char original[sizeof(struct code) + 64], bytes[sizeof original];
    size_t count = sample(original);
    double until = seconds() + duration;
    int runs = 0, refused = 0;
    fuzzing = 1;
    struct pod p;
    new_pod(&p);
    int log = log_file("fuzz");
    while (seconds() < until) {
        memcpy(bytes, original, sizeof bytes);
        size_t length = random_number() % 10 ? count : random_number() % (count + 32) + 1;
        mutate(bytes, random_number() % 2 ? 32 + 9 * 80 : count);
        struct start s = {.stdio = (uint32_t)(random_number() % 5)};
        int logged = s.stdio == STDIO_LOGGED || s.stdio == STDIO_TERMINAL;
        int fds[8];
        int n = 0;
        fds[n++] = file_of(bytes, length);
        if (logged) {
            s.flags |= START_LOG;
            fds[n++] = log;
        }
        for (int i = 0; s.stdio == STDIO_PASSED && i < 3; i++) {
            fds[n++] = i == 0 ? 0 : log;
        }
        fds[n++] = log;
        ask(&p, MSG_START, "fuzz", &s, sizeof s, fds, n);
        close(fds[0]);
        expect(&p, MSG_START | REPLY, "fuzz");
        if (p.last.head.error == 0 && p.last.phase != PHASE_FAILED) {
            expect(&p, EVENT_EXIT, "fuzz");
            CHECK(simple(&p, MSG_ACK, "fuzz") == 0);
        }
        refused += p.last.head.error != 0;
        runs++;
    }
    finish(&p);
    close(log);
    fuzzing = 0;
    printf("%d mutated programs, %d refused\n", runs, refused);
}

/* What a process sees after it has entered the namespaces of others' users; run in a child, which they would change. */
static int in_namespaces_of_users(const char *map) {
    char before[64], after[64], users[64] = "";
    long length = readlink("/proc/self/ns/ipc", before, sizeof before);
    long error = enter_namespaces_of_users(map, map, CLONE_NEWIPC | CLONE_NEWUTS);
    if (error < 0) {
        return (int)-error;
    }
    CHECK(readlink("/proc/self/ns/ipc", after, sizeof after) == length && memcmp(before, after, (size_t)length) != 0);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    int ipc = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    int owner = ioctl(ipc, _IO(0xb7, 0x1)); /* NS_GET_USERNS */
    CHECK(owner >= 0);
    CHECK(setns(owner, CLONE_NEWUSER) == 0);
    int file = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    CHECK(read(file, users, sizeof users - 1) > 0);
    unsigned inside, outside, count;
    CHECK(sscanf(users, "%u %u %u", &inside, &outside, &count) == 3);
    CHECK(inside == 0 && outside == 4294000000u && count == 65536);
    return 0;
}

static int exit_of_child(const char *map) {
    int status;
    int child = fork();
    if (child == 0) {
        _exit(in_namespaces_of_users(map));
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void users_own_the_namespaces_made_for_them(void) {
    if (geteuid() != 0) {
        printf("skipped: only root gives ids away\n");
        return;
    }
    CHECK(exit_of_child("0 4294000000 65536\n") == 0);
    CHECK(exit_of_child("0 4294967290 65536\n") == EINVAL);
    CHECK(exit_of_child("nonsense\n") == EINVAL);
}

static void mutated_messages_are_answered(double duration) {
    double until = seconds() + duration;
    int runs = 0;
    fuzzing = 1;
    struct pod p;
    new_pod(&p);
    struct code c;
    begin(&c);
    add(&c, OP_SYSCALL, SYS_getpid);
    int program = encoded(&c);
    int log = log_file("fuzz-messages");
    while (seconds() < until) {
        union {
            struct start start;
            struct resize resize;
            struct attach attach;
            unsigned char bytes[MAX_MESSAGE];
        } m;
        memset(&m, 0, sizeof m);
        m.start.head.type = (uint32_t)(random_number() % 14); /* LAUNCH is unknown by now */
        m.start.head.tag = next_tag++;
        m.start.head.id[0] = (char)('a' + random_number() % 3);
        m.start.stdio = (uint32_t)(random_number() % 5);
        m.start.flags = (uint32_t)(random_number() % 8);
        size_t length = random_number() % 3 ? sizeof(struct start) : random_number() % (sizeof m - 1) + 1;
        if (random_number() % 2) {
            mutate(m.bytes, length < 128 ? length : 128);
        }
        if (length >= 88 + 8) {
            m.start.clone_flags &= 0; /* namespaces cost time, and are Java's to test */
        }
        int fds[70];
        int n = (int)(random_number() % 4 ? random_number() % 4 : random_number() % 70);
        for (int i = 0; i < n; i++) {
            fds[i] = i == 0 && random_number() % 8 ? program : random_number() % 2 ? log : 0;
        }
        send_raw(&p, m.bytes, length, fds, n);
        runs++;
        if (runs % 16 == 0) { /* take what it said */
            struct hello hello = {.version = 1};
            uint32_t tag = ask(&p, MSG_HELLO, "", &hello, sizeof hello, NULL, 0);
            do {
                expect(&p, MSG_HELLO | REPLY, "");
            } while (p.last.head.tag != tag);
        }
    }
    close(program);
    close(log);
    finish(&p);
    fuzzing = 0;
    printf("%d mutated messages\n", runs);
}

#define RUN(test) \
    do { \
        double from = seconds(); \
        test; \
        printf("%4.0f ms %s\n", (seconds() - from) * 1000, #test); \
    } while (0)

int main(int argc, char **argv) {
    double fuzz_seconds = argc > 1 ? atof(argv[1]) : 2;
    random_state ^= argc > 2 ? strtoull(argv[2], NULL, 10) : 0; /* otherwise the same in each build */
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(mkdtemp(directory) != NULL);
    RUN(hello_tells_version_and_process());
    RUN(malformed_requests_are_answered());
    RUN(setup_reports_step_and_leaves_nothing());
    RUN(a_process_runs_logs_and_exits());
    RUN(a_signal_is_reported());
    RUN(a_failing_step_is_reported());
    RUN(checks_stores_and_slots());
    RUN(a_program_without_execve_ends_well());
    RUN(a_process_killed_in_its_program_says_in_which_step());
    RUN(a_sibling_takes_over());
    RUN(stdin_is_handed_out_and_closed());
    RUN(passed_descriptors_are_stdio());
    RUN(a_terminal_is_logged_and_resized());
    RUN(a_terminal_is_handed_over());
    RUN(ids_are_unique_and_the_table_is_bounded());
    RUN(a_new_connection_finds_everything());
    RUN(a_start_outlives_its_connection());
    RUN(rotation_keeps_every_line());
    RUN(a_full_log_loses_lines_but_never_stops_the_container());
    RUN(attached_readers_get_copies_and_slow_ones_are_cut());
    RUN(descendants_do_not_hold_up_the_exit());
    RUN(lines_do_not_depend_on_how_they_are_read());
    RUN(users_own_the_namespaces_made_for_them());
    RUN(mutated_programs_are_refused_or_run(fuzz_seconds));
    RUN(mutated_messages_are_answered(fuzz_seconds));
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    CHECK(system(command) == 0);
    return 0;
}
