/* SPDX-License-Identifier: MIT
 *
 * test_cache.c - one cache: its run, its lists, what goes in and out.
 */
#include "set.h"

#include "cache/handle.h"

#define MANY 1500

static struct fixture f;
static struct cache *cache;
static void *objects[MANY];

static void begin(void)
{
    fixture_start(&f);
    cache = fixture_cache(&f);
    fixture_open_depot(&f);
    lock_take(&f.lock);
    ck_assert(cache_set_is_sound(&f.set));
}

static void take_many(unsigned n, size_t granules)
{
    for (unsigned i = 0; i < n; i++) {
        lock_drop(&f.lock);
        objects[i] = fixture_take(&f, cache, granules);
        lock_take(&f.lock);
    }
}

static void give_many(unsigned n, size_t granules)
{
    for (unsigned i = 0; i < n; i++) {
        lock_drop(&f.lock);
        fixture_give(&f, cache, objects[i], granules);
        lock_take(&f.lock);
    }
}

START_TEST(a_new_cache_has_nothing)
{
    begin();
    ck_assert_ptr_null(
        mp_inline_take(cache->state, &cache->fast, SIZES_GRANULE));
    ck_assert_uint_eq(cache_frees(cache), 0);
    ck_assert_uint_eq(f.heap.taken, 0);
    ck_assert_ptr_eq(cache->heap, &f.heap);
    ck_assert(!cache_has_mark(cache, &f.set));
}
END_TEST

START_TEST(memory_for_a_cache_is_zero_and_has_lines_of_its_own)
{
    unsigned char *memory = cache_allocate(65);

    ck_assert_uint_eq((uintptr_t)memory % SIZES_LINE, 0);
    for (unsigned i = 0; i < 128; i++) {
        ck_assert_uint_eq(memory[i], 0);
    }
    free(memory);
}
END_TEST

START_TEST(a_fill_gets_a_run_that_grows_each_time)
{
    begin();
    ck_assert(cache_fill(cache, &f.set, 3));
    ck_assert_int_eq(cache->fast.end - cache->fast.cut, 128 * 16);
    ck_assert_uint_eq(f.heap.taken, 128);
    ck_assert(cache_fill(cache, &f.set, 3)); /* gives the first back */
    ck_assert_int_eq(cache->fast.end - cache->fast.cut, 256 * 16);
    ck_assert_uint_eq(f.heap.taken, 256);
    for (int i = 0; i < 8; i++) {
        cache_return_run(cache);
        ck_assert(cache_fill(cache, &f.set, 3));
    }
    ck_assert_uint_eq(cache->run, 4096); /* no more, 64 KiB */
}
END_TEST

