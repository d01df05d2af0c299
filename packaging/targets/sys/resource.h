/* SPDX-License-Identifier: MIT
 *
 * resource.h - limits and use; see README.
 */
#ifndef TARGETS_SYS_RESOURCE_H
#define TARGETS_SYS_RESOURCE_H

#include <sys/time.h>

#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_NOFILE 8
#ifndef __OpenBSD__
#define RLIMIT_AS 10
#endif
#define RLIM_INFINITY ((rlim_t)-1)
#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)

typedef uint64_t rlim_t;
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};
struct rusage {
    struct timeval ru_utime;
    struct timeval ru_stime;
    long ru_maxrss;
    long ru_minflt;
    long ru_majflt;
};

int getrlimit(int what, struct rlimit *limit);
int setrlimit(int what, const struct rlimit *limit);
int getrusage(int who, struct rusage *usage);

#endif /* TARGETS_SYS_RESOURCE_H */
