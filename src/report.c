/* SPDX-License-Identifier: MIT
 *
 * report.c - what the library says of misuse, and the errno for it.
 *
 * Lines go through stdio, as perror(3)'s do, so that they keep their place
 * among the program's own; a line that stands ready and goes out in one call
 * is written whole, since standard error has no buffer to split it.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *line;
    int error;
} report_events[] = {
    [REPORT_ALLOCATE_NO_POOL] = {"memory_pool is NULL\n", EINVAL},
    [REPORT_NO_POOL] = {"the memory pool is NULL\n", EINVAL},
    [REPORT_SIZE] = {"invaild memory allocate size\n", EINVAL},
    [REPORT_FULL] = {"the memory pool is full\n", ENOBUFS},
    [REPORT_NO_POINTER] = {"your ptr is NULL\n", EINVAL},
    [REPORT_NOT_IN_POOL] =
        {"your ptr is not in the memory pool, cannot be freed\n", EINVAL},
};

void report_event(enum report_event event)
{
    fputs(report_events[event].line, stderr);
    errno = report_events[event].error;
}

void report_failure(const char *step, int error)
{
    char line[256];
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", error);
    }
    snprintf(line, sizeof line, "%s: %s\n", step, reason);
    fputs(line, stderr);
    errno = error;
}
