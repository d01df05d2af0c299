/* SPDX-License-Identifier: MIT
 *
 * test_heap.c - blocks, the free chunks in them, and what becomes of both.
 *
 * A shadow lists what was taken out of a heap, each piece filled with bytes of
 * its own.  After a step every block is walked by its map: what is live is in
 * the shadow, what is free has no free neighbour and is in a bin, and the
 * lengths add up to the size.
 *
 * What it cannot do: show how a pool locks its heap.  A heap does not lock.
 */
#include "store/heap.h"

#include <stddef.h>
#include <stdlib.h>

#include "../support.h"
#include "store/backing.h"
#include "store/heap_links.h"
#include "store/heap_parts.h"

#define FIRST 96u   /* granules of the first block */
#define PIECES 200u /* of the shadow, at most */
#define STEPS 10000u

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

static void start_zeroing(bool zero)
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

static void start(void)
{
    start_zeroing(false);
}

static void end(void)
{
    heap_reset(&w.heap);
    ck_assert(blocks_is_sound(&w.blocks));
    blocks_release(&w.blocks, blocks_excess(&w.blocks, 0));
    free(w.memory);
}

/* The shadow's piece that starts there; NULL: none. */
static const struct piece *piece_at(const unsigned char *at)
{
    for (unsigned i = 0; i < w.count; i++) {
        if (w.pieces[i].at == at) {
            return &w.pieces[i];
        }
    }
    return NULL;
}

