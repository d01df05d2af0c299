/* SPDX-License-Identifier: MIT
 *
 * test_resize.c - an object gets another size by its user's cache alone.
 *
 * What it cannot do: show what the slow path does where the cache does not
 * serve.
 */
#include "set.h"

#include "cache/resize.h"

static struct fixture f;
static struct cache *cache;
static void *left;

static void begin(bool counts, bool zero)
{
    fixture_start(&f);
    lock_take(&f.lock);
    cache_set_count(&f.set, counts, zero, SIZE_MAX);
    lock_drop(&f.lock);
    cache = fixture_cache(&f);
    ck_assert(cache_open_middle(cache, &f.set));
    lock_take(&f.lock);
    pause_resume(&f.set);
    if (counts) {
        credit_grant(cache, 10000, 0);
    }
    cache_take_first(cache, &f.set);
    /* Frees for all lists that are used here. */
    for (size_t granules = 1; granules <= SIZES_SHORT; granules++) {
        cache_flush_excess(cache, &f.set, granules);
    }
    ck_assert(middle_make_room(cache->middle, &f.heap, 100));
    left = &f;
}

static void *take(size_t size)
{
    void *object = f.set.counts
                       ? credit_take(cache->state, cache, size)
                       : mp_inline_take(cache->state, &cache->fast, size);

    ck_assert_ptr_nonnull(object);
    memset(object, 0x5a, size);
    return object;
}

static void *resize(void *ptr, size_t size)
{
    left = NULL;
    return f.set.counts
               ? resize_counted(cache->state, cache, f.pool, ptr, size)
               : resize_inside(cache->state, &cache->fast, f.pool, ptr, size,
                               &left);
}

static size_t size_of(const void *ptr)
{
    struct heap_chunk chunk = heap_find(&f.heap, ptr);

    return block_length(chunk.block, chunk.granule) * SIZES_GRANULE -
           block_get_slack(chunk.block, chunk.granule);
}

static bool holds(const unsigned char *object, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (object[i] != 0x5a) {
            return false;
        }
    }
    return true;
}

START_TEST(an_object_stays_while_its_chunk_fits)
{
    begin(false, false);
    void *object = take(100);
    (void)take(16);
    ck_assert_ptr_eq(resize(object, 112), object);
    ck_assert_ptr_eq(resize(object, 100), object);
    ck_assert_ptr_eq(resize(object, 97), object);
    ck_assert_ptr_null(left);
    ck_assert_uint_eq(size_of(object), 112);
}
END_TEST

START_TEST(the_last_object_of_the_run_grows_into_it)
{
    begin(false, false);
    unsigned char *object = take(10);
    const size_t sizes[] = {17, 1024, 1025, 1041, 5000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert_ptr_eq(resize(object, sizes[i]), object);
        ck_assert_ptr_null(left);
        ck_assert_uint_eq(size_of(object),
                          sizes_granules(sizes[i]) * SIZES_GRANULE);
        ck_assert_ptr_eq(cache->fast.cut, object + size_of(object));
    }
    ck_assert(holds(object, 10));
    /* Beyond the run's end there is nothing. */
    size_t rest = (size_t)(cache->fast.end - object);
    ck_assert_ptr_null(resize(object, rest + 1));
    ck_assert_ptr_eq(resize(object, rest), object);
    ck_assert_ptr_eq(cache->fast.cut, cache->fast.end);
}
END_TEST

START_TEST(an_object_with_another_behind_it_moves)
{
    begin(false, false);
    void *object = take(48);
    (void)take(16);
    unsigned char *moved = resize(object, 100);
    ck_assert_ptr_nonnull(moved);
    ck_assert_ptr_ne(moved, object);
    ck_assert(holds(moved, 48));
    ck_assert_ptr_null(left);
    /* The old chunk lies in the list, and serves next. */
    ck_assert_ptr_eq(take(48), object);
    /* One that is the last of the run gives its end back. */
    ck_assert_ptr_eq(resize(moved, 20), moved);
    ck_assert_uint_eq(size_of(moved), 32);
    ck_assert_ptr_eq(cache->fast.cut, moved + 32);
    /* Another one that becomes shorter moves. */
    (void)take(16);
    void *shorter = resize(moved, 10);
    ck_assert_ptr_nonnull(shorter);
    ck_assert_ptr_ne(shorter, moved);
    ck_assert(holds(shorter, 10));
    ck_assert_uint_eq(size_of(shorter), 16);
}
END_TEST

