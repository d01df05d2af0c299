/* SPDX-License-Identifier: MIT
 *
 * test_heap_blocks.c - what becomes of the blocks of a heap: one chunk, reset,
 * lent, unused.
 *
 * What it cannot do: say where a block comes from.  test_blocks.c does.
 */
#include "heap_shadow.h"

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

/* One that is too short for what is wanted next would stay, else, since nothing
 * in it is given back any more. */
START_TEST(an_empty_current_block_goes_when_another_comes)
{
    take(FIRST);
    grow(300);
    struct block *empty = w.heap.current;
    take(100);
    give(&w.pieces[1]); /* it stays, as the current one */
    ck_assert_uint_eq(w.heap.blocks, 1);
    take(2000);
    ck_assert_ptr_ne(w.heap.current, empty);
    ck_assert_uint_eq(w.heap.blocks, 1);
    ck_assert_ptr_eq(w.blocks.stock, empty);
    expect_whole(0);
    give(&w.pieces[1]);
    give(&w.pieces[0]);
    ck_assert_uint_eq(w.heap.blocks, 0);
    expect_whole(0);
    /* The first one cannot go. */
    take(FIRST + 1);
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

int main(void)
{
    Suite *suite = suite_create("blocks of a heap");
    TCase *heap = support_case(suite, "heap");

    tcase_add_checked_fixture(heap, start, end);
    tcase_add_test(heap, a_whole_block_is_one_chunk_and_goes_at_once);
    tcase_add_test(heap, a_whole_block_has_room_to_grow_again);
    tcase_add_test(heap, a_short_chunk_that_fills_its_block_shrinks);
    tcase_add_test(heap, an_empty_current_block_goes_when_asked_to);
    tcase_add_test(heap, an_empty_current_block_goes_when_another_comes);
    tcase_add_test(heap, what_is_unused_may_become_0);
    tcase_add_test(heap, what_is_unused_is_found_beside_changes);
    tcase_add_test(heap, a_reset_gives_every_other_block_to_the_stock);
    tcase_add_test(heap, a_reset_zeroes_where_that_is_asked_for);
    tcase_add_test(heap, a_lent_block_goes_back_to_its_lender);
    tcase_add_test(heap, a_reset_gives_lent_blocks_back);
    tcase_add_test(heap, a_short_loan_is_still_told_from_an_object);
    return support_run(suite);
}
