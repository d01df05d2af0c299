/* SPDX-License-Identifier: MIT
 *
 * test_credit.c - a cache's credit: what objects take of it and give back.
 *
 * What it cannot do: lend.  The room above does that; here credit is granted
 * as if it had been charged.
 */
#include "set.h"

#include "cache/credit.h"

static struct fixture f;
static struct cache *cache;

static void begin(bool zero)
{
    fixture_start(&f);
    lock_take(&f.lock);
    cache_set_count(&f.set, true, zero, SIZE_MAX);
    lock_drop(&f.lock);
    cache = fixture_cache(&f);
    ck_assert(cache_open_middle(cache, &f.set));
    lock_take(&f.lock);
    /* Suspended: it was lent nothing yet. */
    ck_assert(!cache_is_enabled(cache));
    pause_resume(&f.set);
    ck_assert_ptr_eq(cache->fast.exact, f.pool);
    ck_assert_ptr_eq(cache->fast.pool, MP_INLINE_NO_POOL);
}

static void *take(size_t size)
{
    void *object = credit_take(cache->state, cache, size);

    if (object == NULL && size <= SIZES_SHORT * SIZES_GRANULE &&
        size <= cache->fast.credit &&
        cache_fill(cache, &f.set, sizes_granules(size))) {
        object = credit_take(cache->state, cache, size);
    }
    return object;
}

/* Gives an object, whose list may have to be granted frees first. */
static void give(const void *ptr)
{
    if (!credit_give(cache->state, cache, f.pool, ptr)) {
        struct heap_chunk chunk = heap_find(&f.heap, ptr);
        uint32_t granules = block_length(chunk.block, chunk.granule);
        if (granules <= SIZES_SHORT) {
            cache_flush_excess(cache, &f.set, granules);
        } else {
            ck_assert(cache_make_room(cache, &f.set, granules));
        }
        ck_assert(credit_give(cache->state, cache, f.pool, ptr));
    }
}

static size_t size_of(const void *ptr)
{
    struct heap_chunk chunk = heap_find(&f.heap, ptr);

    return block_length(chunk.block, chunk.granule) * SIZES_GRANULE -
           block_get_slack(chunk.block, chunk.granule);
}

START_TEST(a_short_object_takes_its_bytes_and_gives_them_back)
{
    begin(false);
    for (size_t size = 1; size <= 1024; size += size < 40 ? 1 : 37) {
        credit_grant(cache, 2000, 0);
        void *object = take(size);
        ck_assert_ptr_nonnull(object);
        ck_assert_uint_eq(size_of(object), size);
        ck_assert_uint_eq(cache->fast.credit, 2000 - size);
        ck_assert_uint_eq(cache->fast.least, 2000 - size);
        give(object);
        ck_assert_uint_eq(cache->fast.credit, 2000);
        ck_assert_uint_eq(cache->fast.least, 2000 - size);
        /* The list's chunk is as any other. */
        ck_assert(!credit_give(cache->state, cache, f.pool, object));
        cache_collect(cache, &f.set);
    }
}
END_TEST

/* A live object of a middle length, as the heap gives it. */
static void *middle(size_t size)
{
    uint32_t granules = (uint32_t)sizes_middle_round(sizes_granules(size));
    struct heap_chunk chunk = heap_take(&f.heap, granules);

    ck_assert_ptr_nonnull(chunk.block);
    block_put_slack(chunk.block, chunk.granule,
                    granules * SIZES_GRANULE - size);
    return block_address(chunk.block, chunk.granule);
}

START_TEST(a_middle_object_takes_its_bytes_and_gives_them_back)
{
    const size_t sizes[] = {1025, 1040, 1041, 2000, 5000, 40000};

    begin(false);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        void *object = middle(size);
        give(object);
        ck_assert_uint_eq(cache->fast.credit, size);
        ck_assert_uint_eq(cache->fast.least, 0);
        ck_assert_ptr_null(take(size + 1)); /* too little credit */
        size_t less = size > 1040 ? 3 : 0; /* a middle length, too */
        ck_assert_ptr_eq(take(size - less), object);
        ck_assert_uint_eq(size_of(object), size - less);
        ck_assert_uint_eq(cache->fast.credit, less);
        give(object);
        ck_assert_uint_eq(cache->fast.credit, size);
        cache_flush(cache, &f.set);
    }
}
END_TEST

START_TEST(nothing_is_taken_beyond_the_credit)
{
    begin(false);
    ck_assert_ptr_null(take(1));
    credit_grant(cache, 100, 0);
    ck_assert(cache_fill(cache, &f.set, 1));
    ck_assert_ptr_null(credit_take(cache->state, cache, 101));
    ck_assert_ptr_null(credit_take(cache->state, cache, 0));
    ck_assert_ptr_null(credit_take(cache->state, cache, SIZE_MAX));
    ck_assert_ptr_null(credit_take(cache->state, cache, SIZE_MAX - 15));
    ck_assert_ptr_null(credit_take(cache->state, cache, 65537));
    ck_assert_uint_eq(cache->fast.credit, 100);
    ck_assert_ptr_nonnull(credit_take(cache->state, cache, 100));
    ck_assert_uint_eq(cache->fast.credit, 0);
    ck_assert_ptr_null(credit_take(cache->state, cache, 1));
}
END_TEST

START_TEST(no_other_address_gives_credit)
{
    static unsigned char foreign[64];
    unsigned char *object;

    begin(false);
    credit_grant(cache, 1000, 0);
    object = take(100);
    ck_assert(!credit_give(cache->state, cache, f.pool, NULL));
    ck_assert(!credit_give(cache->state, cache, f.pool, foreign));
    ck_assert(!credit_give(cache->state, cache, f.pool, object + 1));
    ck_assert(!credit_give(cache->state, cache, f.pool, object + 16));
    ck_assert(!credit_give(cache->state, cache, f.pool, object + 32));
    ck_assert(!credit_give(cache->state, cache,
                           (struct memory_pool *)(void *)&f, object));
    ck_assert_uint_eq(cache->fast.credit, 900);
}
END_TEST

