/* SPDX-License-Identifier: MIT
 *
 * sizes.h - granules and size classes: arithmetic and nothing else.
 *
 * Memory is counted in granules of 16 bytes.  A chunk of up to SIZES_SHORT
 * granules is short: its length is its class, so caches have a list for each
 * length and need no table.  A heap sorts free chunks of any length into
 * SIZES_BINS bins: lengths 1 to 16 exactly, then four bins to a doubling up
 * to 1,024 granules, then one to a doubling.  A word has a bit for each.
 *
 * What it cannot do: count more than SIZES_GRANULES_MOST granules.
 */
#ifndef MP_SIZES_H
#define MP_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

#define SIZES_GRANULE ((size_t)16) /* bytes */
#define SIZES_SHORT 64u            /* granules of the longest short chunk */
#define SIZES_BINS 62u

/* Granules of a block at most: they are counted in 32 bits, with room for
 * what a block has besides, and its bytes in a size_t of 32. */
#define SIZES_GRANULES_MOST                                         \
    (SIZE_MAX / 32 < UINT32_MAX - 65536 ? SIZE_MAX / 32             \
                                        : (size_t)UINT32_MAX - 65536)

/* Bytes that processors exchange at once. */
#define SIZES_LINE ((size_t)64)

/* Granules for n bytes.  n <= SIZE_MAX - 15; 0 for n = 0, which callers use
 * in compares of unsigned numbers. */
static inline size_t sizes_granules(size_t n)
{
    return (n + SIZES_GRANULE - 1) / SIZES_GRANULE;
}

/* The bin for free chunks of that many granules. */
static inline unsigned sizes_bin(uint32_t granules)
{
    ASSERT(granules > 0);
    if (granules <= 16) {
        return granules - 1;
    }
    unsigned doubling = 31u - (unsigned)__builtin_clz(granules - 1);
    if (granules <= 1024) {
        return 16 + (doubling - 4) * 4 +
               (((granules - 1) >> (doubling - 2)) & 3u);
    }
    return 40 + (doubling - 10);
}

/* Chunks of a batch, which caches exchange: 8 KiB of them, at most 120. */
static inline unsigned sizes_batch(size_t granules)
{
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    size_t chunks = 512 / granules;

    return chunks > 120 ? 120 : (unsigned)chunks;
}

#endif /* MP_SIZES_H */
