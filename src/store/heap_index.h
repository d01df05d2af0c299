/* SPDX-License-Identifier: MIT
 *
 * heap_index.h - which blocks a heap has, by address.
 *
 * The index has all blocks of a heap but the first.  It answers which granule
 * an address is, and leads from block to block in the order of addresses.
 *
 * What it cannot do: say where a block is in the order of them all.
 */
#ifndef MP_HEAP_INDEX_H
#define MP_HEAP_INDEX_H

#include "store/heap_type.h"

/* The granule at any address; none for what is outside of all blocks or
 * between granules.  Reads only the heap's own memory. */
MP_INNER struct heap_chunk heap_find(const struct heap *heap,
                                     const void *ptr);

/* The map byte at any address; BLOCK_NONE: it is in no block of the heap, or
 * between granules.  For links that a program may have written over.  Of a
 * pool in the range the blocks of all pools are looked at, which costs less. */
MP_INNER unsigned char heap_code(const struct heap *heap, const void *ptr);

/* Of all blocks but the first, in the order of addresses: the last that begins
 * at or below an address, and the first whose granules begin at base or above
 * it; NULL: there is none. */
MP_INNER struct block *heap_block_up_to(const struct heap *heap,
                                        uintptr_t address);
MP_INNER struct block *heap_block_from(const struct heap *heap,
                                       uintptr_t base);

/* For walks over all blocks but the first, up and down.  None is added or
 * removed meanwhile, but for the block that a walk down has just left. */
static inline struct block *heap_block_lowest(const struct heap *heap)
{
    return heap_block_from(heap, 0);
}

static inline struct block *heap_block_above(const struct heap *heap,
                                             const struct block *block)
{
    return heap_block_from(heap, (uintptr_t)block->base + 1);
}

/* The same in the tree that several heaps share, in which their first blocks
 * are, too.  heap_share() puts an empty heap into it, with all blocks that it
 * gets later, and heap_unshare() takes an empty heap out. */
MP_INNER struct heap_chunk heap_find_shared(struct treap_node *shared,
                                            const void *ptr);
MP_INNER struct block *heap_shared_from(struct treap_node *shared,
                                        uintptr_t base);
MP_INNER void heap_share(struct heap *heap, struct treap_node **shared);
MP_INNER void heap_unshare(struct heap *heap);

/* Notes a block, and takes one out. */
MP_INNER void heap_index_add(struct heap *heap, struct block *block);
MP_INNER void heap_index_remove(struct heap *heap, struct block *block);

/* Takes the highest block out, and leaves size as it is; NULL: there is
 * none.  To take out all of them so costs less than to remove each. */
MP_INNER struct block *heap_index_take_last(struct heap *heap);

#endif /* MP_HEAP_INDEX_H */