/* Short ones are bounded by their lists. */
START_TEST(middle_objects_give_no_more_than_some_credit)
{
    void *objects[3];

    begin(false);
    credit_grant(cache, CREDIT_MOST, 0);
    objects[0] = take(16);
    objects[1] = middle(2000);
    objects[2] = middle(2000);
    give(objects[1]);
    ck_assert_uint_eq(cache->fast.credit, CREDIT_MOST + 1984);
    ck_assert(!credit_give(cache->state, cache, f.pool, objects[2]));
    give(objects[0]);
    ck_assert_uint_eq(cache->fast.credit, CREDIT_MOST + 2000);
}
END_TEST

START_TEST(what_no_object_ever_had_is_told_apart)
{
    begin(false);
    credit_grant(cache, 1000, 1000);
    void *object = take(300);
    give(object);
    ck_assert_ptr_eq(take(290), object);
    cache_collect(cache, &f.set);
    ck_assert_uint_eq(f.set.owed, 710);
    ck_assert_uint_eq(f.set.unused, 700);
    ck_assert_uint_eq(cache->fast.credit, 0);
    ck_assert_uint_eq(cache->fast.least, 0);
    give(object);
    cache_collect(cache, &f.set);
    ck_assert_uint_eq(f.set.owed, 1000);
    ck_assert_uint_eq(f.set.unused, 700);
}
END_TEST

START_TEST(a_mark_knows_what_its_user_took)
{
    struct heap heap;
    struct block first;

    begin(false);
    fixture_heap(&f, &heap, &first);
    credit_grant(cache, 1000, 0);
    ck_assert_ptr_nonnull(take(100)); /* before the mark */
    cache_open_mark(cache, &f.set, &heap);
    ck_assert_uint_eq(f.set.owed, 900);
    credit_grant(cache, 500, 0);
    ck_assert_ptr_nonnull(take(33));
    void *object = take(44);
    ck_assert(!credit_give(cache->state, cache, f.pool, object));
    cache_collect(cache, &f.set);
    ck_assert_uint_eq(heap.held, 77);
    /* What is freed is the mark's no more. */
    lock_drop(&f.lock);
    ck_assert(cache_open_windows(cache, &f.set));
    lock_take(&f.lock);
    cache_see(cache, &f.set, object);
    ck_assert(credit_give(cache->state, cache, f.pool, object));
    ck_assert(!credit_give(cache->state, cache, f.pool, object));
    cache_collect(cache, &f.set);
    ck_assert_uint_eq(heap.held, 33);
    credit_grant(cache, 44, 0);
    ck_assert_ptr_eq(take(44), object);
    cache_collect(cache, &f.set);
    ck_assert_uint_eq(heap.held, 77);
    credit_grant(cache, 500, 0);
    ck_assert_ptr_nonnull(take(23));
    /* A flush tells the mark, too. */
    cache_flush(cache, &f.set);
    ck_assert_uint_eq(heap.held, 100);
    ck_assert_uint_eq(f.set.owed, 900 + 423 + 44 + 477);
}
END_TEST

START_TEST(a_suspended_cache_serves_nobody)
{
    begin(false);
    credit_grant(cache, 1000, 0);
    void *object = take(100);
    give(take(100));
    lock_drop(&f.lock);
    ck_assert_ptr_eq(credit_enter(&thread_state, f.pool), cache);
    mp_inline_leave(&thread_state);
    ck_assert_ptr_null(credit_enter(&thread_state, NULL));
    lock_take(&f.lock);
    pause_begin(&f.set);
    pause_suspend(&f.set);
    ck_assert(!cache_is_enabled(cache));
    ck_assert_uint_eq(f.set.owed, 900);
    ck_assert_uint_eq(f.heap.taken, sizes_granules(size_of(object)));
    pause_end(&f.set); /* of a pause within */
    ck_assert(!cache_is_enabled(cache));
    lock_drop(&f.lock);
    ck_assert_ptr_null(credit_enter(&thread_state, f.pool));
    ck_assert_ptr_null(attach_find(&f.set));
    lock_take(&f.lock);
    pause_resume(&f.set);
    ck_assert(cache_serves(cache, &f.set));
    pause_resume(&f.set); /* a second time nothing is done */
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

START_TEST(what_is_freed_is_zeroed_but_for_the_link)
{
    const size_t sizes[] = {17, 100, 1024, 1025, 3000};

    begin(true);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        unsigned char *object = middle(size);
        memset(object, 0xa5, size);
        give(object);
        for (size_t k = sizeof(void *); k < size; k++) {
            ck_assert_uint_eq(object[k], 0);
        }
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_short_object_takes_its_bytes_and_gives_them_back);
    tcase_add_test(tcase,
                   a_middle_object_takes_its_bytes_and_gives_them_back);
    tcase_add_test(tcase, nothing_is_taken_beyond_the_credit);
    tcase_add_test(tcase, no_other_address_gives_credit);
    tcase_add_test(tcase, middle_objects_give_no_more_than_some_credit);
    tcase_add_test(tcase, what_no_object_ever_had_is_told_apart);
    tcase_add_test(tcase, a_mark_knows_what_its_user_took);
    tcase_add_test(tcase, a_suspended_cache_serves_nobody);
    tcase_add_test(tcase, what_is_freed_is_zeroed_but_for_the_link);
}

int main(void)
{
    return fixture_run("credit", add);
}
