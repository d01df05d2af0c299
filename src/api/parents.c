/* SPDX-License-Identifier: MIT
 *
 * parents.c - the exported function that gives a pool another parent.
 *
 * What it cannot do: see whether the parent is a pool at all.
 */
#include <errno.h>

#include "api/misuse.h"
#include "pool/move.h"

/* It is no request for an object, so no refusal is counted. */
static int parents_refuse(memory_pool_t *mp, enum move_result result)
{
    switch (result) {
    case MOVE_BELOW_ITSELF:
        misuse_words(mp, MP_EVENT_OPTION,
                     "a memory pool cannot be below itself", NULL);
        break;
    case MOVE_UNCOUNTED:
        misuse_words(mp, MP_EVENT_OPTION,
                     "the memory pool does not count bytes for a capacity",
                     NULL);
        break;
    case MOVE_FULL:
        misuse_words(mp, MP_EVENT_FULL,
                     "the memory pool holds more than is free in the parent",
                     NULL);
        errno = ENOBUFS;
        break;
    case MOVE_ENDING:
        misuse_answer(mp, RESULT_BUSY, NULL, NULL);
        break;
    default:
        misuse_answer(mp, RESULT_NO_MEMORY, "calloc", NULL);
    }
    return -1;
}

int mp_set_parent(memory_pool_t *mp, memory_pool_t *parent)
{
    MP_FRAME();
    int error = errno;

    if (!misuse_may_use(mp)) {
        return -1;
    }
    enum move_result result =
        move_pool(mp, parent, (uintptr_t)__builtin_frame_address(0));
    if (result != MOVE_DONE) {
        return parents_refuse(mp, result);
    }
    /* What the pool holds may bring a pool above near its limit. */
    if (quota_is_due(&mp->quota)) {
        pool_call_near(mp);
    }
    errno = error;
    return 0;
}
