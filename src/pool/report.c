/* SPDX-License-Identifier: MIT
 *
 * report.c - the words of every event, and the functions that they go to.
 *
 * Lines go through stdio, as perror(3)'s do, so that they keep their place
 * among the program's own; a line that stands ready and goes out in one call
 * is written whole, since standard error has no buffer to split it.
 *
 * A pool's name, and the message of a program that calls mp_report_stderr()
 * itself, may come from outside.  So a line has no control characters but the
 * newline at its end: else a name could forge a second line of a log, or
 * command the terminal that shows it.
 *
 * What it cannot do: set errno, which is for api/, or keep it.
 */
#include "pool/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool/setting.h"

/* Bytes of a message, and of a step's reason in it, with the end. */
#define REPORT_MESSAGE 256
#define REPORT_REASON 128

/* Bytes of a message that is printed: what callers= adds is long. */
#define REPORT_PRINTED 1024

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

/* True: a control character begins there, of ASCII or one of U+0080 to U+009F
 * in UTF-8, which terminals obey too. */
static bool report_is_control(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    unsigned char second = first == 0xc2 ? (unsigned char)at[1] : 0;

    return first < 0x20 || first == 0x7f || (second >= 0x80 && second < 0xa0);
}

/* Puts a string into a line, of which there are so many bytes, its end among
 * them: what does not fit is left out.  Returns where the line ends. */
static char *report_put(char *line, const char *end, const char *string)
{
    ASSERT(line < end);
    for (; *string != '\0' && end - line > 1; string++) {
        /* Some control characters have two bytes.  The second byte of such a
         * one is no control character where it stands alone, and stays. */
        bool control = report_is_control(string);
        *line++ = control ? '?' : *string;
        string += control && (unsigned char)*string == 0xc2;
    }
        ASSERT(line < end);
    *line = '\0';
    return line;
}

/* The line is made first and goes out in one call, so that lines of two
 * threads do not mix. */
void report_print(memory_pool_t *mp, const char *message)
{
    char line[POOL_NAME + REPORT_PRINTED];
    char *end = line + sizeof line - 1; /* a newline always fits */
    char *at = line;

    if (message == NULL) {
        return;
    }
    if (mp != NULL && mp->settings.name != NULL) {
        at = report_put(at, end, mp->settings.name);
        at = report_put(at, end, ": ");
    }
    at = report_put(at, end, message);
    ASSERT(at <= end - 1 && *at == '\0');
    *at++ = '\n';
    *at = '\0';
    fputs(line, stderr);
}

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

/* loudly: on standard error, if nobody else is told. */
static void report_tell(memory_pool_t *mp, mp_event_t event,
                        const char *message, const void *ptr, bool loudly)
{
    ASSERT(lock_none_is_held());
    ASSERT(message != NULL);
    if (mp != NULL && mp->settings.report != NULL) {
        mp->settings.report(mp, event, message, ptr,
                            mp->settings.report_context);
    } else if (mp == NULL || loudly ||
               (mp->settings.flags & MP_REPORT) != 0) {
        report_print(mp, message);
    }
    report_abort(mp, event);
}

void report_words(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr)
{
    report_tell(mp, event, message, ptr, false);
}

void report_loudly(memory_pool_t *mp, mp_event_t event, const char *message,
                   const void *ptr)
{
    report_tell(mp, event, message, ptr, true);
}

void report_event(memory_pool_t *mp, mp_event_t event, const void *ptr)
{
    ASSERT((size_t)event <
           sizeof report_messages / sizeof report_messages[0]);
    ASSERT(report_messages[event] != NULL);
    report_words(mp, event, report_messages[event], ptr);
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
