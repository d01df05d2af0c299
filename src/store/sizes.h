/* SPDX-License-Identifier: MIT
 *
 * sizes.h - granules and size classes: arithmetic and nothing else.
 *
 * Memory is counted in granules of 16 bytes.  A chunk of up to SIZES_SHORT
 * granules is short: its length is its class, so caches have a list for each
 * length and need no table, and a heap has a bin for each.  A word has a bit
 * for each, too.
 *
 * A longer chunk, of up to SIZES_MIDDLE granules, has a middle length.  Those
 * have 32 classes to a doubling, so that rounding up to one wastes no more
 * than 3 percent.  Class 0 is a short length, and stays empty.
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
#define SIZES_MIDDLE 4096u /* granules of the longest middle chunk: 64 KiB */
#define SIZES_MIDDLE_CLASSES 193u

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

/* The longest class of middle chunks that is no longer than that many
 * granules. */
static inline unsigned sizes_middle_below(uint32_t granules)
{
    ASSERT(granules >= SIZES_SHORT && granules <= SIZES_MIDDLE);
    unsigned doubling = 31u - (unsigned)__builtin_clz(granules);

    return (doubling - 7) * 32 + (granules >> (doubling - 5));
}

/* The shortest class that is no shorter. */
static inline unsigned sizes_middle_above(uint32_t granules)
{
    return sizes_middle_below(granules - 1) + 1;
}

/* Granules of a class. */
static inline uint32_t sizes_middle_length(unsigned class)
{
    ASSERT(class < SIZES_MIDDLE_CLASSES);
    return (32 + class % 32) << (class / 32 + 1);
}

/* A middle length is rounded up to its class, so that a chunk serves the next
 * request of its size whatever list it went through; others stay. */
static inline size_t sizes_middle_round(size_t granules)
{
    return granules > SIZES_SHORT && granules <= SIZES_MIDDLE
               ? sizes_middle_length(sizes_middle_above((uint32_t)granules))
               : granules;
}

/* Chunks of a batch, which caches exchange: 8 KiB of them, at most 120. */
static inline unsigned sizes_batch(size_t granules)
{
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    size_t chunks = 512 / granules;

    return chunks > 120 ? 120 : (unsigned)chunks;
}

#endif /* MP_SIZES_H */
