/* SPDX-License-Identifier: MIT
 *
 * heap.h - blocks of one pool and the free chunks in them.
 *
 * New chunks are cut from the top of one block, the current one.  A free
 * chunk is joined with its free neighbours at once; if it then ends at the
 * top of the current block, the top comes down over it, else it goes into
 * the bin of its length, to be used before the top moves on.  So frees in
 * reverse order only move the top, and any other order leaves room that is
 * found again.
 *
 * A pool has one heap, and one more for each mark that is open.
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

#include "store/block.h"
#include "base/private.h"

/* A free chunk, in its own memory: one granule holds both links. */
struct heap_link {
    struct heap_link *next;
    struct heap_link *previous;
};

/* Bins: lengths 1 to 16 exactly, then four to a doubling up to 1024
 * granules, then one to a doubling: 62 in all, one bit each in a word. */
#define HEAP_BINS 62

/* Blocks that a heap notes without memory of its own. */
#define HEAP_FEW 4

/* All of it belongs to the holder of the pool's lock.  The first members are
 * the current block's, kept here to be at hand; only the top changes. */
struct heap {
    unsigned char *base;
    unsigned char *map;
    unsigned char *slack;
    size_t granules;
    size_t top;            /* of the current block: all below is cut */
    size_t least;          /* where the top may come down without more ado:
                            * 0 or 1; SIZE_MAX: nowhere */
    uint64_t bits;         /* bins that hold something */
    struct block *current; /* never NULL */
    struct block *first;   /* inside the pool's or mark's own memory, never
                            * given up */
    struct block **index;  /* all but the first, by address */
    uint32_t blocks;       /* in index */
    uint32_t room;         /* of index */
    bool zero;             /* fixed */
    bool slow;             /* fixed */
    size_t held;           /* bytes of objects, as asked for, of a mark's
                            * heap in a pool that counts them */
    size_t size;           /* granules of all its blocks */
    size_t taken;          /* granules of chunks and runs; not counted by
                            * heap_take_top() and heap_give_top() */
    struct block *few[HEAP_FEW]; /* index, while it is short */
    struct heap_link *bins[HEAP_BINS];
};

/* A chunk's place; block is NULL for none. */
struct heap_chunk {
    struct block *block;
    uint32_t granule;
};

/* zero: memory is set to zero when its chunks are dropped; slow: every free
 * comes to heap_give(). */
void heap_start(struct heap *heap, struct block *first, bool zero, bool slow);

/* Frees what the heap itself has allocated, not the blocks. */
void heap_finish(struct heap *heap);

/* A live chunk of that many granules, or none: then a block is missing. */
struct heap_chunk heap_take(struct heap *heap, uint32_t granules);

/* A run of least to most granules, its map all 0: not a chunk but room for
 * several.  NULL where there is none; *got is its length.  apart: for one of
 * several threads, so in lines of its own, of the map too, where there are. */
unsigned char *heap_take_run(struct heap *heap, size_t least, size_t most,
                             bool apart, size_t *got);

/* Frees a live chunk.  Returns a block that is no longer the heap's and goes
 * back to where it came from, or NULL. */
struct block *heap_give(struct heap *heap, struct heap_chunk chunk);

/* Frees a run of granules whose map is all 0; returns as heap_give() does. */
struct block *heap_give_run(struct heap *heap, struct heap_chunk start,
                            uint32_t granules);

/* Makes a live chunk longer where it stands; false: what is behind it is
 * not free, and nothing changed. */
bool heap_extend(struct heap *heap, struct heap_chunk chunk,
                 uint32_t granules);

/* Makes it shorter; returns as heap_give() does. */
struct block *heap_shrink(struct heap *heap, struct heap_chunk chunk,
                          uint32_t granules);

/* Makes an empty block the current one.  False, errno ENOMEM, and nothing
 * changed, where there is no memory to note it. */
bool heap_add(struct heap *heap, struct block *block);

/* Takes an empty block that is one live chunk from end to end; as above. */
bool heap_add_whole(struct heap *heap, struct block *block);

/* Drops all chunks and keeps the first block only; the others, their maps
 * clear, are returned as a list linked by next. */
struct block *heap_reset(struct heap *heap);

/* Granules that have been cut in one of its blocks; behind them all is free. */
static inline size_t heap_used(const struct heap *heap,
                               const struct block *block)
{
    return block == heap->current ? heap->top : block->granules;
}

/* The bins hold just that many free chunks, each in its own and linked as it
 * should be.  Follows no link to what is no free chunk of the heap. */
bool heap_has_free(const struct heap *heap, size_t chunks);

/* Live chunks; at rest. */
size_t heap_count_live(const struct heap *heap);

/* The granule at any address; none for what is outside of all blocks or
 * between granules.  Reads only the heap's own memory. */
struct heap_chunk heap_find(const struct heap *heap, const void *ptr);

/* heap_take() for up to BLOCK_SHORT granules where just the top moves; false:
 * there is more to it.  Returns the granule. */
static inline bool heap_take_top(struct heap *heap, size_t granules,
                                 size_t *granule)
{
    size_t top = heap->top;

    if (heap->bits != 0 || granules > heap->granules - top) {
        return false;
    }
    sync_put(&heap->map[top], (unsigned char)(BLOCK_LIVE - 1 + granules));
    heap->top = top + granules;
    *granule = top;
    return true;
}

/* heap_give() for a short chunk at the top with nothing free below: then just
 * the top moves.  Returns its length; 0: it is no such chunk, or none. */
static inline size_t heap_give_top(struct heap *heap, const void *ptr,
                                   size_t *granule)
{
    uintptr_t i = block_granule_at(heap->base, ptr);

    /* The map is 0 at the top and behind it. */
    if (i >= heap->top || i < heap->least) {
        return 0;
    }
    unsigned code = sync_get(&heap->map[i]);
    unsigned before = sync_get(&heap->map[(ptrdiff_t)i - 1]);
    size_t length = (code & BLOCK_LENGTH_BITS) + 1u;

    /* The byte before is the end of a free chunk when it is neither 0 nor
     * the start of a live one of one granule. */
    if (code < BLOCK_LIVE || i + length != heap->top ||
        before - 1 < BLOCK_LIVE - 1) {
        return 0;
    }
    sync_put(&heap->map[i], BLOCK_NONE);
    heap->top = i;
    *granule = i;
    return length;
}

#endif /* MP_HEAP_H */
