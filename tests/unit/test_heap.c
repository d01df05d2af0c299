/* SPDX-License-Identifier: MIT
 *
 * test_heap.c - chunks of a heap: taken, given, joined, resized, and found.
 *
 * What it cannot do: show how a pool locks its heap.  A heap does not lock.
 */
#include "heap_shadow.h"

#include <stddef.h>

#include "store/heap_links.h"
#include "store/heap_parts.h"

#define STEPS 10000u

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
    tcase_add_test(heap, an_extension_needs_free_granules_behind);
    tcase_add_test(heap, damage_to_a_tree_is_seen);
    tcase_add_test(heap, the_shortest_chunk_that_fits_is_taken);
    tcase_add_test(heap, long_chunks_and_short_ones_lie_apart);
    tcase_add_test(heap, any_address_is_found_or_is_not);
    tcase_add_test(heap, damage_to_a_heap_is_seen);
    return support_run(suite);
}
