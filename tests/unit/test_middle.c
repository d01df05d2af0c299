/* SPDX-License-Identifier: MIT
 *
 * test_middle.c - a cache's lists of middle chunks: what they take and give.
 *
 * What it cannot do: tell classes from lengths.  test_sizes.c does.
 */
#include "set.h"

#define BLOCK_SPANS 48u

static struct fixture f;
static struct cache *cache;
static struct middle *lists;
static struct block block;

/* A heap of some blocks, in which the longest middle chunk fits often. */
static void begin(void)
{
    fixture_start(&f);
    cache = fixture_cache(&f);
    ck_assert(cache_open_middle(cache, &f.set));
    lists = cache->middle;
    lock_take(&f.lock);
    unsigned char *start = range_take(BLOCK_SPANS, NULL);
    ck_assert_ptr_nonnull(start);
    range_own(start, BLOCK_SPANS * RANGE_SPAN, f.pool);
    blocks_lay_range(&block, start + SIZES_LINE,
                     start + BLOCK_SPANS * RANGE_SPAN);
    block.bytes = BLOCK_SPANS * RANGE_SPAN;
    heap_add(&f.heap, &block, block.granules);
    /* So that the block is never empty, and stays. */
    struct heap_chunk all = heap_take(&f.heap, block.granules);
    ck_assert_ptr_eq(all.block, &block);
    heap_shrink(&f.heap, all, 1);
    cache_reach(cache);
    ck_assert(middle_make_room(lists, &f.heap, SIZES_SHORT + 1));
}

static void *take(uint32_t granules)
{
    struct heap_chunk chunk = heap_take(&f.heap, granules);

    ck_assert_ptr_nonnull(chunk.block);
    return block_address(chunk.block, chunk.granule);
}

static bool give(const void *ptr)
{
    return middle_give(cache->state, NULL, lists, f.pool, ptr);
}

static void *ask(size_t granules)
{
    return middle_take(cache->state, NULL, lists, granules);
}

START_TEST(middle_lengths_are_those_between_short_and_64_kib)
{
    ck_assert(!middle_fits(0));
    ck_assert(!middle_fits(1));
    ck_assert(!middle_fits(SIZES_SHORT));
    ck_assert(middle_fits(SIZES_SHORT + 1));
    ck_assert(middle_fits(SIZES_MIDDLE));
    ck_assert(!middle_fits(SIZES_MIDDLE + 1));
    ck_assert(!middle_fits(SIZE_MAX / SIZES_GRANULE + 1));
}
END_TEST

START_TEST(a_chunk_serves_the_next_request_of_its_length)
{
    begin();
    for (uint32_t n = SIZES_SHORT + 1; n <= SIZES_MIDDLE; n += 1 + n / 50) {
        void *chunk = take((uint32_t)sizes_middle_round(n));
        ck_assert_ptr_null(ask(n));
        ck_assert(give(chunk));
        ck_assert_int_eq(*middle_map(cache->state, chunk), BLOCK_LONG_CACHED);
        ck_assert_uint_eq(lists->granules, sizes_middle_round(n));
        ck_assert(middle_is_sound(lists));
        ck_assert_ptr_eq(ask(n), chunk);
        ck_assert(middle_is_live(cache->state, chunk));
        ck_assert_uint_eq(lists->granules, 0);
        ck_assert_ptr_null(ask(n));
        heap_give(&f.heap, heap_find(&f.heap, chunk));
    }
    ck_assert_uint_eq(lists->bits[0] | lists->bits[1] | lists->bits[2], 0);
}
END_TEST

START_TEST(a_request_gets_a_chunk_of_an_eighth_more_at_most)
{
    begin();
    for (unsigned class = 1; class < SIZES_MIDDLE_CLASSES; class++) {
        void *chunk = take(sizes_middle_length(class));
        ck_assert(give(chunk));
        if (class > 5) {
            ck_assert_ptr_null(ask(sizes_middle_length(class - 5)));
        }
        if (class + 1 < SIZES_MIDDLE_CLASSES) {
            ck_assert_ptr_null(ask(sizes_middle_length(class) + 1));
        }
        size_t least = class > 4 ? sizes_middle_length(class - 4)
                                 : SIZES_SHORT + 1;
        ck_assert_ptr_eq(ask(least), chunk);
        heap_give(&f.heap, heap_find(&f.heap, chunk));
    }
}
END_TEST

