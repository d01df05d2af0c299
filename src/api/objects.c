/* SPDX-License-Identifier: MIT
 *
 * objects.c - exported functions for objects: calloc, resizing, alignment,
 * sizes.
 *
 * A function and that of the same purpose for handles differ in the user that
 * they pass on, and in the name under which they report.  They print nothing if
 * the pool is NULL.
 *
 * Each tries the calling thread's cache first, as mp_allocate() does.
 *
 * What they cannot do: take an object from a cache if its alignment is stricter
 * than a granule's, or work without the lock for a handle.
 */
#include <errno.h>
#include <stdio.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "pool/alloc.h"
#include "pool/object.h"

/* Bytes of a message that has two sizes in it. */
#define OBJECTS_MESSAGE 128

/* The end of a call for an object: hands it on, with errno as it was, or
 * refuses the call. */
static void *objects_finish(memory_pool_t *mp, enum result result,
                            void *object, const char *step, const void *ptr,
                            int error)
{
    ASSERT(mp != NULL && step != NULL);
    ASSERT(lock_none_is_held());
    /* Those two results belong to marks and to the end of a pool. */
    ASSERT(result != RESULT_NO_MARK && result != RESULT_BUSY);
    if (result != RESULT_OK) {
        /* The other results are about the size, not about what ptr was. */
        misuse_refuse(mp, result, step,
                      result == RESULT_NOT_LIVE ? ptr : NULL);
        return NULL;
    }
    /* Every object begins with a granule, whatever way it came. */
    ASSERT(object != NULL && (uintptr_t)object % SIZES_GRANULE == 0);
    errno = error;
    return object;
}

/* By a short way, which a thread has here; NULL: that does not serve. */
static inline void *objects_take(memory_pool_t *mp, const struct user *user,
                                 size_t size)
{
    return user->cache == NULL ? fast_allocate(mp, size) : NULL;
}

/* The long way. */
static MP_SLOW void *objects_calloc(memory_pool_t *mp,
                                    const struct user *user, size_t count,
                                    size_t size, const char *step)
{
    MP_FRAME();
    ASSERT(lock_none_is_held() && mp != NULL);
    int error = errno;
    void *object = NULL;
    size_t bytes;

    /* A product that is no number is a size that no pool takes. */
    enum result result = RESULT_SIZE;
    if (!__builtin_mul_overflow(count, size, &bytes)) {
        do {
            result = alloc_object(mp, user, bytes, &object);
        } while (misuse_retry(mp, result, bytes));
    }
    /* Zeroed after the call and outside of every lock: to zero a large object
     * takes longer than to find it. */
    object = objects_finish(mp, result, object, step, NULL, error);
    ASSERT(object == NULL || bytes > 0);
    /* What is new from the system is 0, and to write to it would have the
     * system find a page for each of its pages. */
    if (object == NULL || (bytes > BLOCKS_WHOLE * SIZES_GRANULE &&
                           alloc_zero(mp, object, bytes))) {
        return object;
    }
    return memset(object, 0, bytes);
}

/* The short way comes before all that the long way alone needs. */
void *mp_calloc(memory_pool_t *mp, size_t count, size_t size)
{
    size_t bytes;

    if (MP_LIKELY(mp != NULL &&
                  !__builtin_mul_overflow(count, size, &bytes))) {
        void *object = fast_allocate(mp, bytes);
        if (MP_LIKELY(object != NULL)) {
            return memset(object, 0, bytes);
        }
    }
    return misuse_has_pool(mp) ? objects_calloc(mp, thread_user(), count, size,
                                                "mp_calloc: malloc")
                               : NULL;
}

void *mp_handle_calloc(mp_handle_t *handle, size_t count, size_t size)
{
    return misuse_has_handle(handle)
               ? objects_calloc(handle->pool, &handle->user, count, size,
                                "mp_handle_calloc: malloc")
               : NULL;
}

