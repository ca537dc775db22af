/* Lets the test feed the log writer directly. */
#include "process.h"

struct test_stream;
struct test_stream *test_stream_new(int fd, int log);
long test_stream_read(struct test_stream *s);
void test_stream_free(struct test_stream *s);

static struct process process;

struct test_stream *test_stream_new(int fd, int log) {
    memset(&process, 0, sizeof process);
    process.out.fd = fd;
    process.err.fd = -1;
    process.log = log;
    return (struct test_stream *)&process;
}

long test_stream_read(struct test_stream *s) {
    struct process *p = (struct process *)s;
    return p->out.fd < 0 ? -1 : stream_read(p, &p->out);
}

void test_stream_free(struct test_stream *s) {
    struct process *p = (struct process *)s;
    if (p->out.fd >= 0) {
        stream_close(p, &p->out);
    }
}