/* A piece of the shadow starts there, as the map says.  Its length; 0: not. */
static uint32_t piece_length(const struct block *block, uint32_t i)
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
static bool block_agrees(const struct block *block, size_t *chunks,
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
static void expect_whole(size_t bumped)
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

static void fill(struct piece *piece)
{
    piece->tag = ++w.tags;
    support_fill(piece->at, piece->granules * SIZES_GRANULE, piece->tag);
}

static struct piece *note(void *at, size_t granules, bool run)
{
    struct piece *piece = &w.pieces[w.count++];

    ck_assert_uint_le(w.count, PIECES);
    piece->at = at;
    piece->granules = (uint32_t)granules;
    piece->run = run;
    fill(piece);
    return piece;
}

static struct heap_chunk chunk_of(const void *at)
{
    struct heap_chunk chunk = heap_find(&w.heap, at);

    ck_assert_ptr_nonnull(chunk.block);
    ck_assert_ptr_eq(block_address(chunk.block, chunk.granule), at);
    return chunk;
}

static struct block *acquire(size_t granules)
{
    struct block *block = blocks_acquire(&w.blocks, granules, 0);

    ck_assert_ptr_nonnull(block);
    blocks_count(&w.blocks, block);
    return block;
}

/* Adds a block, from the stock where that has one. */
static void grow_for(size_t wanted, size_t granules)
{
    struct block *block = blocks_take(&w.blocks, granules);

    if (block == NULL) {
        block = acquire(granules);
    }
    heap_add(&w.heap, block, wanted);
}

static void grow(size_t granules)
{
    grow_for(1, granules);
}

/* A chunk, with a new block where there is no other way. */
static struct piece *take(uint32_t granules)
{
    struct heap_chunk chunk = heap_take(&w.heap, granules);

    if (chunk.block == NULL) {
        grow_for(granules, granules > 300 ? granules : 300);
        chunk = heap_take(&w.heap, granules);
        ck_assert_ptr_nonnull(chunk.block);
    }
    return note(block_address(chunk.block, chunk.granule), granules, false);
}

static void give(struct piece *piece)
{
    struct heap_chunk chunk = chunk_of(piece->at);

    if (piece->run) {
        heap_give_run(&w.heap, chunk, piece->granules);
    } else {
        heap_give(&w.heap, chunk);
    }
    *piece = w.pieces[--w.count];
}

static void take_run(uint64_t *seed)
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

/* Makes a chunk longer, shorter, or cuts both of its ends off. */
static void change(struct piece *piece, uint64_t *seed)
{
    struct heap_chunk chunk = chunk_of(piece->at);
    uint32_t more = 1 + (uint32_t)support_below(seed, 100);

    if (piece->run) {
        return;
    }
    if (support_below(seed, 2) != 0) {
        if (heap_extend(&w.heap, chunk, piece->granules + more)) {
            ck_assert(support_holds(
                piece->at, piece->granules * SIZES_GRANULE, piece->tag));
            piece->granules += more;
        }
    } else if (piece->granules > 1) {
        uint32_t keep = 1 + (uint32_t)support_below(seed, piece->granules - 1);
        if (support_below(seed, 2) != 0) {
            heap_shrink(&w.heap, chunk, keep);
        } else {
            uint32_t skipped =
                (uint32_t)support_below(seed, piece->granules - keep + 1);
            chunk = heap_trim(&w.heap, chunk, skipped, keep);
            ck_assert_ptr_eq(block_address(chunk.block, chunk.granule),
                             piece->at + skipped * SIZES_GRANULE);
            piece->at += skipped * SIZES_GRANULE;
        }
        piece->granules = keep;
    }
    fill(piece);
}

START_TEST(a_random_sequence_agrees_with_its_shadow)
{
    uint64_t seed = support_seed();
    unsigned steps = support_times(STEPS, 10);

    for (unsigned step = 0; step < steps; step++) {
        size_t what = support_below(&seed, 10);
        /* It waxes and wanes, so that blocks become empty. */
        bool waxing = step / 500 % 2 == 0;
        if (w.count > 0 && (w.count == PIECES || what < (waxing ? 3 : 6))) {
            give(&w.pieces[support_below(&seed, w.count)]);
        } else if (what < 8) {
            size_t most = what == 7 ? 600 : 2 * SIZES_SHORT;
            take(1 + (uint32_t)support_below(&seed, most));
        } else if (what == 8) {
            take_run(&seed);
        } else if (w.count > 0) {
            change(&w.pieces[support_below(&seed, w.count)], &seed);
        }
        expect_whole(0);
    }
    while (w.count > 0) {
        give(&w.pieces[w.count - 1]);
    }
    expect_whole(0);
}
END_TEST

START_TEST(an_empty_heap_keeps_only_its_first_block)
{
    uint64_t seed = support_seed();

    while (w.count < PIECES) {
        take(1 + (uint32_t)support_below(&seed, 100));
    }
    ck_assert_uint_gt(w.heap.blocks, 4);
    size_t bytes = w.blocks.stock_bytes;
    for (const struct block *block = heap_block_lowest(&w.heap);
         block != NULL; block = heap_block_above(&w.heap, block)) {
        bytes += block->bytes;
    }
    while (w.count > 0) {
        give(&w.pieces[support_below(&seed, w.count)]);
    }
    expect_whole(0);
    ck_assert_uint_eq(w.heap.blocks, 0);
    ck_assert_ptr_eq(w.heap.current, &w.first);
    ck_assert_uint_eq(w.heap.top, 0);
    ck_assert_uint_eq(w.heap.bits, 0);
    ck_assert_uint_eq(w.heap.size, FIRST);
    ck_assert_uint_eq(w.blocks.stock_bytes, bytes);
}
END_TEST

START_TEST(an_empty_block_goes_when_the_first_is_empty_too)
{
    struct piece *piece = take(FIRST);

    grow(400); /* and nothing is taken from it */
    ck_assert_uint_eq(w.heap.blocks, 1);
    give(piece);
    expect_whole(0);
    ck_assert_ptr_eq(w.heap.current, &w.first);
    ck_assert_uint_eq(w.heap.blocks, 0);
    ck_assert_ptr_nonnull(w.blocks.stock);
}
END_TEST

START_TEST(free_neighbours_are_joined_on_both_sides)
{
    unsigned char *first = take(10)->at;
    unsigned char *second = take(10)->at;
    unsigned char *third = take(10)->at;

    take(1); /* keeps the top away */
    ck_assert_ptr_eq(second, first + 10 * SIZES_GRANULE);
    ck_assert_ptr_eq(third, second + 10 * SIZES_GRANULE);
    give(&w.pieces[2]);
    give(&w.pieces[0]);
    ck_assert(heap_has_free(&w.heap, 2));
    for (unsigned i = 0; i < w.count; i++) {
        if (w.pieces[i].at == second) {
            give(&w.pieces[i]);
        }
    }
    expect_whole(0);
    ck_assert(heap_has_free(&w.heap, 1));
    ck_assert_ptr_eq(take(30)->at, first);
    expect_whole(0);
}
END_TEST

START_TEST(frees_in_reverse_order_only_move_the_top)
{
    for (unsigned i = 1; i <= 8; i++) {
        take(i);
    }
    while (w.count > 0) {
        give(&w.pieces[w.count - 1]);
        ck_assert_uint_eq(w.heap.bits, 0);
        expect_whole(0);
    }
    ck_assert_uint_eq(w.heap.top, 0);
}
END_TEST

START_TEST(a_long_search_comes_before_a_new_block)
{
    /* The only chunk that fits is among many that are too short. */
    struct piece *fits = take(80);
    take(1);
    grow(40 * 70);
    take(FIRST - 81); /* else the next ones of one granule come from there */
    for (unsigned i = 0; i < 20; i++) {
        take(66);
        take(1);
    }
    unsigned char *at = fits->at;
    give(fits);
    for (unsigned i = 0; i < w.count;) {
        if (w.pieces[i].granules == 66) {
            give(&w.pieces[i]);
        } else {
            i++;
        }
    }
    take((uint32_t)(w.heap.granules - w.heap.top));
    struct heap_chunk chunk = heap_take(&w.heap, 79);
    ck_assert_ptr_nonnull(chunk.block);
    note(block_address(chunk.block, chunk.granule), 79, false);
    ck_assert_ptr_eq(w.pieces[w.count - 1].at, at);
    expect_whole(0);
}
END_TEST

START_TEST(a_whole_block_is_one_chunk_and_goes_at_once)
{
    struct heap_chunk chunk = {NULL, 1};
    struct block *block = acquire(20000);

    ck_assert_ptr_nonnull(block);
    take(5);
    heap_add_whole(&w.heap, block, block->granules, &chunk);
    ck_assert_ptr_eq(chunk.block, block);
    ck_assert_uint_eq(chunk.granule, 0);
    struct piece *piece = note(block->base, block->granules, false);
    ck_assert_ptr_eq(w.heap.current, &w.first); /* goes on with its top */
    expect_whole(0);
    give(piece);
    expect_whole(0);
    ck_assert_uint_eq(w.heap.blocks, 0);
    ck_assert_ptr_eq(w.blocks.stock, block);
}
END_TEST

/* The heap, its stock and the map agree about a chunk that is a whole block. */
static void expect_chunk(struct piece *piece, uint32_t granules)
{
    piece->granules = granules;
    ck_assert(support_holds(piece->at, granules * SIZES_GRANULE, piece->tag));
    ck_assert_uint_eq(w.blocks.taken, w.heap.taken);
    expect_whole(0);
}

START_TEST(a_short_chunk_that_fills_its_block_shrinks)
{
    struct block *block = acquire(50);
    uint32_t all = block->granules;

    ck_assert_uint_le(all, SIZES_SHORT);
    take(FIRST);
    heap_add(&w.heap, block, 1);
    struct piece *piece = take(all);
    ck_assert_ptr_eq(piece->at, block->base);
    take(SIZES_SHORT); /* so that another block is the current one */
    struct heap_chunk chunk = chunk_of(piece->at);
    ck_assert(!heap_extend(&w.heap, chunk, all + 1));
    heap_shrink(&w.heap, chunk, 20);
    expect_chunk(piece, 20);
    give(piece);
    ck_assert_ptr_eq(w.blocks.stock, block);
}
END_TEST

START_TEST(a_whole_block_has_room_to_grow_again)
{
    struct heap_chunk chunk;
    struct block *block = acquire(20000);

    take(5);
    heap_add_whole(&w.heap, block, 18000, &chunk);
    struct piece *piece = note(block->base, 18000, false);
    expect_chunk(piece, 18000);
    ck_assert(heap_extend(&w.heap, chunk, 19000));
    piece->granules = 19000;
    fill(piece);
    expect_chunk(piece, 19000);
    ck_assert(!heap_extend(&w.heap, chunk, 20001));
    heap_narrow(&w.heap, chunk, 17000);
    expect_chunk(piece, 17000);
    ck_assert(heap_has_free(&w.heap, 0));
    ck_assert(heap_extend(&w.heap, chunk, 20000));
    heap_narrow(&w.heap, chunk, 17000);
    /* What is shortened for good leaves all behind it to others. */
    heap_shrink(&w.heap, chunk, 10000);
    expect_chunk(piece, 10000);
    ck_assert_uint_eq(block->granules, 20000);
    ck_assert(heap_has_free(&w.heap, 1));
    give(piece);
    expect_whole(0);
    ck_assert_ptr_eq(w.blocks.stock, block);
}
END_TEST

START_TEST(an_empty_current_block_goes_when_asked_to)
{
    take(FIRST);
    grow(400);
    heap_drop_empty(&w.heap);
    ck_assert_uint_eq(w.heap.blocks, 0);
    ck_assert_uint_eq(w.heap.top, FIRST);
    expect_whole(0);
    /* What is free at the first block's end is above its top then. */
    give(&w.pieces[0]);
    take(10);
    take(20);
    take(FIRST - 30);
    grow(400);
    give(&w.pieces[2]);
    expect_whole(0);
    heap_drop_empty(&w.heap);
    ck_assert_uint_eq(w.heap.top, 30);
    expect_whole(0);
    /* One in use stays. */
    grow(400);
    take(FIRST - 30);
    take(10);
    ck_assert_uint_eq(w.heap.blocks, 1);
    heap_drop_empty(&w.heap);
    ck_assert_uint_eq(w.heap.blocks, 1);
    expect_whole(0);
}
END_TEST

/* Wipes what the heap does not use, in parts of at most so many bytes; returns
 * how many bytes that were. */
static size_t wipe(size_t most)
{
    struct heap_unused place = {.tree = 0};
    size_t bytes = 0;

    while (heap_next_unused(&w.heap, &place, most)) {
        ck_assert_uint_gt(place.bytes, 0);
        ck_assert_uint_le(place.bytes, most);
        memset(place.start, 0, place.bytes);
        bytes += place.bytes;
    }
    return bytes;
}

START_TEST(what_is_unused_may_become_0)
{
    take(FIRST);
    grow(5000);
    for (unsigned i = 0; i < 8; i++) {
        take(500);
    }
    give(&w.pieces[2]); /* 500 granules, and 1000 behind the top */
    for (unsigned i = 0; i < w.count; i++) {
        ck_assert_uint_ne(w.pieces[i].granules, 0);
    }
    size_t top = w.heap.granules - w.heap.top;
    size_t unused = 500 * 16 - sizeof(struct heap_node) + 500 - 18 + top * 17;
    for (size_t most = SIZE_MAX; most > 0; most /= 7) {
        ck_assert_uint_eq(wipe(most), unused);
        expect_whole(0);
    }
}
END_TEST

/* The lock may be left between two parts, and the heap is another then. */
START_TEST(what_is_unused_is_found_beside_changes)
{
    struct heap_unused place = {.tree = 0};

    take(FIRST);
    grow(50000);
    for (unsigned i = 0; i < 60; i++) {
        take(100 + i);
    }
    for (unsigned i = 1; i < w.count; i++) {
        give(&w.pieces[i]); /* the last one takes its place */
    }
    for (unsigned i = 0; heap_next_unused(&w.heap, &place, 800); i++) {
        memset(place.start, 0, place.bytes);
        if (i % 5 == 0) {
            take(70 + i);
        } else if (i % 7 == 0 && i / 7 < w.count) {
            give(&w.pieces[i / 7]);
        }
        expect_whole(0);
    }
}
END_TEST

START_TEST(a_reset_gives_every_other_block_to_the_stock)
{
    struct heap_chunk chunk;
    struct block *block = acquire(20000);

    heap_add_whole(&w.heap, block, block->granules, &chunk);
    size_t bytes = block->bytes;
    for (unsigned i = 0; i < 100; i++) {
        take(20 + i % 3);
    }
    for (const struct block *other = heap_block_lowest(&w.heap);
         other != NULL; other = heap_block_above(&w.heap, other)) {
        bytes += other == block ? 0 : other->bytes;
    }
    heap_reset(&w.heap);
    w.count = 0;
    expect_whole(0);
    ck_assert_uint_eq(w.heap.size, FIRST);
    ck_assert_uint_eq(w.blocks.stock_bytes, bytes);
    ck_assert(blocks_is_sound(&w.blocks));
    /* The map of each is clear, the last byte of the long one too. */
    for (block = w.blocks.stock; block != NULL; block = block->next) {
        ck_assert_uint_eq(block_count_live(block, block->granules), 0);
        for (uint32_t i = 0; i < block->granules; i++) {
            ck_assert_uint_eq(block->map[i], 0);
        }
    }
    ck_assert_uint_gt(take(FIRST)->granules, 0);
    expect_whole(0);
}
END_TEST

START_TEST(a_reset_zeroes_where_that_is_asked_for)
{
    end();
    start_zeroing(true);
    unsigned char *at = take(FIRST)->at;
    heap_reset(&w.heap);
    w.count = 0;
    for (size_t i = 0; i < FIRST * SIZES_GRANULE; i++) {
        ck_assert_uint_eq(at[i], 0);
    }
}
END_TEST

/* A second heap, for a mark, whose first block is no chunk of the first. */
static void start_second(struct heap *heap, struct block *first,
                         unsigned char *memory)
{
    blocks_lay(first, memory, 8);
    heap_start(heap, first, &w.blocks, false);
}

START_TEST(a_lent_block_goes_back_to_its_lender)
{
    unsigned char memory[16 * 32];
    struct heap second;
    struct block first;

    start_second(&second, &first, memory);
    take(FIRST); /* so that the lender keeps its second block */
    grow(400);
    size_t taken = w.heap.taken;
    size_t bytes = blocks_layout(sizeof(struct block), 64);
    struct block *block = heap_lend(&w.heap, bytes);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq(w.heap.lent, 1);
    ck_assert_uint_ge(w.heap.taken - taken, sizes_granules(bytes));
    ck_assert_uint_eq(heap_count_live(&w.heap), 1); /* it is no object */
    blocks_lay(block, (unsigned char *)(block + 1), 64);
    block->lent = true;
    block->lender = &w.heap;
    heap_add(&second, block, 1);
    struct heap_chunk chunk = heap_take(&second, 60);
    ck_assert_ptr_eq(chunk.block, block);
    heap_give(&second, chunk);
    ck_assert_ptr_eq(second.current, &first);
    ck_assert_uint_eq(second.blocks, 0);
    ck_assert_uint_eq(w.heap.lent, 0);
    ck_assert_uint_eq(w.heap.taken, taken);
    ck_assert_ptr_null(w.blocks.stock);
    expect_whole(0);
}
END_TEST

START_TEST(a_reset_gives_lent_blocks_back)
{
    unsigned char memory[16 * 32];
    struct heap second;
    struct block first;

    start_second(&second, &first, memory);
    grow(4000);
    for (unsigned i = 0; i < 6; i++) {
        struct block *block =
            heap_lend(&w.heap, blocks_layout(sizeof *block, 64));
        ck_assert_ptr_nonnull(block);
        blocks_lay(block, (unsigned char *)(block + 1), 64);
        block->lent = true;
        block->lender = &w.heap;
        heap_add(&second, block, 1);
        ck_assert_ptr_nonnull(heap_take(&second, 60).block);
    }
    ck_assert_uint_eq(w.heap.lent, 6);
    heap_reset(&second);
    ck_assert_uint_eq(w.heap.lent, 0);
    ck_assert_uint_eq(w.heap.taken, 0);
    ck_assert(heap_is_sound(&second));
    expect_whole(0);
}
END_TEST

START_TEST(a_short_loan_is_still_told_from_an_object)
{
    unsigned char *at = heap_lend(&w.heap, 1);

    ck_assert_ptr_nonnull(at);
    struct heap_chunk chunk = chunk_of(at);
    ck_assert_uint_eq(chunk.block->map[chunk.granule], BLOCK_LONG_LENT);
    ck_assert_uint_gt(block_length(chunk.block, chunk.granule), SIZES_SHORT);
    heap_take_back(&w.heap, at);
    expect_whole(0);
    ck_assert_ptr_null(heap_lend(&w.heap, FIRST * SIZES_GRANULE + 1));
    ck_assert_ptr_null(heap_lend(&w.heap, SIZE_MAX));
    ck_assert_uint_eq(w.heap.lent, 0);
}
END_TEST

START_TEST(a_run_apart_begins_and_ends_with_lines_of_the_map)
{
    const size_t line = SIZES_LINE * SIZES_GRANULE;
    size_t got = 0;

    take(5);
    grow(1000);
    take(3);
    for (unsigned i = 0; i < 3; i++) {
        unsigned char *run = heap_take_run(&w.heap, 2, 130, true, &got);
        ck_assert_ptr_nonnull(run);
        ck_assert_uint_eq((uintptr_t)run % line, 0);
        ck_assert_uint_eq(got, 128);
        note(run, got, true);
        expect_whole(0);
    }
    /* Out of a free chunk, too. */
    take((uint32_t)(w.heap.granules - w.heap.top));
    give(&w.pieces[2]);
    unsigned char *run = heap_take_run(&w.heap, 2, 64, true, &got);
    ck_assert_ptr_nonnull(run);
    ck_assert_uint_eq((uintptr_t)run % line, 0);
    ck_assert_uint_eq(got, 64);
    note(run, got, true);
    expect_whole(0);
}
END_TEST

START_TEST(an_extension_needs_free_granules_behind)
{
    struct piece *piece = take(4);
    struct heap_chunk chunk = chunk_of(piece->at);

    ck_assert(heap_extend(&w.heap, chunk, 6)); /* of the top */
    piece->granules = 6;
    fill(piece);
    ck_assert(!heap_extend(&w.heap, chunk, FIRST + 1));
    take(10);
    take(1);
    ck_assert(!heap_extend(&w.heap, chunk, 7)); /* live */
    expect_whole(0);
    give(&w.pieces[1]);
    ck_assert(!heap_extend(&w.heap, chunk, 17)); /* free, one too short */
    ck_assert(heap_extend(&w.heap, chunk, 16));
    piece->granules = 16;
    fill(piece);
    expect_whole(0);
    ck_assert(heap_has_free(&w.heap, 0));
}
END_TEST

/* Damage to the tree of long chunks, too. */
START_TEST(damage_to_a_tree_is_seen)
{
    take(FIRST);
    grow(8000);
    for (unsigned i = 0; i < 30; i++) {
        take(65 + i);
        take(1);
    }
    for (unsigned i = 0; i < w.count; i++) {
        if (w.pieces[i].granules > 1 && w.pieces[i].granules < FIRST) {
            give(&w.pieces[i--]);
        }
    }
    ck_assert(heap_has_free(&w.heap, 30));
    /* The first that has two below it: at times the root has one. */
    struct heap_node *node = heap_unseal(&w.heap, w.heap.trees[0]);
    while (heap_is_end(&w.heap, node->left) ||
           heap_is_end(&w.heap, node->right)) {
        node = heap_unseal(&w.heap, heap_is_end(&w.heap, node->left)
                                        ? node->right : node->left);
        ck_assert_ptr_nonnull(node);
    }
    struct heap_node was = *node;
    /* What may pad a node behind its last member says nothing. */
    size_t said = offsetof(struct heap_node, length) + sizeof was.length;
    for (size_t byte = 0; byte < said; byte++) {
        ((unsigned char *)node)[byte] ^= 0x5a;
        ck_assert(!heap_has_free(&w.heap, 30));
        *node = was;
    }
    node->left = heap_seal(&w.heap, NULL);
    ck_assert(!heap_has_free(&w.heap, 30));
    *node = was;
    node->left = heap_seal(&w.heap, node); /* a circle */
    ck_assert(!heap_has_free(&w.heap, 30));
    *node = was;
    expect_whole(0);
}
END_TEST

/* The shortest free chunk of at least that length, by a walk over the map. */
static uint32_t shortest(uint32_t granules)
{
    uint32_t found = UINT32_MAX;
    const struct block *block = heap_block_lowest(&w.heap);

    for (uint32_t i = 0; i < heap_used(&w.heap, block);) {
        uint32_t length = block_length(block, i);
        if (block_is_free(block->map[i]) && length >= granules &&
            length < found) {
            found = length;
        }
        i += length;
    }
    return found;
}

START_TEST(the_shortest_chunk_that_fits_is_taken)
{
    uint64_t seed = support_seed();

    take(FIRST);
    grow(30000);
    for (unsigned i = 0; i < 90; i++) {
        take(1 + (uint32_t)support_below(&seed, i % 2 != 0 ? 20 : HEAP_LONG));
    }
    for (unsigned i = 1; i < w.count; i++) {
        if (support_below(&seed, 2) != 0) {
            give(&w.pieces[i]);
        }
    }
    for (unsigned i = 0; i < 60; i++) {
        uint32_t granules = 1 + (uint32_t)support_below(&seed, HEAP_LONG);
        uint32_t length = shortest(granules);
        uint32_t found;
        struct heap_chunk chunk = heap_best(&w.heap, false, granules, &found);
        if (length == UINT32_MAX) {
            ck_assert_ptr_null(chunk.block);
        } else {
            ck_assert_uint_eq(block_length(chunk.block, chunk.granule),
                              length);
            ck_assert_uint_eq(found, length);
            take(granules);
        }
        expect_whole(0);
    }
}
END_TEST

START_TEST(long_chunks_and_short_ones_lie_apart)
{
    take(FIRST);
    grow(HEAP_PARTED);
    struct block *shorts = w.heap.current;
    take(40);
    ck_assert_ptr_null(heap_take(&w.heap, HEAP_LONG + 1).block);
    struct block *longs = acquire(5000);
    heap_add(&w.heap, longs, HEAP_LONG + 1);
    struct piece *one = take(2000);
    struct piece *two = take(2000);
    ck_assert_ptr_eq(chunk_of(two->at).block, longs);
    /* Short ones come from where they were, though the top is elsewhere. */
    ck_assert_ptr_eq(chunk_of(take(3)->at).block, shorts);
    size_t got;
    unsigned char *run = heap_take_run(&w.heap, 2, 100, false, &got);
    ck_assert_ptr_eq(chunk_of(run).block, shorts);
    note(run, got, true);
    /* A hole that a long one leaves stays whole ... */
    unsigned char *at = one->at;
    give(one);
    expect_whole(0);
    ck_assert_uint_eq(w.heap.free_longs, 2000);
    take(30);
    ck_assert_uint_eq(w.heap.free_longs, 2000);
    ck_assert_ptr_eq(take(2000)->at, at);
    /* ... until there is no other room. */
    struct heap_chunk chunk;
    do {
        chunk = heap_take(&w.heap, 64);
        if (chunk.block == shorts) {
            note(block_address(shorts, chunk.granule), 64, false);
        }
    } while (chunk.block == shorts && w.count < PIECES - 5);
    expect_whole(0);
    while (chunk.block != NULL) {
        chunk = heap_take(&w.heap, 2000); /* of the short ones' block */
        if (chunk.block != NULL) {
            note(block_address(chunk.block, chunk.granule), 2000, false);
        }
    }
    ck_assert_ptr_null(heap_take(&w.heap, 1999).block);
    ck_assert(heap_mix(&w.heap));
    ck_assert(!heap_mix(&w.heap));
    ck_assert_ptr_eq(w.heap.current, longs);
    run = heap_take_run(&w.heap, 2, 100, false, &got);
    ck_assert_ptr_nonnull(run);
    note(run, got, true);
    expect_whole(0);
}
END_TEST

/* Some pieces are as a cache left them, and forgotten. */
START_TEST(a_sweep_frees_and_joins_what_caches_held)
{
    uint64_t seed = support_seed();
    size_t all = 0, estimated = 0;

    for (unsigned round = 0; round < 60; round++) {
        size_t cached = 0;
        while (w.count < PIECES - 1) {
            take(1 + (uint32_t)support_below(
                         &seed, w.count % 9 == 0 ? 500 : SIZES_SHORT));
            if (w.count % 20 == 0) {
                take_run(&seed);
            }
        }
        for (unsigned i = 0; i < w.count; i++) {
            struct piece *piece = &w.pieces[i];
            if (!piece->run && support_below(&seed, round % 10 + 1) != 0) {
                struct heap_chunk chunk = chunk_of(piece->at);
                if (piece->granules > SIZES_SHORT) {
                    heap_give(&w.heap, chunk);
                } else {
                    chunk.block->map[chunk.granule] ^=
                        BLOCK_CACHED ^ BLOCK_LIVE;
                    cached += piece->granules;
                }
                w.pieces[i--] = w.pieces[--w.count];
            }
        }
        ck_assert_uint_eq(heap_count_cached(&w.heap, SIZE_MAX), cached);
        all += cached;
        estimated += heap_count_cached(&w.heap, w.heap.size / 3);
        heap_sweep(&w.heap);
        expect_whole(0);
        ck_assert_uint_eq(heap_count_cached(&w.heap, SIZE_MAX), 0);
    }
    /* Of some blocks only, chosen by chance, but right on the whole. */
    ck_assert_uint_gt(estimated, all / 2);
    ck_assert_uint_lt(estimated, all / 2 * 3);
    while (w.count > 0) {
        give(&w.pieces[w.count - 1]);
    }
    ck_assert_uint_eq(w.heap.blocks, 0);
    expect_whole(0);
}
END_TEST

START_TEST(a_batch_is_of_one_length_and_as_in_a_cache)
{
    for (unsigned i = 0; i < 6; i++) {
        take(7);
        take(1);
    }
    for (unsigned i = 0; i < w.count; i++) {
        if (w.pieces[i].granules == 7) {
            give(&w.pieces[i--]);
        }
    }
    ck_assert_ptr_null(heap_take_batch(&w.heap, 8, 5));
    void *chain = heap_take_batch(&w.heap, 7, 4);
    for (unsigned i = 0; i < 4; i++) {
        void *next = *(void **)chain;
        struct heap_chunk chunk = chunk_of(chain);
        ck_assert_uint_eq(chunk.block->map[chunk.granule], BLOCK_CACHED | 6);
        ck_assert((next == NULL) == (i == 3));
        chunk.block->map[chunk.granule] = BLOCK_LIVE | 6;
        note(chain, 7, false);
        chain = next;
    }
    expect_whole(0);
    chain = heap_take_batch(&w.heap, 7, 4); /* what is left */
    heap_give(&w.heap, chunk_of(*(void **)chain));
    heap_give(&w.heap, chunk_of(chain));
    expect_whole(0);
}
END_TEST

START_TEST(bumps_take_and_give_at_the_top_alone)
{
    size_t bumped = 0;

    for (size_t n = 1; n <= 8; n++) {
        void *object = heap_bump(&w.heap, n - 1, 0);
        ck_assert_ptr_nonnull(object);
        note(object, n, false);
        bumped += n;
        expect_whole(bumped);
    }
    ck_assert_ptr_null(heap_bump(&w.heap, SIZES_SHORT - 1, 0)); /* no room */
    ck_assert_uint_eq(heap_unbump(&w.heap, w.pieces[3].at), 0);
    ck_assert_uint_eq(heap_unbump(&w.heap, w.pieces[7].at + 16), 0);
    ck_assert_uint_eq(heap_unbump(&w.heap, &w), 0);
    ck_assert_uint_eq(heap_unbump(&w.heap, w.pieces[7].at), 8 * 16);
    w.count--;
    bumped -= 8;
    expect_whole(bumped);
    /* Below the last one something is free: then it has to be joined. */
    heap_give(&w.heap, chunk_of(w.pieces[5].at));
    ck_assert_uint_eq(heap_unbump(&w.heap, w.pieces[6].at), 0);
    ck_assert_ptr_null(heap_bump(&w.heap, 0, 0)); /* the bin comes first */
    heap_give(&w.heap, chunk_of(w.pieces[6].at));
    w.count -= 2;
    expect_whole(bumped);
}
END_TEST

/* Slack stands in the first byte of a chunk of one granule, and behind that of
 * a longer one; what is below must not be taken for the end of a free chunk. */
START_TEST(bumps_note_the_slack_and_give_it_back)
{
    for (size_t slack = 0; slack < SIZES_GRANULE; slack++) {
        unsigned char *below[3];
        for (size_t n = 1; n <= 3; n++) {
            below[n - 1] = heap_bump(&w.heap, n - 1, slack);
            ck_assert_ptr_nonnull(below[n - 1]);
            struct heap_chunk chunk = chunk_of(below[n - 1]);
            ck_assert_uint_eq(block_length(chunk.block, chunk.granule), n);
            ck_assert_uint_eq(block_get_slack(chunk.block, chunk.granule),
                              slack);
            unsigned char *above = heap_bump(&w.heap, 1, 15);
            ck_assert_uint_eq(heap_unbump(&w.heap, above), 17);
            above = heap_bump(&w.heap, 0, 15);
            ck_assert_uint_eq(heap_unbump(&w.heap, above), 1);
        }
        for (size_t n = 3; n >= 1; n--) {
            ck_assert_uint_eq(heap_unbump(&w.heap, below[n - 1] + 16), 0);
            ck_assert_uint_eq(heap_unbump(&w.heap, below[n - 1]),
                              n * SIZES_GRANULE - slack);
        }
        expect_whole(0);
    }
}
END_TEST

START_TEST(a_later_block_is_not_emptied_by_a_bump)
{
    take(FIRST - 30);
    grow(100);
    ck_assert_ptr_null(heap_bump(&w.heap, 0, 0)); /* the first's rest is free */
    take(30);
    ck_assert_ptr_eq(heap_bump(&w.heap, 1, 0), w.heap.base);
    note(w.heap.base, 2, false);
    ck_assert_uint_eq(heap_unbump(&w.heap, w.heap.base), 0);
    expect_whole(2);
}
END_TEST

START_TEST(any_address_is_found_or_is_not)
{
    unsigned char *at = take(3)->at;

    for (unsigned i = 0; i < 12; i++) {
        take(250);
    }
    ck_assert_uint_eq(chunk_of(at).granule, 0);
    ck_assert_ptr_null(heap_find(&w.heap, at + 1).block);
    ck_assert_ptr_null(heap_find(&w.heap, NULL).block);
    ck_assert_ptr_null(heap_find(&w.heap, &w).block);
    ck_assert_ptr_null(
        heap_find(&w.heap, at + FIRST * SIZES_GRANULE).block);
    ck_assert_ptr_null(heap_find(&w.heap, at - SIZES_GRANULE).block);
    for (unsigned i = 0; i < w.count; i++) {
        struct heap_chunk chunk = chunk_of(w.pieces[i].at);
        ck_assert_ptr_eq(chunk.block->heap, &w.heap);
    }
    expect_whole(0);
}
END_TEST

START_TEST(damage_to_a_heap_is_seen)
{
    take(10);
    take(1);
    give(&w.pieces[0]);
    expect_whole(0);
    w.heap.free_longs = w.heap.size + 1;
    ck_assert(!heap_is_sound(&w.heap));
    w.heap.free_longs = 0;
    w.heap.size++;
    ck_assert(!heap_is_sound(&w.heap));
    w.heap.size--;
    w.heap.granules++;
    ck_assert(!heap_is_sound(&w.heap));
    w.heap.granules--;
    ck_assert(!heap_has_free(&w.heap, 0) && !heap_has_free(&w.heap, 2));
    struct heap_link *link = w.heap.bins[10 - 1];
    link->next = heap_seal(&w.heap, &w); /* nowhere in the heap */
    ck_assert(!heap_has_free(&w.heap, 1));
    link->next = heap_seal(&w.heap, NULL);
    link->previous = heap_seal(&w.heap, link);
    ck_assert(!heap_has_free(&w.heap, 1));
    link->previous = heap_seal(&w.heap, NULL);
    expect_whole(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap");
    TCase *heap = support_case(suite, "heap");

    tcase_add_checked_fixture(heap, start, end);
    tcase_add_test(heap, a_random_sequence_agrees_with_its_shadow);
    tcase_add_test(heap, an_empty_heap_keeps_only_its_first_block);
    tcase_add_test(heap, an_empty_block_goes_when_the_first_is_empty_too);
    tcase_add_test(heap, free_neighbours_are_joined_on_both_sides);
    tcase_add_test(heap, frees_in_reverse_order_only_move_the_top);
    tcase_add_test(heap, a_long_search_comes_before_a_new_block);
    tcase_add_test(heap, a_whole_block_is_one_chunk_and_goes_at_once);
    tcase_add_test(heap, a_whole_block_has_room_to_grow_again);
    tcase_add_test(heap, a_short_chunk_that_fills_its_block_shrinks);
    tcase_add_test(heap, an_empty_current_block_goes_when_asked_to);
    tcase_add_test(heap, what_is_unused_may_become_0);
    tcase_add_test(heap, what_is_unused_is_found_beside_changes);
    tcase_add_test(heap, a_reset_gives_every_other_block_to_the_stock);
    tcase_add_test(heap, a_reset_zeroes_where_that_is_asked_for);
    tcase_add_test(heap, a_lent_block_goes_back_to_its_lender);
    tcase_add_test(heap, a_reset_gives_lent_blocks_back);
    tcase_add_test(heap, a_short_loan_is_still_told_from_an_object);
    tcase_add_test(heap, a_run_apart_begins_and_ends_with_lines_of_the_map);
    tcase_add_test(heap, an_extension_needs_free_granules_behind);
    tcase_add_test(heap, damage_to_a_tree_is_seen);
    tcase_add_test(heap, the_shortest_chunk_that_fits_is_taken);
    tcase_add_test(heap, long_chunks_and_short_ones_lie_apart);
    tcase_add_test(heap, a_sweep_frees_and_joins_what_caches_held);
    tcase_add_test(heap, a_batch_is_of_one_length_and_as_in_a_cache);
    tcase_add_test(heap, bumps_take_and_give_at_the_top_alone);
    tcase_add_test(heap, bumps_note_the_slack_and_give_it_back);
    tcase_add_test(heap, a_later_block_is_not_emptied_by_a_bump);
    tcase_add_test(heap, any_address_is_found_or_is_not);
    tcase_add_test(heap, damage_to_a_heap_is_seen);
    return support_run(suite);
}
