/* SPDX-License-Identifier: MIT
 *
 * heap.h - the blocks of one pool and the free chunks in them.
 *
 * New chunks are cut from the top of one block, the current one.  A free
 * chunk is joined with its free neighbours at once; if it then ends at the
 * top of the current block, the top comes down over it, else it goes into
 * the bin of its length, to be used before the top moves on.  So frees in
 * reverse order only move the top, and any other order leaves room that is
 * found again.
 *
 * What it cannot do: get or give back memory.  Both may call the program's
 * own functions, which must not run under the pool's lock; so heap_take()
 * fails when no chunk is long enough, heap_give() hands out a block that has
 * become empty, and pool.c sees to the rest.
 *
 * Every function here is called with the pool's lock held.
 */
#ifndef MP_HEAP_H
#define MP_HEAP_H

#include "block.h"

/* A free chunk, in its own memory: one granule holds both links. */
struct heap_link {
    struct heap_link *next;
    struct heap_link *previous;
};

/* Bins: lengths 1 to 16 exactly, then four to a doubling up to 1024
 * granules, then one to a doubling: 62 in all, one bit each in a word. */
#define HEAP_BINS 62

/* All of it belongs to the holder of the pool's lock. */
struct heap {
    struct block *current; /* where the top moves; never NULL */
    struct block *first;   /* inside the pool's own memory, never given up */
    struct block **index;  /* all but the first, by address */
    uint32_t blocks;       /* in index */
    uint32_t room;         /* of index */
    uint64_t bits;         /* bins that hold something */
    struct heap_link *bins[HEAP_BINS];
};

/* A chunk's place; block is NULL for none. */
struct heap_chunk {
    struct block *block;
    uint32_t granule;
};

void heap_start(struct heap *heap, struct block *first);

/* Frees what the heap itself has allocated, not the blocks. */
void heap_finish(struct heap *heap);

/* A live chunk of that many granules, or none: then a block is missing. */
struct heap_chunk heap_take(struct heap *heap, uint32_t granules);

/* Frees a live chunk.  Returns a block that is no longer the heap's and goes
 * back to where it came from, or NULL. */
struct block *heap_give(struct heap *heap, struct heap_chunk chunk);

/* Makes an empty block the current one.  False, errno ENOMEM, and nothing
 * changed, where there is no memory to note it. */
bool heap_add(struct heap *heap, struct block *block);

/* Drops all chunks and keeps the first block only; the others are returned
 * as a list linked by next. */
struct block *heap_reset(struct heap *heap);

/* The chunk boundary or granule at any address; none for what is outside of
 * all chunks or between granules.  Reads only the heap's own memory. */
struct heap_chunk heap_find(const struct heap *heap, const void *ptr);

#endif /* MP_HEAP_H */
