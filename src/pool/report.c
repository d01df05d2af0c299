/* SPDX-License-Identifier: MIT
 *
 * report.c - the words of every event, and the functions that they go to.
 *
 * A report has words, which programs compare, and a whole line: the words, then
 * which pool, which address, what that is, and whose.
 *
 *     mp_reporter_fn    both, and all that is known as numbers
 *     mp_report_fn      the words; the whole line if an option asks for it
 *     standard error    the whole line; for a base pool and where there is no
 *                       pool the words, unless an option asks for more
 *
 * Lines go through stdio, as perror(3)'s do, so that they keep their place
 * among the program's own; a line that stands ready and goes out in one call
 * is written whole, since standard error has no buffer to split it.
 *
 * What it cannot do: set errno, which is for api/, or keep it.  Find out what
 * an address is: view/ does, for whom report_wants_all() says so.
 */
#include "pool/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/probe.h"
#include "pool/callers.h"
#include "pool/setting.h"

/* Bytes of a message, and of a step's reason in it, with the end. */
#define REPORT_MESSAGE 256
#define REPORT_REASON 128

static const char *const report_messages[] = {
    [MP_EVENT_NO_POOL] = "the memory pool is NULL",
    [MP_EVENT_SIZE] = "invaild memory allocate size",
    [MP_EVENT_FULL] = "the memory pool is full",
    [MP_EVENT_NO_POINTER] = "your ptr is NULL",
    [MP_EVENT_NOT_IN_POOL] =
        "your ptr is not in the memory pool, cannot be freed",
    [MP_EVENT_MARK] = "no such mark",
    [MP_EVENT_CLEANUP] = "no such cleanup",
    [MP_EVENT_BUSY] = "the memory pool is being reset or destroyed",
};

/* A program that was told so ends at what is its own fault.  That the pool or
 * the system has no room for an object is none. */
static void report_abort(const memory_pool_t *mp, mp_event_t event)
{
    unsigned flags = mp != NULL ? mp->settings.flags : setting_flags(NULL);

    if ((flags & MP_ABORT) != 0 && event != MP_EVENT_FULL &&
        event != MP_EVENT_NO_MEMORY && event != MP_EVENT_OPTION &&
        event != MP_EVENT_LEAK) {
        abort();
    }
}

/* An option asks for whole lines instead of words. */
static bool report_is_whole(const memory_pool_t *mp)
{
    unsigned flags = mp != NULL ? mp->settings.flags : setting_flags(NULL);

    return (flags & (MP_REPORT | MP_CALLERS)) != 0;
}

bool report_wants_all(memory_pool_t *mp)
{
    return report_is_whole(mp) ||
           (mp != NULL && pool_reporter(mp).fn != NULL);
}

bool report_prints_all(const memory_pool_t *mp)
{
    return mp != NULL && !report_is_whole(mp) &&
           (mp->settings.flags & SETTING_BASE) == 0;
}

/* Adds the words and, where found is not NULL, the rest. */
static void report_put(struct line *line, memory_pool_t *mp,
                       const char *message, const void *ptr,
                       const struct found *found)
{
    line_put(line, message);
    if (found != NULL && (mp != NULL || found->what != FOUND_UNASKED)) {
        /* Some messages have a colon of their own. */
        line_put(line, strchr(message, ':') == NULL ? ": " : "; ");
        found_put(line, mp, ptr, found);
    }
}

/* Part of no caller: a line is long, and it is to be on the stack once. */
MP_SLOW void report_print(memory_pool_t *mp, const char *message,
                          const void *ptr, const struct found *found)
{
    struct line line;

    line_start(&line);
    if (mp != NULL && mp->settings.name != NULL) {
        line_put(&line, mp->settings.name);
        line_put(&line, ": ");
    }
    report_put(&line, mp, message, ptr, found);
    /* The line goes out in one call, so that those of two threads do not mix.
     * Its newline takes the place of its last byte where it is full. */
    size_t end = line.length < LINE_BYTES - 2 ? line.length : LINE_BYTES - 2;
    line.text[end] = '\n';
    line.text[end + 1] = '\0';
    fputs(line.text, stderr);
}

/* Calls the function that wants all. */
static void report_call(const struct pool_reporter *reporter,
                        const mp_report_t *known, const struct found *found)
{
    mp_report_t report = *known;

    report.size = sizeof report;
    report.name = report.mp->settings.name;
    report.where = found_where(found);
    report.before_reset =
        found->what == FOUND_RESET || found->what == FOUND_REWOUND;
    report.owner = found->owner;
    report.owner_name = found->name[0] == '\0' ? NULL : found->name;
    report.object = (const void *)found->object;
    report.object_size = found->size;
    if (found->noted) {
        report.allocated_by = found->callers.allocated;
        report.allocated_frames = callers_count(found->callers.allocated);
    }
    if (found->noted && found->freed) {
        report.freed_by = found->callers.freed;
        report.freed_frames = callers_count(found->callers.freed);
    }
    reporter->fn(&report, reporter->context);
}

