/* SPDX-License-Identifier: MIT
 *
 * heap_seal.h - the form that links have in the memory of free chunks.
 *
 * A program may write to an object that it freed, and so over links.  So each
 * link is sealed: its address, in granules, is multiplied by a constant and
 * combined with a key that each process draws anew.  What a program writes
 * there does not lead into the blocks of the heap once it is taken apart, and
 * is never followed.  A chunk's neighbours in its bin or tree must lead back to
 * it, too, before they are written to.
 *
 * The constant is such that no multiple of its inverse by less than 2^32 comes
 * near to 0 or 2^64, from whatever byte on.  So a write over no more than four
 * bytes of a link is noticed for certain where all blocks of the heap lie
 * within 6 GiB.  For more bytes the chance to miss it is that of the blocks'
 * span in 2^64 granules.
 *
 * What it cannot do: notice a link that is copied from one freed chunk to
 * another before it meets a neighbour; and keep secrets from who can read both
 * freed memory and addresses.
 */
#ifndef MP_HEAP_SEAL_H
#define MP_HEAP_SEAL_H

#include "store/heap_type.h"

#define HEAP_SEAL_FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define HEAP_SEAL_INVERSE UINT64_C(0xf1de83e19937733d)

/* The key of the process, which is not 0; and what it is made of, which is 0
 * until the key is asked for first.  Atomic, and relaxed: it is set once. */
MP_INNER uint64_t heap_seal_key(void);
MP_INNER uintptr_t heap_seal_secret;

/* The granule of the address space that a chunk starts at; no chunk's is 0. */
static inline uint64_t heap_place(const void *chunk)
{
    return (uint64_t)((uintptr_t)chunk / SIZES_GRANULE);
}

/* A link to a chunk; NULL: to none. */
static inline uint64_t heap_seal(const struct heap *heap, const void *chunk)
{
    return (heap_place(chunk) * HEAP_SEAL_FACTOR) ^ heap->key;
}

/* A link that leads nowhere. */
static inline bool heap_is_end(const struct heap *heap, uint64_t link)
{
    return link == heap->key;
}

/* The address that a link leads to.  NULL: it does not lead into the heap,
 * since it is an end, or a program wrote over it. */
static inline void *heap_unseal(const struct heap *heap, uint64_t link)
{
    uint64_t place = (link ^ heap->key) * HEAP_SEAL_INVERSE - heap->low;

    /* As unsigned numbers: what is below is far above. */
    return MP_LIKELY(place < heap->span)
               ? heap->lowest + (size_t)place * SIZES_GRANULE
               : NULL;
}

/* All links of the heap lead into its blocks: into the first, and into one that
 * was added, or has become longer. */
static inline void heap_cover_first(struct heap *heap)
{
    heap->lowest = heap->first->base;
    heap->low = heap_place(heap->lowest);
    heap->span = heap->first->granules;
}

static inline void heap_cover(struct heap *heap, unsigned char *lowest,
                              uint64_t span)
{
    uint64_t low = heap_place(lowest);
    uint64_t high = heap->low + heap->span;

    high = low + span > high ? low + span : high;
    if (low < heap->low) {
        heap->low = low;
        heap->lowest = lowest;
    }
    heap->span = high - heap->low;
}

#endif /* MP_HEAP_SEAL_H */
