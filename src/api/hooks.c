/* SPDX-License-Identifier: MIT
 *
 * hooks.c - a thread's current pool, and malloc()'s functions over it.
 *
 * Many libraries take allocation functions from the program.  Some of them do
 * not pass a pool to these functions.  So a thread has a current pool, which
 * serves such libraries.  An object is resized and freed in the pool that it
 * was allocated in, whichever pool is current by then.  An address that no pool
 * owns is passed to the C library.
 *
 * The current pool is one word of the thread's own, so mp_use() is a store.
 *
 * What it cannot do: notice that the current pool is destroyed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "api/slow.h"
#include "memory_pool_hooks.h"
#include "pool/alloc.h"
#include "pool/object.h"
#include "view/locate.h"

/* NULL: the C library serves. */
static _Thread_local memory_pool_t *hooks_used MP_INLINE_TLS;

memory_pool_t *mp_use(memory_pool_t *mp)
{
    memory_pool_t *outer = hooks_used;

    hooks_used = mp;
    return outer;
}

memory_pool_t *mp_used(void)
{
    return hooks_used;
}

/* C asks for 0 bytes, too, and gets something that can be freed. */
static size_t hooks_size(size_t size)
{
    return size == 0 ? 1 : size;
}

static void *hooks_allocate(memory_pool_t *mp, size_t size)
{
    void *object = fast_allocate(mp, size);

    return MP_LIKELY(object != NULL)
               ? object
               : slow_allocate(mp, thread_user(), size,
                               "mp_hook_malloc: malloc");
}

MP_FAST void *mp_hook_malloc(size_t size)
{
    memory_pool_t *mp = hooks_used;

    size = hooks_size(size);
    return mp == NULL ? malloc(size) : hooks_allocate(mp, size);
}

void *mp_hook_calloc(size_t count, size_t size)
{
    memory_pool_t *mp = hooks_used;
    size_t bytes;

    if (mp == NULL) {
        return count == 0 ? calloc(1, 1) : calloc(count, hooks_size(size));
    }
    /* A product that is no number is a size that no pool takes. */
    if (__builtin_mul_overflow(count, size, &bytes)) {
        misuse_refuse(mp, RESULT_SIZE, NULL, NULL);
        return NULL;
    }
    bytes = hooks_size(bytes);
    void *object = hooks_allocate(mp, bytes);
    return object == NULL ? NULL : memset(object, 0, bytes);
}

char *mp_hook_strdup(const char *string)
{
    size_t bytes = strlen(string) + 1;
    char *copy = mp_hook_malloc(bytes);

    return copy == NULL ? NULL : memcpy(copy, string, bytes);
}

/* Frees what is not in the current pool. */
static MP_SLOW void hooks_free_slow(memory_pool_t *mp, void *ptr)
{
    ASSERT(lock_none_is_held() && ptr != NULL);
    int error = errno;

    if (mp != NULL && alloc_free(mp, thread_user(), ptr) == RESULT_OK) {
        errno = error;
        return;
    }
    memory_pool_t *owner = locate_owner(ptr);
    if (owner == NULL) {
        free(ptr);
    } else if (alloc_free(owner, thread_user(), ptr) != RESULT_OK) {
        /* In a pool, and no object of it. */
        misuse_free(owner, ptr);
        return;
    }
    errno = error;
}

MP_FAST void mp_hook_free(void *ptr)
{
    memory_pool_t *mp = hooks_used;

    if (mp == NULL || !MP_LIKELY(fast_free(mp, ptr))) {
        if (ptr != NULL) {
            hooks_free_slow(mp, ptr);
        }
    }
}

void *mp_hook_realloc(void *ptr, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    memory_pool_t *mp = hooks_used;
    void *object = NULL;

    if (ptr == NULL) {
        return mp_hook_malloc(size);
    }
    size = hooks_size(size);
    enum result result = RESULT_NOT_LIVE;
    if (mp != NULL) {
        result = object_resize(mp, thread_user(), ptr, size, &object);
    }
    if (result == RESULT_NOT_LIVE) {
        mp = locate_owner(ptr);
        if (mp == NULL) {
            return realloc(ptr, size);
        }
        result = object_resize(mp, thread_user(), ptr, size, &object);
    }
    while (misuse_retry(mp, result, size)) {
        result = object_resize(mp, thread_user(), ptr, size, &object);
    }
    if (result != RESULT_OK) {
        misuse_refuse(mp, result, "mp_hook_malloc: malloc",
                      result == RESULT_NOT_LIVE ? ptr : NULL);
        return NULL;
    }
    errno = error;
    return object;
}