START_TEST(nothing_but_live_middle_chunks_of_the_pool_is_taken)
{
    static unsigned char foreign[64];
    unsigned char *chunk;
    unsigned char *span;

    begin();
    chunk = take(100);
    ck_assert(!give(NULL));
    ck_assert(!give(foreign));
    ck_assert(!give(chunk + 16));
    ck_assert(!give(chunk + 1));
    ck_assert(!give(take(SIZES_SHORT)));
    ck_assert(!give(take(SIZES_SHORT + 1))); /* shorter than any class */
    ck_assert(!give(take(SIZES_MIDDLE + 1)));
    ck_assert(!middle_give(cache->state, NULL, lists,
                           (const struct memory_pool *)(void *)&f, chunk));
    ck_assert(give(chunk));
    ck_assert(!give(chunk)); /* a second time */
    ck_assert_uint_eq(lists->granules, 100);
    ck_assert_uint_eq(lists->frees, 1);
    /* What is freed in the heap. */
    span = take(200);
    heap_give(&f.heap, heap_find(&f.heap, span));
    ck_assert(!give(span));
}
END_TEST

START_TEST(chunks_beyond_the_limit_go_back_to_the_heap)
{
    size_t taken;
    unsigned given = 0;

    begin();
    taken = f.heap.taken;
    ck_assert_uint_eq(lists->limit, (128 << 10) / 16);
    while (given < 1000) {
        void *chunk = take(1008);
        if (!give(chunk)) {
            heap_give(&f.heap, heap_find(&f.heap, chunk));
            break;
        }
        given++;
    }
    ck_assert_uint_eq(given, lists->limit / 1008);
    ck_assert(middle_make_room(lists, &f.heap, 1008));
    ck_assert_uint_le(lists->granules, lists->limit / 2);
    ck_assert_uint_gt(lists->granules, 0);
    ck_assert_uint_eq(f.heap.taken, taken + lists->granules);
    ck_assert(!middle_make_room(lists, &f.heap, lists->limit / 2 + 1));
    middle_flush(lists, &f.heap, 0);
    ck_assert_uint_eq(lists->granules, 0);
    ck_assert_uint_eq(f.heap.taken, taken);
    ck_assert(middle_is_sound(lists));
    ck_assert(heap_is_sound(&f.heap));
}
END_TEST

/* Frees chunks of so many granules until some go back for want of room. */
static void overflow(uint32_t granules)
{
    while (lists->limit - lists->granules >= granules) {
        ck_assert(give(take(granules)));
    }
    ck_assert(middle_make_room(lists, &f.heap, granules));
}

START_TEST(a_limit_grows_where_what_went_back_is_asked_for_again)
{
    size_t limit;

    begin();
    limit = lists->limit;
    middle_miss(lists, 1008); /* nothing went back yet */
    overflow(1008);
    middle_miss(lists, 200); /* none of those would have served */
    middle_miss(lists, 1012);
    ck_assert(middle_make_room(lists, &f.heap, 1008));
    ck_assert_uint_eq(lists->limit, limit);
    for (size_t most = (1 << 20) / 16; limit < most;) {
        overflow(1008);
        middle_miss(lists, 1000);
        middle_miss(lists, 1000); /* once for what went back */
        ck_assert(middle_make_room(lists, &f.heap, 1008));
        ck_assert_uint_eq(lists->limit, limit * 2);
        limit = lists->limit;
    }
    overflow(1008);
    middle_miss(lists, 1000);
    ck_assert(middle_make_room(lists, &f.heap, 1008));
    ck_assert_uint_eq(lists->limit, limit);
    /* What a sweep takes is no sign of too little room. */
    middle_flush(lists, &f.heap, 0);
    cache_renew(cache);
    ck_assert(middle_make_room(lists, &f.heap, 1008));
    ck_assert_uint_eq(lists->limit, (128 << 10) / 16);
    ck_assert(give(take(1008)));
    middle_flush(lists, &f.heap, 0);
    middle_miss(lists, 1008);
    ck_assert(middle_make_room(lists, &f.heap, 1008));
    ck_assert_uint_eq(lists->limit, (128 << 10) / 16);
}
END_TEST

/* In turn: what a flush left of the classes goes first in the next one. */
START_TEST(no_class_goes_without_chunks_at_each_flush)
{
    begin();
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(give(take(100)));
        ck_assert(give(take(1000)));
    }
    middle_flush(lists, &f.heap, 4100);
    ck_assert_ptr_nonnull(lists->lists[sizes_middle_below(100)]);
    ck_assert(give(take(90)));
    middle_flush(lists, &f.heap, 2100);
    ck_assert_ptr_nonnull(lists->lists[sizes_middle_below(90)]);
}
END_TEST

