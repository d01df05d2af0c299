/* SPDX-License-Identifier: MIT
 *
 * strings.c - exported functions whose result is a string of a pool.
 *
 * Each is an allocation of just what is needed and a copy into it, so that
 * all of a pool's rules for sizes and fullness hold.  A format is gone
 * through twice, once to measure: an object of a guessed size would have to
 * be resized, and a full pool might refuse a string that fits.
 *
 * It cannot measure a string that another thread changes meanwhile.
 */
#include <errno.h>
#include <stdio.h>

#include "pool/report.h"

/* A pool that is NULL has no one to be told; as in mp_calloc(). */
static bool strings_can_copy(memory_pool_t *mp, const void *from)
{
    if (mp == NULL) {
        errno = EINVAL;
        return false;
    }
    if (from == NULL) {
        report_event(mp, MP_EVENT_NO_POINTER, NULL);
        return false;
    }
    return true;
}

/* n bytes and, where the string ends, a zero. */
static char *strings_copy(memory_pool_t *mp, const char *from, size_t n)
{
    char *copy = mp_allocate(mp, n + 1);

    if (copy != NULL) {
        memcpy(copy, from, n);
        copy[n] = '\0';
    }
    return copy;
}

char *mp_strdup(memory_pool_t *mp, const char *string)
{
    return strings_can_copy(mp, string)
               ? strings_copy(mp, string, strlen(string))
               : NULL;
}

char *mp_strndup(memory_pool_t *mp, const char *string, size_t n)
{
    return strings_can_copy(mp, string)
               ? strings_copy(mp, string, strnlen(string, n))
               : NULL;
}

void *mp_memdup(memory_pool_t *mp, const void *bytes, size_t n)
{
    /* With n 0 it is the size that is wrong, whatever bytes is. */
    if (!strings_can_copy(mp, n == 0 ? "" : bytes)) {
        return NULL;
    }
    void *copy = mp_allocate(mp, n);
    return copy == NULL ? NULL : memcpy(copy, bytes, n);
}

char *mp_vasprintf(memory_pool_t *mp, const char *format, va_list arguments)
{
    va_list again;

    if (!strings_can_copy(mp, format)) {
        return NULL;
    }
    int error = errno;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        return NULL;
    }
    char *string = mp_allocate(mp, (size_t)length + 1);
    if (string == NULL) {
        return NULL;
    }
    if (vsnprintf(string, (size_t)length + 1, format, arguments) < 0) {
        error = errno;
        free_memory(mp, string);
        errno = error;
        return NULL;
    }
    errno = error;
    return string;
}

char *mp_asprintf(memory_pool_t *mp, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *string = mp_vasprintf(mp, format, arguments);
    va_end(arguments);
    return string;
}
