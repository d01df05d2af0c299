/* SPDX-License-Identifier: MIT
 *
 * damage.c - reports of what a program wrote where it has no object.
 *
 * The message is made on the stack, and is one line, as all reports are.  If
 * the callers that allocated and freed the object were noted, their names
 * follow.  The C library finds the name of a return address, which takes
 * memory.  So names are looked up only here, and not when a caller is noted.
 *
 * What it cannot do: name the code that wrote it.
 */
#include "pool/damage.h"

#include <stdio.h>
#include <stdlib.h>

/* Elsewhere it may be in a library of its own, or missing. */
#if defined(__GLIBC__) || defined(__APPLE__)
#define DAMAGE_CALLERS
#include <execinfo.h>
#endif

#include "pool/report.h"

/* Bytes of a report, and return addresses that are named of each call. */
#define DAMAGE_LINE 1024
#define DAMAGE_NAMED 4

static const char *const damage_words[] = {
    [FENCE_BEFORE] = "written before an object",
    [FENCE_BEHIND] = "written behind an object",
    [FENCE_TAG] = "written behind an object, over its tag",
    [FENCE_INSIDE] = "written to a freed object",
};

#ifdef DAMAGE_CALLERS
void damage_note(void *frames[RECORD_FRAMES])
{
    int count = backtrace(frames, RECORD_FRAMES);

    ASSERT(count >= 0 && count <= RECORD_FRAMES);
    for (int i = count; i < RECORD_FRAMES; i++) {
        frames[i] = NULL;
    }
}

/* Length of the name of the file that a symbol is of. */
static size_t damage_module(const char *symbol)
{
    return strcspn(symbol, "(");
}

/* The first address outside of the library, which made the first one; where
 * the library is part of the program all are the program's. */
static int damage_skip(char *const *symbols, int count)
{
    int i = 0;

    while (i < count &&
           damage_module(symbols[i]) == damage_module(symbols[0]) &&
           strncmp(symbols[i], symbols[0], damage_module(symbols[0])) == 0) {
        i++;
    }
    return i == count ? 0 : i;
}

size_t damage_name(char *line, size_t bytes, const char *words,
                   void *const frames[RECORD_FRAMES])
{
    size_t length = 0;
    int count = 0;

    ASSERT(bytes > 0);
    line[0] = '\0';
    while (count < RECORD_FRAMES && frames[count] != NULL) {
        count++;
    }
    char **symbols = count == 0 ? NULL : backtrace_symbols(frames, count);
    if (symbols == NULL) {
        return 0;
    }
    int first = damage_skip(symbols, count);
    length = (size_t)snprintf(line, bytes, "; %s by ", words);
    for (int i = first;
         i < count && i < first + DAMAGE_NAMED && length < bytes; i++) {
        int more = snprintf(line + length, bytes - length, "%s%s",
                            i == first ? "" : " < ", symbols[i]);
        length += (size_t)more;
    }
    free(symbols);
    return length < bytes ? length : bytes - 1;
}
#else
void damage_note(void *frames[RECORD_FRAMES])
{
    frames[0] = NULL;
}

size_t damage_name(char *line, size_t bytes, const char *words,
                   void *const frames[RECORD_FRAMES])
{
    (void)words;
    (void)frames;
    ASSERT(bytes > 0);
    line[0] = '\0';
    return 0;
}
#endif

size_t damage_callers(char *line, size_t bytes,
                      const struct record_callers *callers, bool freed)
{
    size_t length = 0;

    ASSERT(bytes > 0);
    line[0] = '\0';
    if (callers != NULL) {
        length = damage_name(line, bytes, "allocated",
                             callers->allocated);
    }
    if (callers != NULL && freed) {
        length += damage_name(line + length, bytes - length, "freed",
                              callers->freed);
    }
    return length;
}

/* Goes to standard error if the pool has no report function, since somebody set
 * a flag to learn of damage. */
void damage_report(struct memory_pool *mp, const struct record *record,
                   enum fence_damage damage, const void *at)
{
    char line[DAMAGE_LINE];
    uintptr_t object = record_address(record);

    ASSERT(lock_none_is_held());
    ASSERT(damage != FENCE_WHOLE && damage_words[damage] != NULL);
    int length = snprintf(line, sizeof line,
                          "%s: at offset %td of the %zu bytes at %p",
                          damage_words[damage],
                          (ptrdiff_t)((uintptr_t)at - object), record->size,
                          record_object(record));
    ASSERT(length > 0 && (size_t)length < sizeof line);
    (void)damage_callers(line + length, sizeof line - (size_t)length,
                         record->callers, record->freed);
    report_loudly(mp, MP_EVENT_DAMAGE, line, at);
}