START_TEST(the_old_object_is_left_where_its_list_is_full)
{
    begin(false, false);
    void *object = take(48);
    (void)take(16);
    cache->frees_granted -= cache->fast.lists[2].room;
    cache->fast.lists[2].room = 0;
    void *moved = resize(object, 100);
    ck_assert_ptr_nonnull(moved);
    ck_assert_ptr_eq(left, object);
    ck_assert_uint_eq(size_of(object), 48); /* it is live */
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

START_TEST(what_the_cache_cannot_resize_changes_nothing)
{
    static unsigned char foreign[64];

    for (int counts = 0; counts < 2; counts++) {
        begin(counts != 0, false);
        unsigned char *object = take(48);
        (void)take(16);
        unsigned char *cut = cache->fast.cut;
        ck_assert_ptr_null(resize(foreign, 10));
        ck_assert_ptr_null(resize(NULL, 10));
        ck_assert_ptr_null(resize(object + 16, 10));
        ck_assert_ptr_null(resize(object + 1, 10));
        ck_assert_ptr_null(resize(object, 0));
        ck_assert_ptr_null(resize(object, SIZE_MAX));
        ck_assert_ptr_null(resize(object, SIZE_MAX - 15));
        ck_assert_ptr_null(resize(object, 65537));
        ck_assert_ptr_null(resize(object, 30000)); /* none that long */
        ck_assert_uint_eq(size_of(object), 48);
        ck_assert_ptr_eq(cache->fast.cut, cut);
        ck_assert_ptr_null(left);
        ck_assert(holds(object, 48));
        lock_drop(&f.lock);
    }
}
END_TEST

START_TEST(a_long_object_that_shrinks_is_left_to_the_heap)
{
    begin(false, false);
    unsigned char *object = take(1000);
    ck_assert_ptr_eq(resize(object, 5000), object);
    ck_assert_ptr_eq(resize(object, 4400), object); /* an eighth */
    ck_assert_ptr_null(resize(object, 2600));
    ck_assert_ptr_null(resize(object, 2000));
    ck_assert_uint_eq(size_of(object), 5008);
}
END_TEST

/* Wherever it goes, the credit loses what the object grew by. */
START_TEST(credit_pays_for_growth_and_is_paid_for_the_rest)
{
    begin(true, false);
    size_t size = 1;
    void *object = take(size);
    for (size_t i = 1; i < 1500; i++) {
        size_t next = 1 + i * 7919 % 1300;
        void *moved = resize(object, next);
        if (moved != NULL) {
            ck_assert_ptr_null(left);
            object = moved;
            size = next;
        }
        ck_assert_uint_eq(size_of(object), size);
        ck_assert_uint_eq(cache->fast.credit, 10000 - size);
        ck_assert_uint_le(cache->fast.least, cache->fast.credit);
        ck_assert(holds(object, 1));
    }
}
END_TEST

START_TEST(no_object_grows_beyond_the_credit)
{
    begin(true, false);
    void *object = take(10);
    cache->fast.credit = cache->fast.least = 5;
    ck_assert_ptr_null(resize(object, 16));
    ck_assert_uint_eq(size_of(object), 10);
    ck_assert_ptr_eq(resize(object, 15), object);
    ck_assert_uint_eq(cache->fast.credit, 0);
    ck_assert_uint_eq(size_of(object), 15);
    ck_assert_ptr_eq(resize(object, 1), object);
    ck_assert_uint_eq(cache->fast.credit, 14);
}
END_TEST

/* What a mark's user takes is counted by the credit's loss alone. */
START_TEST(a_user_with_a_mark_resizes_nothing_that_is_counted)
{
    struct heap heap;
    struct block first;

    begin(true, false);
    fixture_heap(&f, &heap, &first);
    void *object = take(10);
    cache_open_mark(cache, &f.set, &heap);
    credit_grant(cache, 1000, 0);
    ck_assert_ptr_null(resize(object, 12));
    ck_assert_uint_eq(size_of(object), 10);
    ck_assert_uint_eq(cache->fast.credit, 1000);
}
END_TEST

START_TEST(what_is_cut_off_is_zeroed)
{
    begin(true, true);
    for (size_t size = 1; size <= 100; size += 3) {
        unsigned char *object = take(100);
        unsigned char *now = resize(object, size);
        ck_assert_msg(now != NULL, "%zu bytes", size);
        ck_assert(holds(now, size));
        for (size_t i = size; i < (size + 15) / 16 * 16; i++) {
            ck_assert_uint_eq(now[i], 0);
        }
        for (size_t i = 8; now != object && i < 100; i++) {
            ck_assert_uint_eq(object[i], 0);
        }
        ck_assert(credit_give(cache->state, cache, f.pool, now));
        cache_flush(cache, &f.set);
        credit_grant(cache, 1000, 0);
        ck_assert(cache_fill(cache, &f.set, 60));
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, an_object_stays_while_its_chunk_fits);
    tcase_add_test(tcase, the_last_object_of_the_run_grows_into_it);
    tcase_add_test(tcase, an_object_with_another_behind_it_moves);
    tcase_add_test(tcase, the_old_object_is_left_where_its_list_is_full);
    tcase_add_test(tcase, what_the_cache_cannot_resize_changes_nothing);
    tcase_add_test(tcase, a_long_object_that_shrinks_is_left_to_the_heap);
    tcase_add_test(tcase, credit_pays_for_growth_and_is_paid_for_the_rest);
    tcase_add_test(tcase, no_object_grows_beyond_the_credit);
    tcase_add_test(tcase,
                   a_user_with_a_mark_resizes_nothing_that_is_counted);
    tcase_add_test(tcase, what_is_cut_off_is_zeroed);
}

int main(void)
{
    return fixture_run("resize", add);
}
