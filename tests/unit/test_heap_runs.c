/* SPDX-License-Identifier: MIT
 *
 * test_heap_runs.c - what a heap gives to caches, and takes back; bumps.
 *
 * What it cannot do: show a cache.  test_cache.c does.
 */
#include "heap_shadow.h"

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
        struct heap_sweep place = heap_sweep_start();
        size_t taken = w.heap.taken;
        ck_assert(!heap_sweep(&w.heap, &place, SIZE_MAX));
        expect_whole(0);
        ck_assert_uint_eq(heap_count_cached(&w.heap, SIZE_MAX), 0);
        ck_assert_uint_eq(place.freed, cached);
        ck_assert_uint_eq(w.heap.taken, taken - cached);
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

/* Fills the heap, and leaves some pieces as a cache does that forgets them.
 * Returns their granules. */
static size_t leave_some_cached(uint64_t *seed)
{
    size_t cached = 0;

    while (w.count < PIECES - 1) {
        take(1 + (uint32_t)support_below(
                     seed, w.count % 9 == 0 ? 500 : SIZES_SHORT));
        if (w.count % 20 == 0) {
            take_run(seed);
        }
    }
    for (unsigned i = 0; i < w.count; i++) {
        struct piece *piece = &w.pieces[i];
        if (!piece->run && support_below(seed, 3) != 0) {
            struct heap_chunk chunk = chunk_of(piece->at);
            chunk.block->map[chunk.granule] =
                piece->granules > SIZES_SHORT
                    ? BLOCK_LONG_CACHED
                    : (unsigned char)(BLOCK_CACHED | (piece->granules - 1));
            cached += piece->granules;
            w.pieces[i--] = w.pieces[--w.count];
        }
    }
    return cached;
}

/* Between two portions the heap is used, grows, and loses blocks. */
START_TEST(a_sweep_in_portions_finds_all_that_caches_held)
{
    uint64_t seed = support_seed();
    size_t portions = 0;

    for (unsigned round = 0; round < 60; round++) {
        size_t cached = leave_some_cached(&seed);
        struct heap_sweep place = heap_sweep_start();
        size_t most = 1 + support_below(&seed, 1 << support_below(&seed, 12));
        while (heap_sweep(&w.heap, &place, most)) {
            portions++;
            for (unsigned step = 0; step < 3; step++) {
                if (w.count < PIECES - 2 && support_below(&seed, 2) == 0) {
                    take(1 + (uint32_t)support_below(&seed, 100));
                } else if (w.count > 0) {
                    give(&w.pieces[support_below(&seed, w.count)]);
                }
            }
            ck_assert(heap_is_sound(&w.heap));
        }
        ck_assert_uint_eq(place.freed, cached);
        expect_whole(0);
    }
    ck_assert_uint_gt(portions, 300);
}
END_TEST

/* How many there are; each is noted as a live piece. */
static unsigned note_chain(void *chain, uint32_t granules)
{
    unsigned count = 0;

    for (; chain != NULL; count++) {
        void *next = *(void **)chain;
        struct heap_chunk chunk = chunk_of(chain);
        ck_assert_uint_eq(chunk.block->map[chunk.granule],
                          BLOCK_CACHED | (granules - 1));
        chunk.block->map[chunk.granule] =
            (unsigned char)(BLOCK_LIVE | (granules - 1));
        note(chain, granules, false);
        chain = next;
    }
    return count;
}

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
    ck_assert_uint_eq(note_chain(heap_take_batch(&w.heap, 7, 4), 7), 4);
    expect_whole(0);
    void *chain = heap_take_batch(&w.heap, 7, 4); /* what is left */
    heap_give(&w.heap, chunk_of(*(void **)chain));
    heap_give(&w.heap, chunk_of(chain));
    expect_whole(0);
}
END_TEST

START_TEST(short_chunks_are_cut_into_pieces_the_shortest_first)
{
    static const uint32_t lengths[] = {20, 9, 40, 7, 20};

    take(FIRST);
    grow(1000);
    for (unsigned i = 0; i < 5; i++) {
        take(lengths[i]);
        take(1);
    }
    for (unsigned i = 1; i < w.count; i++) {
        if (w.pieces[i].granules > 1) {
            give(&w.pieces[i--]);
        }
    }
    ck_assert_uint_eq(note_chain(heap_take_pieces(&w.heap, 8, 3), 8), 3);
    expect_whole(0);
    /* What is left: 7, 1, 4, 20 and 40. */
    ck_assert_uint_eq(note_chain(heap_take_pieces(&w.heap, 30, 9), 30), 1);
    expect_whole(0);
    ck_assert_uint_eq(note_chain(heap_take_pieces(&w.heap, 10, 9), 10), 3);
    expect_whole(0);
    ck_assert_ptr_null(heap_take_pieces(&w.heap, 8, 9));
    /* With something long enough for a run there are no pieces. */
    take(400);
    take(70);
    give(&w.pieces[w.count - 2]);
    ck_assert_ptr_null(heap_take_pieces(&w.heap, 7, 9));
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

int main(void)
{
    Suite *suite = suite_create("runs of a heap");
    TCase *heap = support_case(suite, "heap");

    tcase_add_checked_fixture(heap, start, end);
    tcase_add_test(heap, a_run_apart_begins_and_ends_with_lines_of_the_map);
    tcase_add_test(heap, a_sweep_frees_and_joins_what_caches_held);
    tcase_add_test(heap, a_sweep_in_portions_finds_all_that_caches_held);
    tcase_add_test(heap, a_batch_is_of_one_length_and_as_in_a_cache);
    tcase_add_test(heap, short_chunks_are_cut_into_pieces_the_shortest_first);
    tcase_add_test(heap, bumps_take_and_give_at_the_top_alone);
    tcase_add_test(heap, bumps_note_the_slack_and_give_it_back);
    tcase_add_test(heap, a_later_block_is_not_emptied_by_a_bump);
    return support_run(suite);
}
