/* SPDX-License-Identifier: MIT
 *
 * heap_shadow.h - a heap, and a shadow that lists what was taken out of it.
 *
 * Each piece is filled with bytes of its own.  expect_whole() walks every block
 * by its map: what is live is in the shadow, what is free has no free neighbour
 * and is in a bin, and the lengths add up to the size.
 *
 * What it cannot do: serve two heaps in one test.
 */
#ifndef MP_TESTS_UNIT_HEAP_SHADOW_H
#define MP_TESTS_UNIT_HEAP_SHADOW_H

#include <stdlib.h>
#include <string.h>

#include "../support.h"
#include "store/backing.h"
#include "store/heap.h"

#define FIRST 96u   /* granules of the first block */
#define PIECES 200u /* of the shadow, at most */

struct piece {
    unsigned char *at;
    uint32_t granules;
    bool run; /* its map is 0 */
    uint32_t tag;
};

static struct world {
    struct blocks blocks;
    struct heap heap;
    struct block first;
    unsigned char *memory;
    struct piece pieces[PIECES];
    unsigned count;
    uint32_t tags;
} w;

static inline void start_zeroing(bool zero)
{
    memset(&w, 0, sizeof w);
    /* Nobody follows the owner; it must not be NULL. */
    blocks_start(&w.blocks, (struct memory_pool *)(void *)&w, false,
                 SIZE_MAX, &backing_malloc);
    w.memory = malloc(blocks_layout(0, FIRST));
    ck_assert_ptr_nonnull(w.memory);
    blocks_lay(&w.first, w.memory, FIRST);
    heap_start(&w.heap, &w.first, &w.blocks, zero);
}

static inline void start(void)
{
    start_zeroing(false);
}

static inline void end(void)
{
    heap_reset(&w.heap);
    ck_assert(blocks_is_sound(&w.blocks));
    blocks_release(&w.blocks, blocks_excess(&w.blocks, 0));
    free(w.memory);
}

/* The shadow's piece that starts there; NULL: none. */
static inline const struct piece *piece_at(const unsigned char *at)
{
    for (unsigned i = 0; i < w.count; i++) {
        if (w.pieces[i].at == at) {
            return &w.pieces[i];
        }
    }
    return NULL;
}

/* A piece of the shadow starts there, as the map says.  Its length; 0: not. */
static inline uint32_t piece_length(const struct block *block, uint32_t i)
{
    const struct piece *piece = piece_at(block_address(block, i));
    unsigned char code = block->map[i];

    if (piece == NULL) {
        return 0;
    }
    if (piece->run) {
        return code == BLOCK_NONE ? piece->granules : 0;
    }
    return block_starts_live(code) &&
                   block_length(block, i) == piece->granules
               ? piece->granules
               : 0;
}

/* Walks a block; adds its free chunks and their granules.  False: it is not as
 * the shadow says.  Asserts nothing, since that costs a call of the system. */
static inline bool block_agrees(const struct block *block, size_t *chunks,
                         size_t *granules)
{
    uint32_t used = (uint32_t)heap_used(&w.heap, block);
    uint32_t length;
    bool after_free = false;

    for (uint32_t i = 0; i < used; i += length) {
        bool is_free = block_is_free(block->map[i]);
        length = is_free ? block_length(block, i) : piece_length(block, i);
        if (length == 0 || length > used - i) {
            return false;
        }
        if (is_free) {
            if (after_free || block_free_before(block, i + length) != length) {
                return false;
            }
            ++*chunks;
            *granules += length;
        }
        after_free = is_free;
    }
    /* Nothing free ends at the top: it would have come down. */
    return block != w.heap.current || !after_free;
}

/* bumped: of what the shadow has, granules that the heap did not count. */
static inline void expect_whole(size_t bumped)
{
    size_t chunks = 0;
    size_t granules = 0;
    size_t taken = 0;
    size_t live = 0;
    bool agrees = heap_is_sound(&w.heap);

    for (unsigned i = 0; i < w.count; i++) {
        const struct piece *piece = &w.pieces[i];
        agrees = agrees && support_holds(piece->at,
                                         piece->granules * SIZES_GRANULE,
                                         piece->tag);
        taken += piece->granules;
        live += !piece->run;
    }
    agrees = agrees && block_agrees(w.heap.first, &chunks, &granules);
    for (const struct block *block = heap_block_lowest(&w.heap);
         block != NULL; block = heap_block_above(&w.heap, block)) {
        agrees = agrees && block_agrees(block, &chunks, &granules);
    }
    ck_assert(agrees);
    ck_assert(heap_has_free(&w.heap, chunks));
    ck_assert_uint_eq(heap_count_live(&w.heap), live);
    ck_assert_uint_eq(w.heap.taken + bumped, taken);
    ck_assert_uint_eq(w.heap.size, taken + granules + w.heap.granules -
                                       w.heap.top);
}

static inline void fill(struct piece *piece)
{
    piece->tag = ++w.tags;
    support_fill(piece->at, piece->granules * SIZES_GRANULE, piece->tag);
}

static inline struct piece *note(void *at, size_t granules, bool run)
{
    struct piece *piece = &w.pieces[w.count++];

    ck_assert_uint_le(w.count, PIECES);
    piece->at = at;
    piece->granules = (uint32_t)granules;
    piece->run = run;
    fill(piece);
    return piece;
}

static inline struct heap_chunk chunk_of(const void *at)
{
    struct heap_chunk chunk = heap_find(&w.heap, at);

    ck_assert_ptr_nonnull(chunk.block);
    ck_assert_ptr_eq(block_address(chunk.block, chunk.granule), at);
    return chunk;
}

static inline struct block *acquire(size_t granules)
{
    struct block *block = blocks_acquire(&w.blocks, granules, 0);

    ck_assert_ptr_nonnull(block);
    blocks_count(&w.blocks, block);
    return block;
}

/* Adds a block, from the stock where that has one. */
static inline void grow_for(size_t wanted, size_t granules)
{
    struct block *block = blocks_take(&w.blocks, granules);

    if (block == NULL) {
        block = acquire(granules);
    }
    heap_add(&w.heap, block, wanted);
}

static inline void grow(size_t granules)
{
    grow_for(1, granules);
}

/* A chunk, with a new block where there is no other way. */
static inline struct piece *take(uint32_t granules)
{
    struct heap_chunk chunk = heap_take(&w.heap, granules);

    if (chunk.block == NULL) {
        grow_for(granules, granules > 300 ? granules : 300);
        chunk = heap_take(&w.heap, granules);
        ck_assert_ptr_nonnull(chunk.block);
    }
    return note(block_address(chunk.block, chunk.granule), granules, false);
}

static inline void give(struct piece *piece)
{
    struct heap_chunk chunk = chunk_of(piece->at);

    if (piece->run) {
        heap_give_run(&w.heap, chunk, piece->granules);
    } else {
        heap_give(&w.heap, chunk);
    }
    *piece = w.pieces[--w.count];
}

static inline void take_run(uint64_t *seed)
{
    size_t least = 1 + support_below(seed, SIZES_SHORT);
    size_t most = least + support_below(seed, 200);
    bool apart = support_below(seed, 2) != 0;
    size_t got;
    unsigned char *run = heap_take_run(&w.heap, least, most, apart, &got);

    if (run != NULL) {
        ck_assert_uint_ge(got, least);
        ck_assert_uint_le(got, most);
        note(run, got, true);
    }
}

#endif /* MP_TESTS_UNIT_HEAP_SHADOW_H */
