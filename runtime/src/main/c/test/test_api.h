/* What the test sees of pause beside its sockets. Kept apart from sys.h, which does not mix with the C library. */
#ifndef TEST_API_H
#define TEST_API_H

#include <stdint.h>

#include "program_format.h"

#if defined(__x86_64__)
#define TEST_MACHINE 62
#else
#define TEST_MACHINE 183
#endif

int pause_main(void);
long enter_namespaces_of_users(const char *uid_map, const char *gid_map, uint64_t namespaces);
long step_syscall(long n, const int64_t *a);

/* A process with nothing but its stdout and a log. */
struct test_stream;
struct test_stream *test_stream_new(int fd, int log);
long test_stream_read(struct test_stream *s);
void test_stream_free(struct test_stream *s);

#endif
