/* SPDX-License-Identifier: MIT
 *
 * limits.c - exported functions for the limits of a pool that is in use.
 *
 * They serve pools that were made with a capacity.  Another pool may not have
 * counted what it holds, and pools below it do not charge it: so it cannot get
 * a limit later.  A pool that may need one is made with a capacity of SIZE_MAX,
 * which is no limit.
 *
 * What it cannot do: wait until as much is freed as a smaller limit needs.
 */
#include <errno.h>

#include "api/misuse.h"
#include "pool/recall.h"

/* True: the pool was made with a capacity.  Else reported, and errno set. */
static bool limits_has(memory_pool_t *mp)
{
    if (!misuse_may_use(mp)) {
        return false;
    }
    if (!mp->quota.limits) {
        misuse_words(mp, MP_EVENT_OPTION, "the memory pool has no capacity",
                     NULL);
        return false;
    }
    return true;
}

/* It is no request for an object, so no refusal is counted. */
int mp_set_capacity(memory_pool_t *mp, size_t bytes)
{
    MP_FRAME();
    int error = errno;

    if (!limits_has(mp)) {
        return -1;
    }
    if (recall_set_capacity(mp, bytes) != RESULT_OK) {
        misuse_words(mp, MP_EVENT_FULL,
                     "the memory pool holds more than the new capacity",
                     NULL);
        errno = ENOBUFS;
        return -1;
    }
    errno = error;
    return 0;
}

int mp_set_near_limit(memory_pool_t *mp, size_t bytes, mp_near_limit_fn *fn,
                      void *context)
{
    int error = errno;

    if (!limits_has(mp)) {
        return -1;
    }
    /* Use is never below 0, so that the function could be called once only. */
    if (fn != NULL && bytes == 0) {
        misuse_words(mp, MP_EVENT_OPTION, "the near limit is 0", NULL);
        return -1;
    }
    pool_set_near(mp, bytes, (struct pool_near){fn, context});
    errno = error;
    return 0;
}