/* Frees what an object left behind that moved: its list takes no more frees
 * without the slow path. */
static MP_SLOW void objects_free_left(memory_pool_t *mp, void *left, int error)
{
    /* Misuse alone could free it first, or reset the pool. */
    (void)alloc_free(mp, thread_user(), left);
    errno = error;
}

/* As realloc(3): NULL means a new object.  A size of 0 frees nothing here, but
 * is refused, since C leaves open what it means. */
static void *objects_resize(memory_pool_t *mp, const struct user *user,
                            void *ptr, size_t size, const char *step)
{
    MP_FRAME();
    ASSERT(lock_none_is_held() && mp != NULL);
    int error = errno;
    void *object = NULL;
    void *left = NULL;
    enum result result;

    if (user->cache == NULL) {
        object = ptr == NULL ? fast_allocate(mp, size)
                             : fast_resize(mp, ptr, size, &left);
        if (MP_LIKELY(object != NULL)) {
            if (MP_UNLIKELY(left != NULL)) {
                objects_free_left(mp, left, error);
            }
            return object;
        }
    }
    do {
        result = ptr == NULL ? alloc_object(mp, user, size, &object)
                             : object_resize(mp, user, ptr, size, &object);
    } while (misuse_retry(mp, result, size));
    ASSERT(ptr != NULL || result != RESULT_NOT_LIVE);
    return objects_finish(mp, result, object, step, ptr, error);
}

void *mp_realloc(memory_pool_t *mp, void *ptr, size_t size)
{
    return misuse_has_pool(mp) ? objects_resize(mp, thread_user(), ptr, size,
                                                "mp_realloc: malloc")
                               : NULL;
}

void *mp_handle_realloc(mp_handle_t *handle, void *ptr, size_t size)
{
    return misuse_has_handle(handle)
               ? objects_resize(handle->pool, &handle->user, ptr, size,
                                "mp_handle_realloc: malloc")
               : NULL;
}

void *mp_reallocarray(memory_pool_t *mp, void *ptr, size_t count, size_t size)
{
    size_t bytes;

    if (!misuse_may_use(mp)) {
        return NULL;
    }
    /* 0 is refused as a product that is no number is, before ptr is looked
     * at: the size is wrong whatever ptr is. */
    if (__builtin_mul_overflow(count, size, &bytes)) {
        bytes = 0;
    }
    return objects_resize(mp, thread_user(), ptr, bytes,
                          "mp_reallocarray: malloc");
}

/* A wrong alignment is reported as a wrong size: both say that the pool never
 * has such an object. */
static bool objects_can_align(size_t alignment)
{
    return alignment != 0 && (alignment & (alignment - 1)) == 0 &&
           alignment <= OBJECT_ALIGNMENT_MOST;
}

static void *objects_align(memory_pool_t *mp, const struct user *user,
                           size_t alignment, size_t size, const char *step)
{
    ASSERT(lock_none_is_held() && mp != NULL);
    int error = errno;
    void *object = NULL;
    enum result result = RESULT_SIZE;

    /* Every object is aligned to a granule. */
    if (alignment <= SIZES_GRANULE && objects_can_align(alignment)) {
        object = objects_take(mp, user, size);
        if (object != NULL) {
            return object;
        }
    }
    if (objects_can_align(alignment)) {
        do {
            result = object_align(mp, user, alignment, size, &object);
        } while (misuse_retry(mp, result, size));
    }
    ASSERT(result != RESULT_OK || (uintptr_t)object % alignment == 0);
    /* An alignment of less than a granule asks for nothing: all have that. */
    return objects_finish(mp, result, object, step, NULL, error);
}

void *mp_aligned_alloc(memory_pool_t *mp, size_t alignment, size_t size)
{
    return misuse_may_use(mp)
               ? objects_align(mp, thread_user(), alignment, size,
                               "mp_aligned_alloc: malloc")
               : NULL;
}

