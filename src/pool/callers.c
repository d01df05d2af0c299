/* SPDX-License-Identifier: MIT
 *
 * callers.c - who allocated an object, and who freed it first.
 *
 * A caller is noted as return addresses.  The C library finds the name of a
 * return address, which takes memory.  So names are looked up for a report
 * only, and not when a caller is noted.
 *
 * What it cannot do: name callers where the C library has no backtrace(3).
 */
#include "pool/callers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Elsewhere it may be in a library of its own, or missing. */
#if defined(__GLIBC__) || defined(__APPLE__)
#define CALLERS_KNOWN
#include <execinfo.h>
#endif

#include "base/assert.h"

/* Return addresses that are named of each call. */
#define CALLERS_NAMED 4

size_t callers_count(void *const frames[RECORD_FRAMES])
{
    size_t count = 0;

    while (count < RECORD_FRAMES && frames[count] != NULL) {
        count++;
    }
    return count;
}

#ifdef CALLERS_KNOWN
void callers_note(void *frames[RECORD_FRAMES])
{
    int count = backtrace(frames, RECORD_FRAMES);

    ASSERT(count >= 0 && count <= RECORD_FRAMES);
    for (int i = count; i < RECORD_FRAMES; i++) {
        frames[i] = NULL;
    }
}

/* Length of the name of the file that a symbol is of. */
static size_t callers_module(const char *symbol)
{
    return strcspn(symbol, "(");
}

/* The first address outside of the library, which made the first one; where
 * the library is part of the program all are the program's. */
static int callers_skip(char *const *symbols, int count)
{
    int i = 0;

    while (i < count &&
           callers_module(symbols[i]) == callers_module(symbols[0]) &&
           strncmp(symbols[i], symbols[0], callers_module(symbols[0])) == 0) {
        i++;
    }
    return i == count ? 0 : i;
}

static size_t callers_name_one(char *line, size_t bytes, const char *words,
                               void *const frames[RECORD_FRAMES])
{
    size_t length = 0;
    int count = (int)callers_count(frames);

    ASSERT(bytes > 0);
    line[0] = '\0';
    char **symbols = count == 0 ? NULL : backtrace_symbols(frames, count);
    if (symbols == NULL) {
        return 0;
    }
    int first = callers_skip(symbols, count);
    length = (size_t)snprintf(line, bytes, "; %s by ", words);
    for (int i = first;
         i < count && i < first + CALLERS_NAMED && length < bytes; i++) {
        int more = snprintf(line + length, bytes - length, "%s%s",
                            i == first ? "" : " < ", symbols[i]);
        length += (size_t)more;
    }
    free(symbols);
    return length < bytes ? length : bytes - 1;
}
#else
void callers_note(void *frames[RECORD_FRAMES])
{
    frames[0] = NULL;
}

static size_t callers_name_one(char *line, size_t bytes, const char *words,
                               void *const frames[RECORD_FRAMES])
{
    (void)words;
    (void)frames;
    ASSERT(bytes > 0);
    line[0] = '\0';
    return 0;
}
#endif

size_t callers_name(char *line, size_t bytes,
                    const struct record_callers *callers, bool freed)
{
    size_t length = 0;

    ASSERT(bytes > 0);
    line[0] = '\0';
    if (callers != NULL) {
        length = callers_name_one(line, bytes, "allocated",
                             callers->allocated);
    }
    if (callers != NULL && freed) {
        length += callers_name_one(line + length, bytes - length, "freed",
                              callers->freed);
    }
    return length;
}
