/* SPDX-License-Identifier: MIT
 *
 * without_membarrier.c - runs a program as on a system without membarrier(2).
 *
 *     without_membarrier PROGRAM [ARGUMENT]...
 *
 * A filter of system calls refuses it, in the program and what that starts.
 * Exit status 77: there are no such filters here.
 *
 * What it cannot do: refuse it later, as a sandbox does that is entered while
 * the program runs; tests/unit/test_pause.c has that.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#endif

#if defined(SYS_membarrier) && defined(PR_SET_SECCOMP)
static int refuse(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == ENOSYS;
}
#else
static int refuse(void)
{
    return 0;
}
#endif

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: without_membarrier PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    if (!refuse()) {
        puts("without_membarrier: no filter of system calls here");
        return 77;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