START_TEST(a_cache_with_a_mark_and_no_windows_takes_no_middle_chunk)
{
    struct heap heap;
    struct block first;
    void *chunk;

    begin();
    fixture_heap(&f, &heap, &first);
    chunk = take(100);
    ck_assert(give(take(300)));
    ck_assert(cache_make_room(cache, &f.set, 100));
    cache_open_mark(cache, &f.set, &heap);
    ck_assert_uint_eq(lists->granules, 0);
    ck_assert(!give(chunk));
    ck_assert(!cache_make_room(cache, &f.set, 100));
    ck_assert(cache_set_is_sound(&f.set));
    cache_close_mark(cache, &f.set, &f.heap);
    ck_assert(cache_make_room(cache, &f.set, 100));
    ck_assert(give(chunk));
    ck_assert_uint_eq(cache_frees(cache), 2);
}
END_TEST

START_TEST(middle_chunks_of_a_mark_come_back_to_it_alone)
{
    struct heap heap;
    struct block first;

    begin();
    fixture_heap(&f, &heap, &first);
    void *pools = take(304);
    lock_drop(&f.lock);
    ck_assert(cache_open_windows(cache, &f.set));
    lock_take(&f.lock);
    cache_open_mark(cache, &f.set, &heap);
    struct heap_chunk chunk = heap_take(&heap, 304);
    void *marks = block_address(chunk.block, chunk.granule);
    cache_see(cache, &f.set, marks);
    ck_assert(cache_make_room(cache, &f.set, 304));
    ck_assert(!cache_give_middle(cache->state, &cache->fast, f.pool, pools));
    ck_assert(cache_give_middle(cache->state, &cache->fast, f.pool, marks));
    ck_assert(!cache_give_middle(cache->state, &cache->fast, f.pool, marks));
    ck_assert_ptr_eq(cache_take_middle(cache->state, &cache->fast, 304),
                     marks);
    ck_assert(cache_give_middle(cache->state, &cache->fast, f.pool, marks));
    ck_assert(cache_gather_mark(cache, &f.set));
    ck_assert(!cache_gather_mark(cache, &f.set));
    ck_assert_uint_eq(heap.taken, 0);
    cache_close_mark(cache, &f.set, &f.heap);
    ck_assert_uint_eq(lists->granules, 0);
    ck_assert_uint_eq(cache_frees(cache), 2);
}
END_TEST

static bool count_chunks(const struct heap *heap, const void *chain, void *arg)
{
    ck_assert_ptr_eq(heap, &f.heap);
    *(size_t *)arg += fixture_length(chain);
    return *(size_t *)arg < 3;
}

START_TEST(a_visit_meets_each_list_until_it_is_refused)
{
    size_t met = 0;

    begin();
    ck_assert(give(take(100)));
    ck_assert(give(take(100)));
    ck_assert(cache_each_middle(&f.set, count_chunks, &met));
    ck_assert_uint_eq(met, 2);
    ck_assert(give(take(400)));
    ck_assert(give(take(4096)));
    met = 0;
    ck_assert(!cache_each_middle(&f.set, count_chunks, &met));
    ck_assert_uint_eq(met, 3);
    middle_forget(lists);
    met = 0;
    ck_assert(cache_each_middle(&f.set, count_chunks, &met));
    ck_assert_uint_eq(met, 0);
    ck_assert_ptr_null(ask(100));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase,
                   middle_lengths_are_those_between_short_and_64_kib);
    tcase_add_test(tcase, a_chunk_serves_the_next_request_of_its_length);
    tcase_add_test(tcase, a_request_gets_a_chunk_of_an_eighth_more_at_most);
    tcase_add_test(tcase,
                   nothing_but_live_middle_chunks_of_the_pool_is_taken);
    tcase_add_test(tcase, chunks_beyond_the_limit_go_back_to_the_heap);
    tcase_add_test(tcase,
                   a_limit_grows_where_what_went_back_is_asked_for_again);
    tcase_add_test(tcase, no_class_goes_without_chunks_at_each_flush);
    tcase_add_test(tcase,
                   a_cache_with_a_mark_and_no_windows_takes_no_middle_chunk);
    tcase_add_test(tcase, middle_chunks_of_a_mark_come_back_to_it_alone);
    tcase_add_test(tcase, a_visit_meets_each_list_until_it_is_refused);
}

int main(void)
{
    return fixture_run("middle", add);
}
