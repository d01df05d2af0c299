/* SPDX-License-Identifier: MIT
 *
 * time.h - time; see README.
 */
#ifndef TARGETS_TIME_H
#define TARGETS_TIME_H

#include <sys/types.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 4
#define CLOCKS_PER_SEC 1000000

typedef long clock_t;
typedef struct targets_timer *timer_t;
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};
struct itimerspec {
    struct timespec it_interval;
    struct timespec it_value;
};
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday;
    int tm_isdst;
};

clock_t clock(void);
time_t time(time_t *at);
int clock_gettime(clockid_t clock, struct timespec *at);
int nanosleep(const struct timespec *time, struct timespec *left);
#ifndef __OpenBSD__
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                    struct timespec *left);
#endif
struct tm *gmtime_r(const time_t *at, struct tm *tm);
struct tm *localtime_r(const time_t *at, struct tm *tm);
size_t strftime(char *to, size_t size, const char *format,
                const struct tm *tm);

#endif /* TARGETS_TIME_H */
