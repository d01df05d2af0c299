/* SPDX-License-Identifier: MIT
 *
 * slow.c - the long ways of allocating and freeing, where no short one served.
 *
 * Each exported function that allocates or frees ends here if no short way
 * serves.  So a request is tried again, counted, refused and reported alike,
 * whichever of them the program calls.
 *
 * What it cannot do: change the size of an object.  objects.c does.
 */
#include "api/slow.h"

#include <errno.h>

#include "api/misuse.h"
#include "pool/alloc.h"

MP_SLOW void *slow_allocate(memory_pool_t *mp, const struct user *user,
                            size_t size, const char *step)
{
    MP_FRAME();
    ASSERT(mp != NULL && step != NULL && lock_none_is_held());
    int error = errno;
    void *object = NULL;

    /* The size is tested by the mode, which knows what it can take. */
    enum result result;
    do {
        result = alloc_object(mp, user, size, &object);
        ASSERT(lock_none_is_held());
    } while (misuse_retry(mp, result, size));
    if (result != RESULT_OK) {
        misuse_refuse(mp, result, step, NULL);
        return NULL;
    }
    ASSERT(object != NULL && (uintptr_t)object % SIZES_GRANULE == 0);
    errno = error;
    return object;
}

/* alloc_free() reads nothing through the address, so NULL is not told from
 * others before it turns out to be no object.  Memory and capacity are never
 * missing for a free. */
MP_SLOW void slow_free(memory_pool_t *mp, const struct user *user,
                       const void *ptr)
{
    MP_FRAME();
    ASSERT(mp != NULL && lock_none_is_held());
    int error = errno;
    enum result result = alloc_free(mp, user, ptr);

    ASSERT(result != RESULT_OK || ptr != NULL);
    if (result == RESULT_OK) {
        errno = error;
    } else if (result == RESULT_NOT_LIVE) {
        misuse_free(mp, ptr);
    } else {
        misuse_answer(mp, result, NULL, ptr);
    }
}
