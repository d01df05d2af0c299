/* SPDX-License-Identifier: MIT
 *
 * heap_type.h - what a heap is, and what can be seen of it.
 *
 *     heap_merge.c  ->        -> heap_check.c ------------->
 *     heap_run.c    -> heap.c -> heap_links.c -> heap_index.c
 *     heap_resize.c ->                        -> heap_tree.c
 *
 * These files are the heap; this header is what the lower ones need.
 *
 * What it cannot do: cut and join chunks.  heap.h does.
 */
#ifndef MP_HEAP_TYPE_H
#define MP_HEAP_TYPE_H

#include "store/block.h"
#include "store/blocks.h"

/* A free chunk, in its own memory: one granule holds both links.  All links are
 * sealed, see heap_seal.h. */
struct heap_link {
    uint64_t next;
    uint64_t previous;
};

/* A long one.  Its length stands here, too, to be at hand. */
struct heap_node {
    uint64_t left;
    uint64_t right;
    uint64_t parent;
    size_t length; /* granules */
};

/* The pool's lock owns all of it.  The first members are the current block's,
 * kept here to be at hand; of them only the top changes often.
 *
 * Between two calls: every granule below the top of the current block, and
 * every one of the other blocks, is in a live, lent or free chunk, in a chunk
 * that a cache holds, or in a cache's run; no two free chunks are neighbours;
 * a bit of bits is set where that bin holds a chunk; and
 * size == taken + granules of free chunks + granules behind the top, but for
 * what heap_bump() and heap_unbump() do not count. */
struct heap {
    unsigned char *base;
    unsigned char *map;
    size_t granules;
    size_t top;            /* of the current block: all below is cut */
    size_t unbump_from;    /* lowest granule that heap_unbump() may free;
                            * SIZE_MAX: none */
    uint64_t bits;         /* bins that hold something; a bin for each short
                            * length */
    struct block *current; /* never NULL */
    struct block *first;   /* fixed; inside the pool's or mark's own memory */
    struct treap_node *index; /* all but the first, by block->own */
    struct treap_node **shared; /* root of a tree of all blocks of this heap
                                 * and of others; NULL: it shares none */
    uint32_t blocks;       /* in index */
    bool zero;             /* memory is zeroed as its chunk goes */
    bool mixed;            /* short and long chunks share all blocks, since no
                            * source has another block */
    bool held_back;        /* damaged links are mended later */
    bool damaged;          /* a link was found written over, and bins and trees
                            * were not made anew yet */
    uint32_t lent;         /* chunks that hold another heap's block */
    size_t held;           /* bytes of objects, as asked for, of a mark's
                            * heap in a pool that counts them */
    size_t size;           /* granules of all its blocks */
    size_t taken;          /* granules of chunks and runs */
    struct blocks *stock;  /* fixed; takes blocks that become empty */
    size_t free_longs;     /* granules of the long free chunks in blocks for
                            * long ones */
    uint64_t key;          /* links are sealed with it */
    uint64_t low;          /* all blocks are within these granules of the */
    uint64_t span;         /* address space: the lowest, and how many */
    unsigned char *lowest; /* address of the lowest */
    uint64_t trees[2];     /* sealed; long free chunks, by whether their block
                            * is for such */
    struct heap_link *bins[SIZES_SHORT];
};

/* A chunk's place; block is NULL for none. */
struct heap_chunk {
    struct block *block;
    uint32_t granule;
};

/* Granules that have been cut in one of its blocks; behind them all is free. */
static inline size_t heap_used(const struct heap *heap,
                               const struct block *block)
{
    return block == heap->current ? heap->top : block->granules;
}

/* The bins hold just that many free chunks, each in its own and linked as it
 * should be.  Follows no link to what is no free chunk of the heap. */
MP_INNER bool heap_has_free(const struct heap *heap, size_t chunks);

/* What the heap says of itself agrees: blocks, index, bits, top.  Cheap; for
 * assertions and mp_check(). */
MP_INNER bool heap_is_sound(const struct heap *heap);

/* Live chunks, without those in dirty blocks.  No cache of the pool is in
 * use. */
MP_INNER size_t heap_count_live(const struct heap *heap);

/* No chunk. */
static inline struct heap_chunk heap_none(void)
{
    return (struct heap_chunk){NULL, 0};
}

/* Lowest granule of a block that heap_unbump() may free.  In a block after
 * the first, freeing granule 0 empties the block, which then leaves the heap:
 * that needs the slow path.  So does memory that must be zeroed. */
static inline size_t heap_unbump_from(const struct heap *heap,
                                      const struct block *block)
{
    return heap->zero ? SIZE_MAX : block != heap->first;
}

/* A heap without chunks zeroes memory from now on as they go, or does not.
 * What is free stays as it is. */
static inline void heap_set_zero(struct heap *heap, bool zero)
{
    heap->zero = zero;
    heap->unbump_from = heap_unbump_from(heap, heap->current);
}

#endif /* MP_HEAP_TYPE_H */
