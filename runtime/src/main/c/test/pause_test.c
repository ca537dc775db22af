#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "program.h"
long step_syscall(long n, const s64 *a);
long step_syscall(long n, const s64 *a) { return sys6(n, a[0], a[1], a[2], a[3], a[4], a[5]); }
int main(void) { return 0; }
