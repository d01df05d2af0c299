/* SPDX-License-Identifier: MIT
 *
 * heap.h - blocks of one pool and the free chunks in them.
 *
 * New chunks are cut from the top of one block, the current one.  A free
 * chunk is joined with its free neighbours at once.  If it then ends at the
 * top of the current block, the top comes down over it, else it goes into
 * the bin of its length, to be used before the top moves on.  So frees in
 * reverse order only move the top, and any other order leaves room that is
 * found again.
 *
 * A pool has one heap, and one more for each mark that is open.  The block of
 * a mark may lie in a chunk of the pool's own heap: that chunk is lent.
 *
 * What it cannot do: get memory or give it back.  Both may call the program's
 * own functions, which must not run under the pool's lock.  So heap_take()
 * finds nothing when no chunk is long enough, and a block that becomes empty
 * goes to the stock that the heap was started with, or back to its lender.
 *
 * The pool's lock is held in every function here.
 */
#ifndef MP_HEAP_H
#define MP_HEAP_H

#include "store/heap_index.h"

/* Starts with one block, which stays; zero as above. */
MP_INNER void heap_start(struct heap *heap, struct block *first,
                         struct blocks *stock, bool zero);

/* A live chunk of that many granules, or none: then a block is missing. */
MP_INNER struct heap_chunk heap_take(struct heap *heap, uint32_t granules);

/* A run of least to most granules, its map all 0: not a chunk but room for
 * several.  NULL where there is none; *got is its length.  apart: for one of
 * several threads, so in lines of its own, of the map too, if possible. */
MP_INNER unsigned char *heap_take_run(struct heap *heap, size_t least,
                                      size_t most, bool apart, size_t *got);

/* The same of a current block of which nothing is cut: up to most granules from
 * its start, which there are. */
MP_INNER unsigned char *heap_first_run(struct heap *heap, size_t most,
                                       size_t *got);

/* Frees a live chunk, or one that was in a cache.  The second is for callers
 * that have read its length from the map. */
MP_INNER void heap_give(struct heap *heap, struct heap_chunk chunk);
MP_INNER void heap_give_known(struct heap *heap, struct heap_chunk chunk,
                              uint32_t length);

/* Frees a run of granules whose map is all 0. */
MP_INNER void heap_give_run(struct heap *heap, struct heap_chunk start,
                            uint32_t granules);

/* Makes a live chunk longer where it stands; false: what is behind it is
 * not free, and nothing changed.  Makes it shorter.  A chunk that is all of its
 * block may take the memory behind the block, and give some of it back. */
MP_INNER bool heap_extend(struct heap *heap, struct heap_chunk chunk,
                          uint32_t granules);
MP_INNER void heap_shrink(struct heap *heap, struct heap_chunk chunk,
                          uint32_t granules);

/* Makes it shorter as well.  Where it is all of its block it keeps what is
 * behind it, to grow there again. */
MP_INNER void heap_narrow(struct heap *heap, struct heap_chunk chunk,
                          uint32_t granules);

/* Cuts a live chunk down to granules that start skipped granules behind its
 * start; what is before and behind becomes free.  Returns the new start. */
MP_INNER struct heap_chunk heap_trim(struct heap *heap,
                                     struct heap_chunk chunk,
                                     uint32_t skipped, uint32_t granules);

/* heap_add() makes an empty block the current one; it was got for a chunk of so
 * many granules.  heap_add_whole() takes an empty block, and makes one live
 * chunk of that many granules of it, to which *chunk is set. */
MP_INNER void heap_add(struct heap *heap, struct block *block,
                       size_t granules);
MP_INNER void heap_add_whole(struct heap *heap, struct block *block,
                             size_t granules, struct heap_chunk *chunk);

/* No source has a block: from now on short and long chunks share all blocks.
 * False: they do so already. */
MP_INNER bool heap_mix(struct heap *heap);

/* Where a sweep stands. */
struct heap_sweep {
    uintptr_t block;  /* blocks above it are done; 0: all but the first are */
    uint32_t granule; /* of that block; before it all is done */
    size_t freed;     /* granules that the sweep gave back so far */
};

/* A sweep makes the chunks free that caches held and have forgotten, and joins
 * them with free neighbours.  heap_sweep_start() is a place at its begin;
 * heap_sweep() does a portion that costs about most, counted in granules of
 * which the map is read; false: it was the last.  Between two portions the lock
 * may be left, and the heap may change, but no cache gets a chunk. */
static inline struct heap_sweep heap_sweep_start(void)
{
    return (struct heap_sweep){UINTPTR_MAX, 0, 0};
}
MP_INNER bool heap_sweep(struct heap *heap, struct heap_sweep *place,
                         size_t most);

/* About how many granules of short chunks caches still hold, by which a caller
 * decides whether to sweep.  Looks at about most granules of the heap, and is
 * exact if there are no more. */
