/* SPDX-License-Identifier: MIT
 *
 * append.c - exported functions that append to a string of a pool.
 *
 * A string that grows has its length and the size of its object, so that an
 * append need not measure it.  When the object is full, it gets twice as many
 * bytes as are needed.  So all moves together copy at most twice the bytes of
 * the string, however short the pieces are.  The object does not move at all
 * while the memory behind it is free, as it is behind the newest object.  If
 * the pool cannot give twice as much, the object gets just what is needed.
 *
 * Invariant of a string, which belongs to the program:
 *
 *     bytes == NULL and length == room == 0, or
 *     bytes is an object of room bytes at least, length < room, and
 *     bytes[length] == 0
 *
 * What it cannot do: append to one string from two threads at once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/misuse.h"
#include "base/compiler.h"
#include "base/tool.h"
#include "pool/alloc.h"
#include "pool/object.h"

/* Bytes of a string's first object at least. */
#define APPEND_FIRST ((size_t)64)

/* True: there are a pool, a string that may be one, and what is to come.  Else
 * it is reported, and errno is EINVAL. */
static bool append_can(memory_pool_t *mp, const mp_string_t *string,
                       const void *from)
{
    ASSERT(lock_none_is_held());
    if (!misuse_may_use(mp)) {
        return false;
    }
    if (string == NULL || from == NULL) {
        misuse_argument(mp, MP_EVENT_NO_POINTER, NULL);
        return false;
    }
    /* A structure that was not set to zero most often shows here. */
    if (string->bytes == NULL ? string->length != 0 || string->room != 0
                              : string->length >= string->room) {
        misuse_argument(mp, MP_EVENT_NOT_IN_POOL, string->bytes);
        return false;
    }
    return true;
}

/* Resizes the string's object, or makes one. */
static enum result append_resize(memory_pool_t *mp, mp_string_t *string,
                                 size_t size)
{
    void *object = NULL;
    enum result result =
        string->bytes == NULL
            ? alloc_object(mp, thread_user(), size, &object)
            : object_resize(mp, thread_user(), string->bytes, size, &object);

    if (result == RESULT_OK) {
        ASSERT(object != NULL && size > string->length);
        string->bytes = object;
        string->room = size;
    }
    return result;
}

/* Makes room for n more bytes and the end; false: it is reported, errno is
 * set, and the string is as it was. */
static bool append_grow(memory_pool_t *mp, mp_string_t *string, size_t n)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    size_t needed;
    size_t most = sync_get(&mp->settings.max_object);
    enum result result = RESULT_SIZE;

    if (n < string->room - string->length) {
        return true;
    }
    if (string->bytes != NULL &&
        object_size(mp, string->bytes) < string->room) {
        result = RESULT_NOT_LIVE;
    } else if (!__builtin_add_overflow(string->length + 1, n, &needed) &&
               needed <= most) {
        size_t wanted = needed < APPEND_FIRST / 2 ? APPEND_FIRST : needed * 2;
        /* As unsigned numbers: it may be more than there are. */
        wanted = wanted < needed || wanted > most ? most : wanted;
        result = append_resize(mp, string, wanted);
        if (result == RESULT_FULL || result == RESULT_NO_MEMORY) {
            do {
                result = append_resize(mp, string, needed);
            } while (misuse_retry(mp, result, needed));
        } else {
            (void)misuse_retry(mp, result, wanted); /* it may be near a limit */
        }
    }
    if (result != RESULT_OK) {
        misuse_refuse(mp, result, "mp_append_bytes: malloc",
                      result == RESULT_NOT_LIVE ? string->bytes : NULL);
        return false;
    }
    errno = error;
    return true;
}

/* n more bytes are behind the string's end, where there is room. */
static void append_end(mp_string_t *string, size_t n)
{
    ASSERT(n < string->room - string->length);
    string->length += n;
    string->bytes[string->length] = '\0';
    tool_define(string->bytes + string->length, 1);
}

/* The rest of mp_append_bytes(): what needs more room, or is refused. */
static MP_SLOW int append_bytes_slow(memory_pool_t *mp, mp_string_t *string,
                                     const void *bytes, size_t n)
{
    if (!append_can(mp, string, n == 0 ? "" : bytes)) {
        return -1;
    }
    /* A part of the string itself moves with it.  As unsigned numbers: what
     * lies before the string is far behind its end. */
    uintptr_t within = (uintptr_t)bytes - (uintptr_t)string->bytes;
    bool own = string->bytes != NULL && within < string->room;
    if (!append_grow(mp, string, n)) {
        return -1;
    }
    if (n > 0) {
        memmove(string->bytes + string->length,
                own ? string->bytes + within : bytes, n);
    }
    append_end(string, n);
    return 0;
}

/* Most pieces fit behind the last one, and are copied at once, in less than
 * twice the time of a call of memcpy().  All that append_can() and
 * append_grow() find wrong fails one of these tests, too, and so goes the
 * longer way.  So does the first piece. */
int mp_append_bytes(memory_pool_t *mp, mp_string_t *string, const void *bytes,
                    size_t n)
{
    ASSERT(lock_none_is_held());
    if (MP_LIKELY(mp != NULL && string != NULL && bytes != NULL) &&
        MP_LIKELY(string->bytes != NULL && string->length < string->room) &&
        MP_LIKELY(n < string->room - string->length)) {
        memmove(string->bytes + string->length, bytes, n);
        append_end(string, n);
        return 0;
    }
    return append_bytes_slow(mp, string, bytes, n);
}

/* It is printed to where it belongs at once, and a second time only where the
 * first one shows that there was not enough room. */
static MP_ATTRIBUTE_FORMAT(3, 0) int
append_print(memory_pool_t *mp, mp_string_t *string, const char *format,
             va_list arguments)
{
    va_list again;

    if (!append_can(mp, string, format)) {
        return -1;
    }
    int error = errno;
    size_t room = string->room - string->length;
    va_copy(again, arguments);
    int length = vsnprintf(string->bytes == NULL
                               ? NULL
                               : string->bytes + string->length,
                           room, format, again);
    va_end(again);
    bool fits = length >= 0 && (size_t)length < room;
    if (!fits) {
        int failed = errno;
        /* What was printed is no part of the string. */
        if (string->bytes != NULL) {
            string->bytes[string->length] = '\0';
        }
        if (length < 0) {
            errno = failed; /* why the format cannot be printed */
            return -1;
        }
        if (!append_grow(mp, string, (size_t)length)) {
            return -1;
        }
        (void)vsnprintf(string->bytes + string->length, (size_t)length + 1,
                        format, arguments);
    }
    /* An argument that another thread changed may have printed less. */
    append_end(string, (size_t)length);
    errno = error;
    return 0;
}

int mp_append_vprintf(memory_pool_t *mp, mp_string_t *string,
                      const char *format, va_list arguments)
{
    return append_print(mp, string, format, arguments);
}

int mp_append_printf(memory_pool_t *mp, mp_string_t *string,
                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int result = append_print(mp, string, format, arguments);
    va_end(arguments);
    return result;
}