void *mp_handle_aligned_alloc(mp_handle_t *handle, size_t alignment,
                              size_t size)
{
    return misuse_has_handle(handle)
               ? objects_align(handle->pool, &handle->user, alignment, size,
                               "mp_handle_aligned_alloc: malloc")
               : NULL;
}

static void *objects_realign(memory_pool_t *mp, const struct user *user,
                             void *ptr, size_t alignment, size_t size,
                             const char *step)
{
    ASSERT(lock_none_is_held() && mp != NULL);
    int error = errno;
    void *object = NULL;
    enum result result = RESULT_SIZE;

    if (!objects_can_align(alignment)) {
        return objects_finish(mp, result, NULL, step, NULL, error);
    }
    do {
        result = ptr == NULL
                     ? object_align(mp, user, alignment, size, &object)
                     : object_realign(mp, user, ptr, alignment, size, &object);
    } while (misuse_retry(mp, result, size));
    ASSERT(result != RESULT_OK || (uintptr_t)object % alignment == 0);
    return objects_finish(mp, result, object, step, ptr, error);
}

void *mp_aligned_realloc(memory_pool_t *mp, void *ptr, size_t alignment,
                         size_t size)
{
    return misuse_may_use(mp)
               ? objects_realign(mp, thread_user(), ptr, alignment, size,
                                 "mp_aligned_realloc: malloc")
               : NULL;
}

void *mp_handle_aligned_realloc(mp_handle_t *handle, void *ptr,
                                size_t alignment, size_t size)
{
    return misuse_has_handle(handle)
               ? objects_realign(handle->pool, &handle->user, ptr, alignment,
                                 size, "mp_handle_aligned_realloc: malloc")
               : NULL;
}

int mp_expand(memory_pool_t *mp, void *ptr, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return -1;
    }
    enum result result;
    do {
        result = ptr == NULL ? RESULT_NOT_LIVE : object_expand(mp, ptr, size);
        /* No memory can be made behind an object. */
    } while (misuse_retry(mp, result == RESULT_FULL ? result : RESULT_OK,
                          size));
    if (result == RESULT_OK) {
        errno = error;
        return 0;
    }
    /* That there is no room behind an object is an answer and no misuse, so
     * nobody is told. */
    if (result == RESULT_NO_MEMORY) {
        errno = ENOMEM;
    } else if (result == RESULT_NOT_LIVE) {
        misuse_free(mp, ptr);
    } else {
        misuse_refuse(mp, result, NULL, NULL);
    }
    return -1;
}

void mp_free_sized(memory_pool_t *mp, const void *ptr, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    size_t held = 0;

    /* As free_sized(3) of C23. */
    if (ptr == NULL || !misuse_may_use(mp)) {
        return;
    }
    /* Two steps, and not one under the lock: only a program that frees the
     * object at the same moment in another thread could tell. */
    enum result result = object_compare(mp, ptr, size, &held);
    if (result == RESULT_SIZE) {
        char message[OBJECTS_MESSAGE];
        snprintf(message, sizeof message,
                 "wrong size: %zu bytes are given, the object has %zu", size,
                 held);
        misuse_words(mp, MP_EVENT_WRONG_SIZE, message, ptr);
        return;
    }
    if (result == RESULT_OK) {
        result = alloc_free(mp, thread_user(), ptr);
    }
    if (result != RESULT_OK) {
        ASSERT(result == RESULT_NOT_LIVE);
        misuse_free(mp, ptr);
        return;
    }
    errno = error;
}

size_t mp_usable_size(memory_pool_t *mp, const void *ptr)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return 0;
    }
    /* 0 is no object's size, so it can stand for "no such object".  Nothing is
     * reported: a program may ask about any address. */
    size_t size = object_size(mp, ptr);
    ASSERT(size == 0 || ptr != NULL);
    errno = size == 0 ? EINVAL : error;
    return size;
}
