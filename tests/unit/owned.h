/* SPDX-License-Identifier: MIT
 *
 * owned.h - what tests of the range have instead of pools.
 *
 * An owner is a name only: an address at which there is no pool.
 *
 * What it cannot do: make a range where the system has none.
 */
#ifndef MP_TESTS_UNIT_OWNED_H
#define MP_TESTS_UNIT_OWNED_H

#include <errno.h>

#include "../support.h"
#include "store/range.h"
#include "store/spans.h"

#define MIB ((size_t)1 << 20)
#define OWNER ((struct memory_pool *)(void *)&owned)
#define OTHER ((struct memory_pool *)(void *)&owned[1])

static uint64_t owned[2];

static bool able; /* there is a range */

static inline void owned_start(void)
{
    errno = SUPPORT_ERRNO;
    able = range_start();
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert(able == (extent_bytes() != 0));
    ck_assert(range_start() == able);
}

/* Takes spans and names their owner, as is done with all that is taken. */
static inline unsigned char *take(size_t spans)
{
    unsigned char *at = range_take(spans, NULL);

    if (at != NULL) {
        ck_assert_uint_eq((uintptr_t)(at - extent.base) % RANGE_SPAN, 0);
        range_own(at, spans * RANGE_SPAN, OWNER);
    }
    return at;
}

#endif /* MP_TESTS_UNIT_OWNED_H */