START_TEST(a_fill_fails_when_the_heap_has_no_more)
{
    begin();
    while (heap_take(&f.heap, 1).block != NULL) {
    }
    ck_assert(!cache_fill(cache, &f.set, 1));
    ck_assert_ptr_null(cache->fast.cut);
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

/* As if so much of the heap were taken. */
static bool fill_of(size_t taken, size_t granules)
{
    size_t elsewhere = taken - f.heap.taken;

    f.heap.taken += elsewhere;
    bool filled = cache_fill(cache, &f.set, granules);
    f.heap.taken -= elsewhere;
    return filled;
}

static unsigned chunks_of(size_t granules)
{
    unsigned count = 0;

    for (void *chunk = cache->fast.lists[granules - 1].chunks; chunk != NULL;
         chunk = *(void **)chunk) {
        count++;
    }
    return count;
}

START_TEST(a_fill_of_a_large_heap_takes_several_short_chunks)
{
    struct heap_chunk taken[40];
    unsigned count = 0;

    begin();
    for (; count < 40; count++) {
        taken[count] = heap_take(&f.heap, 6);
        ck_assert_ptr_nonnull(taken[count].block);
    }
    while (heap_take(&f.heap, 1).block != NULL) {
    }
    for (unsigned i = 0; i < 40; i += 2) {
        heap_give(&f.heap, taken[i]);
    }
    ck_assert(fill_of(32768, 5)); /* nothing was freed yet */
    ck_assert_uint_eq(chunks_of(5), 0);
    ck_assert_int_eq(cache->fast.end - cache->fast.cut, 6 * 16);
    take_many(1, 5);
    give_many(1, 5);
    cache->fast.lists[4].chunks = NULL; /* the run's only one */
    ck_assert(fill_of(32767, 5));
    ck_assert_uint_eq(chunks_of(5), 0);
    ck_assert(fill_of(32768, 5));
    ck_assert_uint_eq(chunks_of(5), 18); /* two others were runs */
    ck_assert_uint_eq(cache->fast.lists[4].room, sizes_batch(5));
}
END_TEST

START_TEST(a_fill_prefers_the_depot)
{
    begin();
    take_many(500, 2);
    give_many(500, 2);
    void *batch = f.set.depot.lists[1];
    ck_assert_ptr_nonnull(batch);
    cache_flush(cache, &f.set);
    ck_assert(cache_fill(cache, &f.set, 2));
    ck_assert_ptr_eq(cache->fast.lists[1].chunks, batch);
    ck_assert_uint_eq(cache->fast.lists[1].room, sizes_batch(2) / 2);
    ck_assert_ptr_null(cache->fast.cut);
}
END_TEST

/* What is in the depot goes to the heap, as the rest of what caches have. */
static void sweep_depot(void)
{
    cache_sweep_begin(&f.set);
    ck_assert(!cache_sweep(&f.set));
}

START_TEST(a_flush_leaves_nothing_behind)
{
    begin();
    take_many(200, 1);
    give_many(200, 1);
    take_many(100, 5);
    give_many(100, 5);
    cache_flush(cache, &f.set);
    sweep_depot();
    ck_assert_uint_eq(f.heap.taken, 0);
    ck_assert_uint_eq(f.heap.top, 0);
    ck_assert_ptr_null(cache->fast.cut);
    ck_assert_ptr_null(cache->fast.lists[0].chunks);
    ck_assert_uint_eq(cache_frees(cache), 300);
    ck_assert_uint_eq(cache->fast.lists[0].room, 2 * sizes_batch(1));
    ck_assert(heap_is_sound(&f.heap));
}
END_TEST

START_TEST(a_returned_run_leaves_the_lists_as_they_are)
{
    begin();
    take_many(10, 4);
    give_many(10, 4);
    cache_return_run(cache);
    ck_assert_uint_eq(f.heap.taken, 40);
    ck_assert_uint_eq(fixture_length(cache->fast.lists[3].chunks), 10);
}
END_TEST

START_TEST(the_excess_of_a_list_goes_to_the_depot)
{
    unsigned batch = sizes_batch(1);

    begin();
    take_many(3 * batch, 1);
    give_many(2 * batch, 1);
    ck_assert_uint_eq(fixture_length(cache->fast.lists[0].chunks), 2 * batch);
    ck_assert_uint_eq(cache->fast.lists[0].room, 0);
    cache_flush_excess(cache, &f.set, 1);
    ck_assert_uint_eq(fixture_length(cache->fast.lists[0].chunks), batch / 2);
    ck_assert_uint_eq(fixture_length(f.set.depot.lists[0]),
                      2 * batch - batch / 2);
    ck_assert_uint_eq(cache->fast.lists[0].room, batch);
    ck_assert_ptr_eq(cache->fast.lists[0].chunks, objects[2 * batch - 1]);
}
END_TEST

/* Without lists the heap gets the chunks, and the lists are there the next
 * time. */
START_TEST(a_depot_opens_once_it_was_wanted)
{
    begin();
    lock_drop(&f.lock);
    depot_finish(&f.set.depot);
    cache_open_depot(&f.set);
    ck_assert_ptr_null(f.set.depot.lists);
    lock_take(&f.lock);
    take_many(500, 1);
    give_many(500, 1);
    ck_assert_ptr_null(f.set.depot.lists);
    ck_assert(cache_set_is_sound(&f.set));
    lock_drop(&f.lock);
    cache_open_depot(&f.set);
    lock_take(&f.lock);
    ck_assert_ptr_nonnull(f.set.depot.lists);
    take_many(MANY, 1);
    give_many(MANY, 1);
    ck_assert_ptr_nonnull(f.set.depot.lists[0]);
}
END_TEST

START_TEST(a_list_that_stays_short_is_granted_more)
{
    begin();
    take_many(1, 1);
    for (unsigned i = 0; i < 2 * sizes_batch(1); i++) {
        give_many(1, 1);
        take_many(1, 1);
    }
    ck_assert_uint_eq(cache->fast.lists[0].room, 0);
    cache_flush_excess(cache, &f.set, 1);
    ck_assert_uint_eq(cache->fast.lists[0].room, 8 * sizes_batch(1));
    ck_assert_uint_eq(cache_frees(cache), 2 * sizes_batch(1));
}
END_TEST

START_TEST(every_free_is_counted_once)
{
    begin();
    for (unsigned round = 1; round <= 4; round++) {
        take_many(MANY / 4, 1);
        give_many(MANY / 4, 1);
        ck_assert_uint_eq(cache_frees(cache), round * (MANY / 4));
        ck_assert_uint_eq(cache_set_frees(&f.set), round * (MANY / 4));
    }
    attach_leave(cache, &f.set);
    ck_assert_uint_eq(cache_set_frees(&f.set), MANY);
    cache_set_renew(&f.set);
    ck_assert_uint_eq(cache_set_frees(&f.set), 0);
}
END_TEST

START_TEST(a_mark_closes_the_lists_and_opens_them_again)
{
    struct heap heap;
    struct block first;

    begin();
    fixture_heap(&f, &heap, &first);
    take_many(300, 2);
    give_many(300, 2);
    size_t frees = cache_frees(cache);
    cache_open_mark(cache, &f.set, &heap);
    ck_assert(cache_set_is_sound(&f.set));
    ck_assert(cache_has_mark(cache, &f.set));
    ck_assert_uint_eq(f.heap.taken, 600); /* all in the depot, and no run */
    ck_assert_ptr_null(cache->fast.lists[1].chunks);
    ck_assert_uint_eq(cache->fast.lists[1].room, 0);
    take_many(1, 2);
    ck_assert_ptr_eq(heap_find(&heap, objects[0]).block, &first);
    ck_assert(!mp_inline_give(cache->state, &cache->fast, f.pool, objects[0]));
    ck_assert_uint_eq(cache_frees(cache), frees);
    /* All of the mark's block is the run. */
    ck_assert_uint_eq(heap.taken, first.granules);
    cache_close_mark(cache, &f.set, &f.heap);
    ck_assert_ptr_null(cache->fast.cut);
    ck_assert_uint_eq(cache->fast.lists[1].room, 2 * sizes_batch(2));
    ck_assert_uint_eq(cache_frees(cache), frees);
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

START_TEST(the_inner_of_two_marks_gives_its_run_back_to_its_own_heap)
{
    struct heap outer, inner;
    struct block outer_first, inner_first;

    begin();
    fixture_heap(&f, &outer, &outer_first);
    fixture_heap(&f, &inner, &inner_first);
    take_many(5, 1);
    give_many(5, 1);
    cache_open_mark(cache, &f.set, &outer);
    take_many(1, 1);
    cache_open_mark(cache, &f.set, &inner);
    ck_assert_uint_eq(outer.taken, 1);
    take_many(1, 1);
    ck_assert_ptr_eq(heap_find(&inner, objects[0]).block, &inner_first);
    cache_close_mark(cache, &f.set, &outer);
    ck_assert(cache_has_mark(cache, &f.set));
    ck_assert_uint_eq(cache->fast.lists[0].room, 0);
    cache_flush(cache, &f.set);
    ck_assert_uint_eq(cache->fast.lists[0].room, 0);
    take_many(1, 1);
    ck_assert_ptr_eq(heap_find(&outer, objects[0]).block, &outer_first);
}
END_TEST

/* With a mark open, whose heap that is; objects has n of the mark's. */
static void begin_mark(struct heap *heap, struct block *first, unsigned n)
{
    begin();
    fixture_heap(&f, heap, first);
    lock_drop(&f.lock);
    ck_assert(cache_open_windows(cache, &f.set));
    lock_take(&f.lock);
    ck_assert_ptr_null(cache->windows);
    cache_open_mark(cache, &f.set, heap);
    take_many(n, 2);
}

static bool give_refused(const void *object)
{
    return cache_give_refused(cache->state, &cache->fast, f.pool, object);
}

START_TEST(with_a_mark_lists_take_what_is_its_own)
{
    struct heap heap;
    struct block first;

    begin();
    fixture_heap(&f, &heap, &first);
    take_many(1, 2);
    void *pools = objects[0];
    lock_drop(&f.lock);
    ck_assert(cache_open_windows(cache, &f.set));
    lock_take(&f.lock);
    cache_open_mark(cache, &f.set, &heap);
    take_many(1, 2);
    ck_assert(!mp_inline_give(cache->state, &cache->fast, f.pool, objects[0]));
    ck_assert(give_refused(objects[0]));
    ck_assert(!give_refused(objects[0]));
    ck_assert(!give_refused(pools));
    ck_assert_uint_eq(cache_frees(cache), 1);
    ck_assert_ptr_eq(mp_inline_take(cache->state, &cache->fast, 32),
                     objects[0]);
    ck_assert(give_refused(objects[0]));
    ck_assert(cache_set_is_sound(&f.set));
    cache_close_mark(cache, &f.set, &f.heap);
    ck_assert_ptr_null(cache->fast.lists[1].chunks);
    ck_assert_ptr_null(cache->windows);
    ck_assert_uint_eq(cache->mark_room, 0);
    ck_assert_uint_eq(cache_frees(cache), 2);
    ck_assert(mp_inline_give(cache->state, &cache->fast, f.pool, pools));
}
END_TEST

START_TEST(with_a_mark_lists_are_short_again_from_time_to_time)
{
    struct heap heap;
    struct block first;
    unsigned frees = 0;

    begin_mark(&heap, &first, 400);
    for (unsigned i = 0; i < 399; i++) {
        ck_assert(give_refused(objects[i]));
    }
    cache_make_mark_room(cache, &f.set, 2);
    ck_assert_uint_eq(heap.taken, first.granules); /* there was room */
    while (give_refused(objects[399])) {
        ck_assert_ptr_eq(mp_inline_take(cache->state, &cache->fast, 32),
                         objects[399]);
        frees++;
    }
    ck_assert_uint_eq(frees, 16384 / 2 - 399);
    cache_return_run(cache);
    ck_assert_uint_eq(heap.taken, 800);
    cache_make_mark_room(cache, &f.set, 2);
    ck_assert_uint_eq(heap.taken, (sizes_batch(2) / 2 + 1) * 2);
    ck_assert(give_refused(objects[399]));
    ck_assert(cache_set_is_sound(&f.set));
    ck_assert(heap_is_sound(&heap));
}
END_TEST

START_TEST(what_a_mark_holds_goes_back_before_it_grows_or_another_is_opened)
{
    struct heap heap, inner;
    struct block first, inner_first;

    begin_mark(&heap, &first, 100);
    fixture_heap(&f, &inner, &inner_first);
    for (unsigned i = 0; i < 50; i++) {
        ck_assert(give_refused(objects[i]));
    }
    cache_return_run(cache);
    ck_assert_uint_eq(heap.taken, 200);
    ck_assert(cache_gather_mark(cache, &f.set));
    ck_assert(!cache_gather_mark(cache, &f.set));
    ck_assert_uint_eq(heap.taken, 100);
    for (unsigned i = 50; i < 80; i++) {
        ck_assert(give_refused(objects[i]));
    }
    cache_open_mark(cache, &f.set, &inner);
    ck_assert_uint_eq(heap.taken, 40);
    ck_assert_uint_eq(f.heap.taken, 0);
    ck_assert(!give_refused(objects[80])); /* the outer one's */
    cache_close_mark(cache, &f.set, &heap);
    cache_see(cache, &f.set, objects[80]);
    ck_assert(give_refused(objects[80]));
    cache_flush(cache, &f.set);
    ck_assert_uint_eq(heap.taken, 38);
    ck_assert(give_refused(objects[81]));
    cache_sweep_begin(&f.set);
    ck_assert(!cache_is_enabled(cache));
    ck_assert(!cache_sweep(&f.set));
    pause_end(&f.set);
    ck_assert(cache_is_enabled(cache));
    ck_assert_uint_eq(heap.taken, 38); /* another heap is swept */
    cache_flush_marks(&f.set);
    ck_assert_uint_eq(heap.taken, 36);
    cache_see(cache, &f.set, objects[82]);
    ck_assert(give_refused(objects[82]));
    ck_assert_uint_eq(heap.taken, 36);
    cache_sweep_marks(&f.set);
    ck_assert_uint_eq(heap.taken, 34);
    ck_assert_ptr_null(cache->fast.lists[1].chunks);
    ck_assert(heap_is_sound(&heap));
}
END_TEST

START_TEST(a_reset_ends_a_sweep)
{
    begin();
    take_many(200, 1);
    give_many(200, 1);
    cache_sweep_begin(&f.set);
    pause_end(&f.set);
    ck_assert(!cache_is_enabled(cache));
    cache_forget(&f.set);
    heap_reset(&f.heap);
    ck_assert(!f.set.sweeping);
    pause_end(&f.set);
    ck_assert(cache_is_enabled(cache));
    ck_assert(cache_fill(cache, &f.set, 1));
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

/* A sweep would look at all of the heap for them. */
START_TEST(few_chunks_go_back_without_a_sweep)
{
    begin();
    size_t held = f.heap.taken;
    unsigned sweeps = f.set.sweeps;
    for (unsigned round = 0; round < 15; round++) {
        ck_assert_uint_eq(f.set.sweeps, sweeps);
        take_many(200, 1);
        give_many(200, 1);
        cache_collect(cache, &f.set);
        ck_assert(cache_flush_few(&f.set));
        ck_assert(!f.set.sweeping);
        ck_assert_ptr_null(cache->fast.lists[0].chunks);
        ck_assert_uint_eq(f.heap.taken, held);
        pause_end(&f.set);
    }
    for (unsigned round = 0; round < 15; round++) {
        take_many(200, 1);
        give_many(200, 1);
    }
    cache_collect(cache, &f.set);
    ck_assert(!cache_flush_few(&f.set));
    ck_assert_ptr_nonnull(cache->fast.lists[0].chunks);
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

START_TEST(a_renewed_cache_is_as_new)
{
    struct heap heap;
    struct block first;

    begin();
    fixture_heap(&f, &heap, &first);
    take_many(100, 1);
    give_many(100, 1);
    cache_open_mark(cache, &f.set, &heap);
    take_many(1, 1);
    cache_renew(cache);
    ck_assert_uint_eq(cache_frees(cache), 0);
    ck_assert_ptr_null(cache->fast.cut);
    ck_assert_ptr_null(cache->fast.lists[0].chunks);
    ck_assert(!cache_has_mark(cache, &f.set));
    ck_assert_uint_eq(cache->fast.lists[0].room, 2 * sizes_batch(1));
}
END_TEST

START_TEST(the_first_block_is_taken_whole)
{
    begin();
    cache_take_first(cache, &f.set);
    ck_assert_uint_eq(f.heap.taken, f.first.granules);
    ck_assert_ptr_eq(cache->fast.cut, f.first.base);
    ck_assert_ptr_eq(cache->fast.end,
                     f.first.base + f.first.granules * SIZES_GRANULE);
    take_many(1, 64);
    ck_assert_ptr_eq(objects[0], f.first.base);
}
END_TEST

START_TEST(a_run_begins_again_with_its_map_clear)
{
    begin();
    cache_take_first(cache, &f.set);
    unsigned char *run = cache->fast.cut;
    take_many(20, 1);
    give_many(20, 1);
    take_many(5, 1);
    size_t taken = f.heap.taken;
    for (int again = 0; again < 2; again++) {
        size_t frees = cache_frees(cache);
        if (again == 0) {
            cache_begin_again(cache, &f.set, run);
            ck_assert_uint_eq(cache_frees(cache), frees);
        } else {
            cache_begin_new(cache, &f.set, run);
            ck_assert_uint_eq(cache_frees(cache), 0);
        }
        ck_assert_ptr_eq(cache->fast.cut, run);
        ck_assert_ptr_null(cache->fast.lists[0].chunks);
        ck_assert_uint_eq(block_count_live(&f.first, f.first.granules), 0);
        for (size_t i = 0; i < f.first.granules; i++) {
            ck_assert_uint_eq(f.first.map[i], BLOCK_NONE);
        }
        ck_assert_uint_eq(f.heap.taken, taken);
        take_many(10, 2);
        give_many(3, 2);
    }
}
END_TEST

START_TEST(a_reset_forgets_chunks_and_keeps_counts)
{
    unsigned number = 9;

    begin();
    take_many(700, 2);
    give_many(700, 2);
    cache_forget(&f.set);
    heap_reset(&f.heap);
    ck_assert_uint_eq(cache_set_frees(&f.set), 700);
    ck_assert_ptr_null(depot_pop(&f.set.depot, 2));
    ck_assert_ptr_null(cache->fast.lists[1].chunks);
    cache_sort_runs(&f.set);
    ck_assert_uint_eq(cache_run_at(&f.set, NULL, &number), 0);
    ck_assert_uint_eq(number, 0);
    take_many(1, 2);
    ck_assert_ptr_eq(objects[0], f.first.base);
}
END_TEST

START_TEST(a_run_is_found_by_its_start_with_its_place)
{
    struct mp_handle *handle;
    unsigned number;

    begin();
    lock_drop(&f.lock);
    handle = handle_attach(&f.set);
    lock_take(&f.lock);
    pause_begin(&f.set);
    ck_assert(cache_fill(cache, &f.set, 1));
    const unsigned char *cut = cache->fast.cut;
    cache_sort_runs(&f.set);
    ck_assert_uint_eq(cache_run_at(&f.set, cut, &number), 128);
    ck_assert_uint_eq(number, 2); /* the handle's came later, so before */
    ck_assert_uint_eq(cache_run_at(&f.set, cut + 16, &number), 0);
    ck_assert_uint_eq(number, 0);
    ck_assert(cache_fill(&handle->cache, &f.set, 1));
    const unsigned char *other = handle->cache.fast.cut;
    cache_sort_runs(&f.set);
    ck_assert_uint_eq(cache_run_at(&f.set, cut, &number), 128);
    ck_assert_uint_eq(number, 2);
    cut = other;
    ck_assert_uint_eq(cache_run_at(&f.set, cut, &number), 128);
    ck_assert_uint_eq(number, 1);
}
END_TEST

static bool count_chunks(const struct heap *heap, const void *chain, void *arg)
{
    ck_assert_ptr_eq(heap, &f.heap);
    *(size_t *)arg += fixture_length(chain);
    return true;
}

static bool refuse(const struct heap *heap, const void *chain, void *arg)
{
    ck_assert_ptr_eq(heap, &f.heap);
    ck_assert_ptr_nonnull(chain);
    ++*(size_t *)arg;
    return false;
}

START_TEST(every_chain_is_visited)
{
    size_t chunks = 0, visits = 0;

    begin();
    take_many(1000, 2);
    give_many(1000, 2);
    ck_assert(cache_each_chain(&f.set, 2, count_chunks, &chunks));
    ck_assert_uint_eq(chunks, 1000);
    ck_assert(!cache_each_chain(&f.set, 2, refuse, &visits));
    ck_assert_uint_eq(visits, 1);
    ck_assert(cache_each_chain(&f.set, 3, refuse, &visits));
}
END_TEST

START_TEST(a_set_that_is_damaged_is_not_sound)
{
    void *chunks[1] = {NULL};

    begin();
    take_many(10, 1);
    give_many(10, 1);
    ck_assert(cache_set_is_sound(&f.set));
    cache->fast.lists[7].chunks = chunks;
    ck_assert(!cache_set_is_sound(&f.set));
    cache->fast.lists[7].chunks = NULL;
    cache->fast.lists[0].room += 1000;
    ck_assert(!cache_set_is_sound(&f.set));
    cache->fast.lists[0].room -= 1000;
    cache->fast.cut++;
    ck_assert(!cache_set_is_sound(&f.set));
    cache->fast.cut--;
    f.set.first_cache = NULL;
    ck_assert(!cache_set_is_sound(&f.set));
    f.set.first_cache = cache;
    f.set.retired = true;
    ck_assert(!cache_set_is_sound(&f.set));
    f.set.retired = false;
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_new_cache_has_nothing);
    tcase_add_test(tcase, memory_for_a_cache_is_zero_and_has_lines_of_its_own);
    tcase_add_test(tcase, a_fill_gets_a_run_that_grows_each_time);
    tcase_add_test(tcase, a_fill_fails_when_the_heap_has_no_more);
    tcase_add_test(tcase, a_fill_of_a_large_heap_takes_several_short_chunks);
    tcase_add_test(tcase, a_fill_prefers_the_depot);
    tcase_add_test(tcase, a_flush_leaves_nothing_behind);
    tcase_add_test(tcase, a_returned_run_leaves_the_lists_as_they_are);
    tcase_add_test(tcase, the_excess_of_a_list_goes_to_the_depot);
    tcase_add_test(tcase, a_depot_opens_once_it_was_wanted);
    tcase_add_test(tcase, a_list_that_stays_short_is_granted_more);
    tcase_add_test(tcase, every_free_is_counted_once);
    tcase_add_test(tcase, a_mark_closes_the_lists_and_opens_them_again);
    tcase_add_test(
        tcase, the_inner_of_two_marks_gives_its_run_back_to_its_own_heap);
    tcase_add_test(tcase, with_a_mark_lists_take_what_is_its_own);
    tcase_add_test(tcase,
                   with_a_mark_lists_are_short_again_from_time_to_time);
    tcase_add_test(
        tcase,
        what_a_mark_holds_goes_back_before_it_grows_or_another_is_opened);
    tcase_add_test(tcase, a_reset_ends_a_sweep);
    tcase_add_test(tcase, few_chunks_go_back_without_a_sweep);
    tcase_add_test(tcase, a_renewed_cache_is_as_new);
    tcase_add_test(tcase, the_first_block_is_taken_whole);
    tcase_add_test(tcase, a_run_begins_again_with_its_map_clear);
    tcase_add_test(tcase, a_reset_forgets_chunks_and_keeps_counts);
    tcase_add_test(tcase, a_run_is_found_by_its_start_with_its_place);
    tcase_add_test(tcase, every_chain_is_visited);
    tcase_add_test(tcase, a_set_that_is_damaged_is_not_sound);
}

int main(void)
{
    return fixture_run("cache", add);
}
