/* SPDX-License-Identifier: MIT
 *
 * time.h - times; see README.
 */
#ifndef TARGETS_SYS_TIME_H
#define TARGETS_SYS_TIME_H

#include <sys/types.h>

struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};

int gettimeofday(struct timeval *at, void *zone);

#endif /* TARGETS_SYS_TIME_H */
