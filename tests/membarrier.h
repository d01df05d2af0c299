/* SPDX-License-Identifier: MIT
 *
 * membarrier.h - a filter of system calls that refuses membarrier(2).
 *
 * It is for this process and what that starts, and stays.
 *
 * What it cannot do: refuse where there are no such filters.  There
 * MEMBARRIER_FILTERS is not defined.
 */
#ifndef MEMBARRIER_H
#define MEMBARRIER_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#if defined(SYS_membarrier) && defined(PR_SET_SECCOMP)
#define MEMBARRIER_FILTERS
#endif
#endif
#endif

/* From now on membarrier(2) fails with that errno; false: it does not. */
static inline bool membarrier_refuse(int error)
{
#ifdef MEMBARRIER_FILTERS
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
    (void)error;
    return false;
#endif
}

#endif /* MEMBARRIER_H */
