/* SPDX-License-Identifier: MIT
 *
 * objects.c - exported functions for objects: calloc, resizing, alignment,
 * sizes.
 *
 * They print nothing where there is no pool to say how.
 *
 * Each tries the calling thread's cache first, as mp_allocate() does.
 *
 * What they cannot do: align an object more strictly than to a granule by the
 * cache.
 */
#include <errno.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "pool/alloc.h"
#include "pool/object.h"

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

void *mp_calloc(memory_pool_t *mp, size_t count, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    void *object = NULL;
    size_t bytes;

    if (!misuse_has_pool(mp)) {
        return NULL;
    }
    /* A product that is no number is a size that no pool takes. */
    if (__builtin_mul_overflow(count, size, &bytes)) {
        misuse_refuse(mp, RESULT_SIZE, "mp_calloc: malloc", NULL);
        return NULL;
    }
    object = fast_allocate(mp, bytes);
    if (MP_LIKELY(object != NULL)) {
        return memset(object, 0, bytes);
    }
    enum result result = alloc_object(mp, thread_user(), bytes, &object);
    /* Zeroed after the call and outside of every lock: to zero a large object
     * takes longer than to find it. */
    object = objects_finish(mp, result, object, "mp_calloc: malloc", NULL,
                            error);
    ASSERT(object == NULL || bytes > 0);
    return object == NULL ? NULL : memset(object, 0, bytes);
}

/* Frees what an object left behind that moved: its list takes no more frees
 * without the slow path. */
static MP_SLOW void objects_free_left(memory_pool_t *mp, void *left, int error)
{
    /* Misuse alone could free it first, or reset the pool. */
    (void)alloc_free(mp, thread_user(), left);
    errno = error;
}

void *mp_realloc(memory_pool_t *mp, void *ptr, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    void *object = NULL;

    if (!misuse_has_pool(mp)) {
        return NULL;
    }
    /* As realloc(3): NULL means a new object.  A size of 0 frees nothing here,
     * but is refused, since C leaves open what it means. */
    void *left = NULL;
    object = ptr == NULL ? fast_allocate(mp, size)
                         : fast_resize(mp, ptr, size, &left);
    if (MP_LIKELY(object != NULL)) {
        if (MP_UNLIKELY(left != NULL)) {
            objects_free_left(mp, left, error);
        }
        return object;
    }
    enum result result =
        ptr == NULL
            ? alloc_object(mp, thread_user(), size, &object)
            : object_resize(mp, thread_user(), ptr, size, &object);
    ASSERT(ptr != NULL || result != RESULT_NOT_LIVE);
    return objects_finish(mp, result, object, "mp_realloc: malloc", ptr,
                          error);
}

void *mp_aligned_alloc(memory_pool_t *mp, size_t alignment, size_t size)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    void *object = NULL;

    if (!misuse_has_pool(mp)) {
        return NULL;
    }
    /* Every object is aligned to a granule.  Less cannot be asked for. */
    if (alignment == SIZES_GRANULE) {
        object = fast_allocate(mp, size);
        if (object != NULL) {
            return object;
        }
    }
    /* A wrong alignment is reported as a wrong size: both say that the pool
     * never has such an object. */
    bool valid = alignment != 0 && (alignment & (alignment - 1)) == 0 &&
                 alignment <= OBJECT_ALIGNMENT_MOST;
    enum result result =
        valid ? object_align(mp, thread_user(), alignment, size, &object)
              : RESULT_SIZE;
    ASSERT(result != RESULT_OK || (uintptr_t)object % alignment == 0);
    /* An alignment of less than a granule asks for nothing: all have that. */
    return objects_finish(mp, result, object, "mp_aligned_alloc: malloc",
                          NULL, error);
}

size_t mp_usable_size(memory_pool_t *mp, const void *ptr)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_has_pool(mp)) {
        return 0;
    }
    /* 0 is no object's size, so it can stand for "no such object".  Nothing is
     * reported: a program may ask about any address. */
    size_t size = object_size(mp, ptr);
    ASSERT(size == 0 || ptr != NULL);
    errno = size == 0 ? EINVAL : error;
    return size;
}