MP_INNER size_t heap_count_cached(const struct heap *heap, size_t most);

/* Up to most free chunks of just that many granules, SIZES_SHORT at most, as
 * chunks in a cache, linked by their first words; NULL: there are none. */
MP_INNER void *heap_take_batch(struct heap *heap, uint32_t granules,
                               unsigned most);

/* Such chunks, cut out of short free chunks, the shortest first, where no chunk
 * is long enough for a run of objects of that length; NULL: one is, or none is
 * long enough for one object. */
MP_INNER void *heap_take_pieces(struct heap *heap, uint32_t granules,
                                unsigned most);

/* Lets the current block go, if it is empty and not the first.  Else it stays,
 * for the next object. */
MP_INNER void heap_drop_empty(struct heap *heap);

/* Where a search for unused memory stands, and the part that it has found. */
struct heap_unused {
    unsigned tree;   /* of the heap's, or the number of those */
    size_t length;   /* of the chunk, in granules */
    uintptr_t at;    /* of the chunk; or all of its parts came before */
    size_t done;     /* bytes of the chunk and its map that came before */
    unsigned char *start;
    size_t bytes;
};

/* Finds the next part, of at most so many bytes, of the memory of free chunks
 * and of their map that may lose what it holds; false: there is none.  A search
 * begins with 0 in all members.  The lock may be left between two calls. */
MP_INNER bool heap_next_unused(struct heap *heap, struct heap_unused *place,
                               size_t most);

/* Before a reset: blocks that do not fit in *keep bytes of a stock, which are
 * counted off, become dirty.  No address in them is taken for an object's from
 * the reset on, while their maps stay until the blocks are released.  No cache
 * has a chunk. */
MP_INNER void heap_defer(struct heap *heap, size_t *keep);

/* Drops all chunks and keeps the first block only.  No chunk is lent. */
MP_INNER void heap_reset(struct heap *heap);

/* heap_merge() moves all that another heap of the same stock has to this one,
 * which ends the other, but for its first block.  Of that it returns how many
 * granules are cut; 0: it is empty.  heap_merge_block() adds that block after
 * it: it is in no heap, and cut up to used, which is not 0. */
MP_INNER uint32_t heap_merge(struct heap *into, struct heap *from);
MP_INNER void heap_merge_block(struct heap *heap, struct block *block,
                               uint32_t used);

/* heap_lend() lends a chunk of at least so many bytes for a block of another
 * heap; that block names this heap as its lender.  NULL: there is none, or the
 * stock is that of a pool in the range, where no block has a map of its own.
 * heap_take_back() takes such a chunk back. */
MP_INNER void *heap_lend(struct heap *heap, size_t bytes);
MP_INNER void heap_take_back(struct heap *heap, void *start);

/* heap_take() for up to SIZES_SHORT granules where only the top moves, and the
 * slack is noted; NULL: there is more to do.  more: granules behind the first
 * one. */
static inline void *heap_bump(struct heap *heap, size_t more, size_t slack)
{
    size_t top = heap->top;
    unsigned char *map = heap->map;

    ASSERT(more < SIZES_SHORT && slack < SIZES_GRANULE);
    if (heap->bits != 0 || more >= heap->granules - top) {
        return NULL;
    }
    heap->top = top + more + 1;
    if (MP_LIKELY(more > 0)) {
        sync_put(&map[top], (unsigned char)(BLOCK_LIVE + more));
        sync_put(&map[top + 1], (unsigned char)(BLOCK_NIBBLE | slack));
    } else {
        sync_put(&map[top], (unsigned char)(slack == 0 ? BLOCK_LIVE
                                                       : BLOCK_ONE | slack));
    }
    return heap->base + top * SIZES_GRANULE;
}

/* heap_give() for a short chunk at the top with nothing free below: then only
 * the top moves.  Returns its bytes without the slack; 0: ptr is not such a
 * chunk. */
static inline size_t heap_unbump(struct heap *heap, const void *ptr)
{
    uintptr_t i = block_granule_at(heap->base, ptr);
    size_t top = heap->top;

    /* The map is 0 at the top and behind it. */
    if (i >= top || i < heap->unbump_from) {
        return 0;
    }
    unsigned char *at = heap->map + i;
    size_t length = top - i;
    size_t code = sync_get(at);
    size_t slack = sync_get(at + 1);
    if (MP_UNLIKELY(code != length + (BLOCK_LIVE - 1u))) {
        if (length > 1 || !block_is_one((unsigned char)code)) {
            return 0;
        }
        slack = code;
    }
    if (block_is_free(sync_get(at - 1))) {
        return 0;
    }
    heap->top = i;
    sync_put(at, BLOCK_NONE);
    sync_put(at + 1, BLOCK_NONE); /* of one granule it is the top's */
    return length * SIZES_GRANULE - (slack & 0xfu);
}

#endif /* MP_HEAP_H */
