/* SPDX-License-Identifier: MIT
 *
 * report.c - what the library says of misuse, and the errno for it.
 *
 * Lines go through stdio, as perror(3)'s do, so that they keep their place
 * among the program's own; a line that stands ready and goes out in one call
 * is written whole, since standard error has no buffer to split it.
 */
#include "pool/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *message;
    int error;
} report_events[] = {
    [MP_EVENT_NO_POOL] = {"the memory pool is NULL", EINVAL},
    [MP_EVENT_SIZE] = {"invaild memory allocate size", EINVAL},
    [MP_EVENT_FULL] = {"the memory pool is full", ENOBUFS},
    [MP_EVENT_NO_POINTER] = {"your ptr is NULL", EINVAL},
    [MP_EVENT_NOT_IN_POOL] =
        {"your ptr is not in the memory pool, cannot be freed", EINVAL},
    [MP_EVENT_MARK] = {"no such mark", EINVAL},
    [MP_EVENT_CLEANUP] = {"no such cleanup", EINVAL},
    [MP_EVENT_BUSY] = {"the memory pool is being reset or destroyed", EBUSY},
};

void mp_report_stderr(memory_pool_t *mp, mp_event_t event,
                      const char *message, const void *ptr, void *context)
{
    const char *name = mp == NULL ? NULL : mp->name;
    char line[POOL_NAME + 256];

    (void)event;
    (void)ptr;
    (void)context;
    if (message == NULL) {
        return;
    }
    snprintf(line, sizeof line, "%s%s%s\n", name == NULL ? "" : name,
             name == NULL ? "" : ": ", message);
    fputs(line, stderr);
}

static void report_tell(memory_pool_t *mp, mp_event_t event,
                        const char *message, const void *ptr)
{
    if (mp == NULL) {
        mp_report_stderr(NULL, event, message, ptr, NULL);
    } else if (mp->report != NULL) {
        mp->report(mp, event, message, ptr, mp->report_context);
    }
}

void report_event(memory_pool_t *mp, mp_event_t event, const void *ptr)
{
    report_tell(mp, event, report_events[event].message, ptr);
    errno = report_events[event].error;
}

void report_cleanup(memory_pool_t *mp, const char *message)
{
    report_tell(mp, MP_EVENT_CLEANUP, message, NULL);
    errno = report_events[MP_EVENT_CLEANUP].error;
}

void report_no_pool_to_allocate(void)
{
    report_tell(NULL, MP_EVENT_NO_POOL, "memory_pool is NULL", NULL);
    errno = EINVAL;
}

/* "WHAT: REASON" */
static void report_reason(char *message, size_t size, const char *what,
                          int error)
{
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", error);
    }
    snprintf(message, size, "%s: %s", what, reason);
}

void report_failure(memory_pool_t *mp, const char *step, int error)
{
    char message[256];

    report_reason(message, sizeof message, step, error);
    report_tell(mp, MP_EVENT_NO_MEMORY, message, NULL);
    errno = error;
}

void report_creation(const mp_options_t *options, mp_event_t event,
                     const char *what, int error)
{
    char message[256];

    if (event == MP_EVENT_OPTION) {
        snprintf(message, sizeof message, "invalid option: %s", what);
    } else {
        report_reason(message, sizeof message, what, error);
    }
    if (options->report != NULL) {
        options->report(NULL, event, message, NULL, options->report_context);
    }
    errno = error;
}