/* Tells a function that wants the whole line.  A line is long, and what the
 * program does then needs stack, too, so no other report has it there. */
static MP_SLOW void report_tell_line(memory_pool_t *mp,
                                     const struct pool_reporter *reporter,
                                     mp_event_t event, const char *message,
                                     const void *ptr,
                                     const struct found *found)
{
    struct line line;

    line_start(&line);
    report_put(&line, mp, message, ptr, found);
    if (reporter->fn != NULL) {
        report_call(reporter,
                    &(mp_report_t){.event = event, .mp = mp,
                                   .message = message, .line = line.text,
                                   .ptr = ptr}, found);
    } else {
        mp->settings.report(mp, event, line.text, ptr,
                            mp->settings.report_context);
    }
}

/* loudly: on standard error, if nobody else is told. */
static void report_tell(memory_pool_t *mp, mp_event_t event,
                        const char *message, const void *ptr, bool loudly,
                        const struct found *found)
{
    ASSERT(lock_none_is_held());
    ASSERT(message != NULL);
    struct pool_reporter reporter = {NULL, NULL};

    probe_report(mp, (int)event, message, ptr);
    if (mp != NULL) {
        reporter = pool_reporter(mp);
    }
    bool prints = mp == NULL || loudly ||
                  (mp->settings.flags & MP_REPORT) != 0;
    bool calls = mp != NULL && mp->settings.report != NULL;
    /* Most reports of most programs go to nobody, or to a function that wants
     * the words. */
    if (reporter.fn != NULL || (calls && report_is_whole(mp))) {
        report_tell_line(mp, &reporter, event, message, ptr, found);
    } else if (calls) {
        mp->settings.report(mp, event, message, ptr,
                            mp->settings.report_context);
    } else if (prints) {
        report_print(mp, message, ptr, found);
    }
    report_abort(mp, event);
}

void report_words(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr)
{
    report_found(mp, event, message, ptr, NULL);
}

void report_found(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr, const struct found *found)
{
    /* No copy is made of it: programs live at their limit, where each refusal
     * is a report that nobody may want. */
    static const struct found nothing = {.what = FOUND_UNASKED};

    report_tell(mp, event, message, ptr, false,
                found == NULL ? &nothing : found);
}

void report_loudly(memory_pool_t *mp, mp_event_t event, const char *message,
                   const void *ptr, const struct found *found)
{
    report_tell(mp, event, message, ptr, true, found);
}

const char *report_message(mp_event_t event)
{
    ASSERT((size_t)event <
           sizeof report_messages / sizeof report_messages[0]);
    ASSERT(report_messages[event] != NULL);
    return report_messages[event];
}

/* strerror_r() has two forms, of POSIX and of glibc under _GNU_SOURCE.  The
 * type of what it returns says which this is. */
__attribute__((__unused__)) static const char *
report_reason_posix(int failed, const char *buffer)
{
    return failed == 0 ? buffer : NULL;
}

__attribute__((__unused__)) static const char *
report_reason_gnu(const char *reason, const char *buffer)
{
    (void)buffer;
    return reason;
}

#define REPORT_REASON_OF(error, buffer, size)       \
    _Generic(strerror_r(error, buffer, size),       \
             int: report_reason_posix,              \
             char *: report_reason_gnu)(            \
        strerror_r(error, buffer, size), buffer)

/* "STEP: REASON", cut off where that is too long. */
static void report_format(char *message, size_t size, const char *step,
                          int error)
{
    char buffer[REPORT_REASON];
    const char *reason = REPORT_REASON_OF(error, buffer, sizeof buffer);

    ASSERT(step != NULL);
    ASSERT(size > REPORT_REASON);
    if (reason == NULL) {
        snprintf(buffer, sizeof buffer, "error %d", error);
        reason = buffer;
    }
    snprintf(message, size, "%s: %s", step, reason);
}

void report_failure(memory_pool_t *mp, const char *step, int error)
{
    char message[REPORT_MESSAGE];

    ASSERT(error != 0);
    report_format(message, sizeof message, step, error);
    report_words(mp, MP_EVENT_NO_MEMORY, message, NULL);
}

/* There is no pool to be told of, so nothing goes to standard error where the
 * program did not ask for reports. */
static void report_to_options(const mp_options_t *options, mp_event_t event,
                              const char *message)
{
    ASSERT(lock_none_is_held());
    ASSERT(message != NULL);
    probe_report(NULL, (int)event, message, NULL);
    if (options->report != NULL) {
        options->report(NULL, event, message, NULL, options->report_context);
    }
}

void report_option(const mp_options_t *options, const char *member)
{
    char message[REPORT_MESSAGE];

    ASSERT(member != NULL);
    snprintf(message, sizeof message, "invalid option: %s", member);
    report_to_options(options, MP_EVENT_OPTION, message);
}

void report_creation(const mp_options_t *options, const char *step, int error)
{
    char message[REPORT_MESSAGE];

    ASSERT(error != 0);
    report_format(message, sizeof message, step, error);
    report_to_options(options, MP_EVENT_NO_MEMORY, message);
}
