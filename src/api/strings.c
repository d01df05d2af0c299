/* SPDX-License-Identifier: MIT
 *
 * strings.c - exported functions whose result is a string of a pool.
 *
 * Each is an allocation of just what is needed and a copy into it, so that
 * all of a pool's rules for sizes and fullness hold.  A format is gone
 * through twice, once to measure: an object of a guessed size would have to
 * be resized, and a full pool might refuse a string that fits.
 *
 * The functions for handles are the same ones with a handle: where that is
 * NULL in here, the calling thread is the user.
 *
 * What it cannot do: measure a string that another thread changes meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "api/slow.h"
#include "base/tool.h"
#include "pool/alloc.h"

/* A pool that is NULL has no one to be told; as in mp_calloc(). */
static bool strings_can_copy(memory_pool_t *mp, const void *from)
{
    ASSERT(lock_none_is_held());
    if (!misuse_may_use(mp)) {
        return false;
    }
    /* Reported as a free of NULL is: the fault is the same, a pointer that the
     * program did not test. */
    if (from == NULL) {
        misuse_argument(mp, MP_EVENT_NO_POINTER, NULL);
        return false;
    }
    return true;
}

/* What mp_allocate() or mp_handle_allocate() does for a pool, but not by its
 * exported name. */
static void *strings_allocate(memory_pool_t *mp, mp_handle_t *handle,
                              size_t size)
{
    MP_FRAME();
    ASSERT(mp != NULL && lock_none_is_held());
    ASSERT(handle == NULL || handle->pool == mp);
    /* Strings are short and many, so the short ways are worth a try here. */
    void *object = handle != NULL ? fast_take_handle(handle, size)
                                  : fast_allocate(mp, size);

    if (object != NULL) {
        return object;
    }
    /* The step names mp_allocate() or mp_handle_allocate(), by which manual
     * and tests know it. */
    return handle != NULL ? slow_allocate(mp, &handle->user, size,
                                          "mp_handle_allocate: malloc")
                          : slow_allocate(mp, thread_user(), size,
                                          "mp_allocate: malloc");
}

/* n bytes and, where the string ends, a zero. */
static char *strings_copy(memory_pool_t *mp, mp_handle_t *handle,
                          const char *from, size_t n)
{
    MP_FRAME();
    /* A string's length is less than SIZE_MAX. */
    ASSERT(from != NULL && n < SIZE_MAX);
    /* Copied by length and not by strcpy(): another thread may have made the
     * string longer since it was measured. */
    char *copy = strings_allocate(mp, handle, n + 1);

    if (copy != NULL) {
        memcpy(copy, from, n);
        copy[n] = '\0';
        tool_define(copy + n, 1);
    }
    return copy;
}

static char *strings_duplicate(memory_pool_t *mp, mp_handle_t *handle,
                               const char *string)
{
    return strings_can_copy(mp, string)
               ? strings_copy(mp, handle, string, strlen(string))
               : NULL;
}

char *mp_strdup(memory_pool_t *mp, const char *string)
{
    return strings_duplicate(mp, NULL, string);
}

char *mp_handle_strdup(mp_handle_t *handle, const char *string)
{
    return misuse_has_handle(handle)
               ? strings_duplicate(handle->pool, handle, string)
               : NULL;
}

static char *strings_cut(memory_pool_t *mp, mp_handle_t *handle,
                         const char *string, size_t n)
{
    return strings_can_copy(mp, string)
               ? strings_copy(mp, handle, string, strnlen(string, n))
               : NULL;
}

char *mp_strndup(memory_pool_t *mp, const char *string, size_t n)
{
    return strings_cut(mp, NULL, string, n);
}

char *mp_handle_strndup(mp_handle_t *handle, const char *string, size_t n)
{
    return misuse_has_handle(handle)
               ? strings_cut(handle->pool, handle, string, n)
               : NULL;
}

static void *strings_copy_bytes(memory_pool_t *mp, mp_handle_t *handle,
                                const void *bytes, size_t n)
{
    MP_FRAME();
    /* With n 0 it is the size that is wrong, whatever bytes is. */
    if (!strings_can_copy(mp, n == 0 ? "" : bytes)) {
        return NULL;
    }
    void *copy = strings_allocate(mp, handle, n);
    ASSERT(copy == NULL || n > 0);
    return copy == NULL ? NULL : memcpy(copy, bytes, n);
}

void *mp_memdup(memory_pool_t *mp, const void *bytes, size_t n)
{
    return strings_copy_bytes(mp, NULL, bytes, n);
}

void *mp_handle_memdup(mp_handle_t *handle, const void *bytes, size_t n)
{
    return misuse_has_handle(handle)
               ? strings_copy_bytes(handle->pool, handle, bytes, n)
               : NULL;
}

/* What all functions that print do; called by no exported name. */
static MP_ATTRIBUTE_FORMAT(3, 0) char *
strings_print(memory_pool_t *mp, mp_handle_t *handle, const char *format,
              va_list arguments)
{
    MP_FRAME();
    va_list again;

    if (!strings_can_copy(mp, format)) {
        return NULL;
    }
    int error = errno;
    /* The first round uses up its list, so it gets a copy. */
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        return NULL; /* errno says why the format cannot be printed */
    }
    ASSERT(format != NULL);
    char *string = strings_allocate(mp, handle, (size_t)length + 1);
    /* The refusal is reported by now, and errno says which one it was. */
    if (string == NULL) {
        return NULL;
    }
    if (vsnprintf(string, (size_t)length + 1, format, arguments) < 0) {
        /* The reason is kept over the free, which may change errno. */
        error = errno;
        enum result result = alloc_free(mp, thread_user(), string);
        ASSERT(result == RESULT_OK);
        (void)result;
        errno = error;
        return NULL;
    }
    /* Printing may change it and succeed. */
    errno = error;
    return string;
}

char *mp_vasprintf(memory_pool_t *mp, const char *format, va_list arguments)
{
    return strings_print(mp, NULL, format, arguments);
}

char *mp_asprintf(memory_pool_t *mp, const char *format, ...)
{
    MP_FRAME();
    va_list arguments;

    va_start(arguments, format);
    char *string = strings_print(mp, NULL, format, arguments);
    va_end(arguments);
    return string;
}

char *mp_handle_vasprintf(mp_handle_t *handle, const char *format,
                          va_list arguments)
{
    return misuse_has_handle(handle)
               ? strings_print(handle->pool, handle, format, arguments)
               : NULL;
}

char *mp_handle_asprintf(mp_handle_t *handle, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *string = misuse_has_handle(handle)
                       ? strings_print(handle->pool, handle, format, arguments)
                       : NULL;
    va_end(arguments);
    return string;
}
