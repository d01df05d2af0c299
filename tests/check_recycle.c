/* SPDX-License-Identifier: MIT
 *
 * check_recycle.c - a pool that was destroyed and is made again is a new one.
 *
 * A thread keeps some of the pools that it destroys.  Nothing of a pool's
 * first life may show in the next: options, numbers, objects, scopes.  And
 * what is kept goes when the thread does.  Pools with a name are never kept:
 * some tests use that to have one that is new, or is gone, for certain.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define KEPT 16u /* pools that a thread keeps; more than that are made here */
#define POOLS (3 * KEPT)

/* A life in which much happens, with resets only where no other thread uses
 * the pool; returns one of its objects, which is none of anybody's any more. */
static void *live(memory_pool_t *mp, uint64_t *random, bool alone)
{
    void *objects[200];
    size_t count = 1 + support_below(random, 200);

    for (size_t i = 0; i < count; i++) {
        size_t size = 1 + support_below(random, 300);
        objects[i] = mp_allocate(mp, size);
        POOLS_EXPECT(objects[i] != NULL);
        support_fill(objects[i], size, (uint32_t)i);
        if (support_below(random, 3) == 0) {
            free_memory(mp, objects[i]);
        }
    }
    POOLS_EXPECT(mp_allocate(mp, 0) == NULL);
    if (alone && support_below(random, 4) == 0) {
        free_all_memory(mp);
        objects[0] = mp_allocate(mp, 40);
    }
    return objects[0];
}

START_TEST(nothing_of_a_pools_first_life_shows_in_the_next)
{
    uint64_t random = support_seed();
    const void *old = NULL;

    for (unsigned i = 0; i < support_times(300, 30); i++) {
        memory_pool_t *mp = mp_create(NULL);
        ck_assert_ptr_nonnull(mp);
        pools_expect_new(mp);
        if (old != NULL) {
            ck_assert(mp_locate(mp, old) != MP_LIVE);
            errno = 0;
            free_memory(mp, old);
            ck_assert_int_eq(errno, EINVAL);
        }
        old = live(mp, &random, true);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_ptr_eq(mp_owner(old), mp);
        destroy_memory_pool(mp);
        ck_assert_ptr_null(mp_owner(old));
    }
}
END_TEST

START_TEST(options_of_a_first_life_are_gone_in_the_next)
{
    const mp_options_t reporting = {.report = pools_report,
                                    .max_object = 4096,
                                    .flags = MP_LEAK_CHECK};

    for (unsigned i = 0; i < 10; i++) {
        memory_pool_t *mp = mp_create(NULL);
        ck_assert_ptr_nonnull(mp_allocate(mp, 5000));
        pools_forget_reports();
        SUPPORT_REFUSED(mp_allocate(mp, 0), NULL);
        ck_assert_uint_eq(pools_reported.count, 0);
        destroy_memory_pool(mp); /* and no leak is told of */
        ck_assert_uint_eq(pools_reported.count, 0);

        mp = mp_create(&reporting);
        ck_assert_ptr_nonnull(mp);
        ck_assert_ptr_null(mp_allocate(mp, 5000));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_uint_eq(pools_reported.count, 1);
        ck_assert_ptr_eq(pools_reported.mp, mp);
        ck_assert_ptr_nonnull(mp_allocate(mp, 40));
        destroy_memory_pool(mp);
        ck_assert_uint_eq(pools_reported.count, 3); /* one line, and in all */
    }
}
END_TEST

/* More at once than are kept, in an order in which they were not made. */
START_TEST(pools_beyond_those_kept_are_new_in_any_order)
{
    memory_pool_t *pools[POOLS];
    uint64_t random = support_seed();

    for (unsigned round = 0; round < support_times(20, 3); round++) {
        for (unsigned i = 0; i < POOLS; i++) {
            pools[i] = mp_create(NULL);
            ck_assert_ptr_nonnull(pools[i]);
            pools_expect_new(pools[i]);
            for (unsigned k = 0; k < i; k++) {
                ck_assert_ptr_ne(pools[i], pools[k]);
            }
            live(pools[i], &random, true);
        }
        for (unsigned i = POOLS; i > 0; i--) {
            size_t k = support_below(&random, i);
            ck_assert_int_eq(mp_check(pools[k]), 0);
            destroy_memory_pool(pools[k]);
            pools[k] = pools[i - 1];
        }
    }
}
END_TEST

static void count_call(void *argument)
{
    ++*(unsigned *)argument;
}

/* What a pool was part of does not come back with it. */
START_TEST(parent_cleanups_and_marks_do_not_come_back)
{
    memory_pool_t *parent = mp_create(NULL);
    mp_options_t below = {.parent = parent};
    mp_stats_t stats;
    unsigned calls = 0;

    for (unsigned i = 0; i < 10; i++) {
        memory_pool_t *mp = mp_create(&below);
        ck_assert_ptr_nonnull(mp);
        ck_assert_int_eq(mp_add_cleanup(mp, count_call, &calls), 0);
        mp_mark_t mark = mp_mark(mp);
        ck_assert_ptr_nonnull(mp_allocate(mp, 100));
        mp_handle_t *handle = mp_attach(mp);
        ck_assert_ptr_nonnull(handle);
        ck_assert_ptr_nonnull(mp_handle_allocate(handle, 100));
        destroy_memory_pool(mp);
        ck_assert_uint_eq(calls, i + 1);
        mp = mp_create(NULL);
        pools_expect_new(mp);
        SUPPORT_REFUSED(mp_rewind(mp, mark), -1);
        destroy_memory_pool(mp);
        ck_assert_uint_eq(calls, i + 1);

        /* A plain child, which is kept; its parent knows nothing of it. */
        mp = mp_create(&below);
        ck_assert_ptr_nonnull(mp_allocate(mp, 10));
        destroy_memory_pool(mp);
        pools_expect_new(parent);
        mp = mp_create(NULL);
        free_all_memory(parent); /* does not end it */
        ck_assert_ptr_nonnull(mp_allocate(mp, 10));
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
        free_all_memory(parent);
        ck_assert_ptr_nonnull(mp_allocate(parent, 10));
        ck_assert_int_eq(mp_stats(parent, &stats), 0);
        destroy_memory_pool(parent);
        parent = mp_create(NULL);
        /* Without a range of addresses no pool is kept. */
        ck_assert(parent == below.parent || stats.cached_bytes == 0);
        below.parent = parent;
    }
    destroy_memory_pool(parent);
}
END_TEST

/* Another thread's objects in it, or its end: then it is not kept. */
static void *use(void *mp)
{
    uint64_t random = 1;

    for (unsigned i = 0; i < 20; i++) {
        live(mp, &random, false);
    }
    return NULL;
}

static void *end(void *mp)
{
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(a_pool_that_another_thread_used_or_ended_is_new)
{
    for (unsigned i = 0; i < support_times(200, 20); i++) {
        memory_pool_t *mp = mp_create(NULL);
        pthread_t thread = support_start(use, mp);
        uint64_t random = i + 1;
        live(mp, &random, false);
        support_join(thread);
        if (i % 2 == 0) {
            support_join(support_start(end, mp));
        } else {
            destroy_memory_pool(mp);
        }
        mp = mp_create(NULL);
        pools_expect_new(mp);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* Objects, of which every other one is freed. */
static void work(memory_pool_t *mp, unsigned pairs)
{
    for (unsigned i = 0; i < pairs; i++) {
        void *freed = mp_allocate(mp, 40);
        POOLS_EXPECT(freed != NULL);
        POOLS_EXPECT(mp_allocate(mp, 40) != NULL);
        free_memory(mp, freed);
    }
}

/* Another thread's cache is in the pool at its end, with or without one of
 * the maker's; that thread then uses what is at the same address. */
struct beside {
    memory_pool_t *mp;
    struct threads_barrier barrier;
    unsigned rounds;
};

static void *work_beside(void *argument)
{
    struct beside *beside = argument;

    for (unsigned i = 0; i < beside->rounds; i++) {
        threads_barrier_wait(&beside->barrier);
        work(beside->mp, 5);
        threads_barrier_wait(&beside->barrier);
    }
    return NULL;
}

START_TEST(a_cache_of_another_thread_has_nothing_of_the_first_life)
{
    struct beside beside = {.rounds = support_times(50, 5)};

    threads_barrier_start(&beside.barrier, 2);
    pthread_t thread = support_start(work_beside, &beside);
    for (unsigned i = 0; i < beside.rounds; i++) {
        beside.mp = mp_create(NULL);
        if (_i == 1) {
            work(beside.mp, 5);
        }
        threads_barrier_wait(&beside.barrier);
        threads_barrier_wait(&beside.barrier);
        destroy_memory_pool(beside.mp);
        memory_pool_t *mp = mp_create(NULL);
        mp_stats_t stats;
        size_t blocks = pools_expect_new(mp);
        work(mp, 5);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.allocations, 10);
        ck_assert_uint_eq(stats.frees, 5);
        /* And the other thread's cache has none of the first block. */
        ck_assert_uint_eq(stats.blocks, blocks);
        destroy_memory_pool(mp);
    }
    support_join(thread);
    threads_barrier_end(&beside.barrier);
}
END_TEST

/* A mark is open at the end, and nothing else is special. */
START_TEST(a_pool_that_ended_with_an_open_mark_is_new)
{
    for (unsigned i = 0; i < 3; i++) {
        memory_pool_t *mp = mp_create(NULL);
        mp_mark_t mark = mp_mark(mp);
        ck_assert_ptr_nonnull(mp_allocate(mp, 100));
        destroy_memory_pool(mp);
        mp = mp_create(NULL);
        pools_expect_new(mp);
        SUPPORT_REFUSED(mp_rewind(mp, mark), -1);
        work(mp, 10);
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* At the end more is free of one length than a cache keeps for itself. */
#define MANY 900u
START_TEST(a_pool_that_ended_with_many_freed_objects_is_new)
{
    static unsigned char *objects[MANY];

    for (unsigned i = 0; i < 4; i++) {
        memory_pool_t *mp = mp_create(NULL);
        /* So large that the small ones have a block of their own. */
        ck_assert_ptr_nonnull(mp_allocate(mp, 5000));
        for (uint32_t k = 0; k < MANY; k++) {
            objects[k] = mp_allocate(mp, 16);
            POOLS_EXPECT(objects[k] != NULL);
            support_fill(objects[k], 16, k);
        }
        for (uint32_t k = 0; k < MANY; k++) {
            POOLS_EXPECT(support_holds(objects[k], 16, k));
            free_memory(mp, objects[k]);
        }
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* A pool without a name has none, whatever it was called before. */
static void print_name(memory_pool_t *mp, mp_event_t event,
                       const char *message, const void *ptr, void *context)
{
    (void)event;
    (void)message;
    (void)ptr;
    mp_stats_print(mp, context, MP_JSON);
}

START_TEST(a_name_does_not_come_back)
{
    static const char name[] = "first-life";
    const mp_options_t named = {.name = name};

    for (unsigned i = 0; i < 6; i++) {
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);
        mp_options_t options = {.report = print_name, .report_context = file};
        options.name = i % 2 == 0 ? NULL : name;
        destroy_memory_pool(mp_create(&named));
        memory_pool_t *mp = mp_create(&options);
        ck_assert_ptr_null(mp_allocate(mp, 0));
        destroy_memory_pool(mp);
        fclose(file);
        ck_assert_uint_gt(length, 0);
        ck_assert((strstr(text, name) != NULL) == (i % 2 != 0));
        free(text);
    }
}
END_TEST

/* A report goes to whom the new pool's maker named. */
static void count_report(memory_pool_t *mp, mp_event_t event,
                         const char *message, const void *ptr, void *context)
{
    (void)mp;
    (void)event;
    (void)message;
    (void)ptr;
    ++*(unsigned *)context;
}

START_TEST(a_report_goes_to_the_context_of_the_new_maker)
{
    unsigned reports[2] = {0, 0};

    for (unsigned i = 0; i < 6; i++) {
        const mp_options_t options = {.report = count_report,
                                      .report_context = &reports[i % 2]};
        memory_pool_t *mp = mp_create(&options);
        ck_assert_ptr_null(mp_allocate(mp, 0));
        ck_assert_uint_eq(reports[i % 2], 1 + i / 2);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* The memory of a large object goes with the pool, were it live or free. */
START_TEST(the_memory_of_a_large_object_goes_with_its_pool)
{
    for (unsigned i = 0; i < 4; i++) {
        size_t size = i < 2 ? (size_t)1 << 20 : 200000;
        memory_pool_t *mp = mp_create(NULL);
        mp_stats_t stats;
        void *object = mp_allocate(mp, size);
        ck_assert_ptr_nonnull(object);
        if (i % 2 != 0) {
            free_memory(mp, object);
        }
        destroy_memory_pool(mp);
        mp = mp_create(NULL);
        pools_expect_new(mp);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_lt(stats.backing_bytes, size);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* Its first objects come from a run that it has from the start. */
START_TEST(a_pool_made_again_notes_the_peak_of_its_first_objects)
{
    mp_stats_t stats;

    for (unsigned life = 0; life < 3; life++) {
        memory_pool_t *mp = mp_create(NULL);
        POOLS_EXPECT(mp != NULL);
        void *object = mp_allocate(mp, 500);
        POOLS_EXPECT(object != NULL);
        free_memory(mp, object);
        mp_trim(mp, 0); /* no cache has it any more */
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        ck_assert_uint_ge(stats.peak_bytes, 500);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* The most bytes that a pool ever had are those of its own life. */
START_TEST(the_peak_is_that_of_the_new_life)
{
    for (unsigned i = 0; i < 4; i++) {
        memory_pool_t *mp = mp_create(NULL);
        mp_stats_t stats;
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_le(stats.peak_bytes,
                          stats.live_bytes + stats.cached_bytes);
        work(mp, 30);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* What a thread kept serves others after it: the range does not grow. */
#define AT_ONCE 8u
static struct threads_barrier *all_made; /* waited at before the drop, if any */

static void *make_and_drop(void *argument)
{
    uintptr_t *highest = argument;
    memory_pool_t *pools[KEPT];

    for (unsigned i = 0; i < KEPT; i++) {
        pools[i] = mp_create(NULL);
        POOLS_EXPECT(pools[i] != NULL);
        POOLS_EXPECT(mp_allocate(pools[i], 24) != NULL);
        if ((uintptr_t)pools[i] > *highest) {
            *highest = (uintptr_t)pools[i];
        }
    }
    if (all_made != NULL) {
        threads_barrier_wait(all_made);
    }
    for (unsigned i = 0; i < KEPT; i++) {
        destroy_memory_pool(pools[i]);
    }
    return NULL;
}

START_TEST(pools_kept_by_a_thread_serve_others_after_its_end)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;
    uintptr_t highest = 0;
    uintptr_t later = 0;

    ck_assert_ptr_nonnull(mp_allocate(mp, 10));
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    for (unsigned i = 0; i < 100; i++) {
        support_join(support_start(make_and_drop, i < 2 ? &highest : &later));
    }
    /* Where there is no range, the system's malloc says where pools are. */
    if (stats.cached_bytes > 0) {
        ck_assert_uint_le(later, highest);
    }
    destroy_memory_pool(mp);
}
END_TEST

/* The same, where the threads were there all at once, so that the next one is
 * not just another in the same place. */
START_TEST(pools_kept_by_many_threads_serve_others_after_their_end)
{
    struct threads_barrier barrier;
    uintptr_t highest[AT_ONCE] = {0};
    memory_pool_t *pools[AT_ONCE * KEPT / 2];
    mp_stats_t stats;

    threads_barrier_start(&barrier, AT_ONCE);
    all_made = &barrier;
    threads_run(AT_ONCE, make_and_drop, highest, sizeof highest[0]);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (highest[i] > highest[0]) {
            highest[0] = highest[i];
        }
    }
    all_made = NULL;
    for (unsigned i = 0; i < AT_ONCE * KEPT / 2; i++) {
        pools[i] = mp_create(NULL);
        POOLS_EXPECT(pools[i] != NULL);
        POOLS_EXPECT(mp_allocate(pools[i], 24) != NULL);
        POOLS_EXPECT(mp_stats(pools[i], &stats) == 0);
        POOLS_EXPECT(stats.cached_bytes == 0 ||
                     (uintptr_t)pools[i] <= highest[0]);
    }
    for (unsigned i = 0; i < AT_ONCE * KEPT / 2; i++) {
        destroy_memory_pool(pools[i]);
    }
    threads_barrier_end(&barrier);
}
END_TEST

/* An address of a pool that is gone, while what was that pool's own place is
 * another pool's memory, with anything in it. */
START_TEST(an_address_of_a_gone_pool_has_no_owner_but_what_lies_there)
{
    const mp_options_t named = {.name = "never kept"};
    memory_pool_t *mp = mp_create(&named);
    memory_pool_t *gone = mp_create(&named);
    const void *old = NULL;
    bool over = false; /* an object lies where the pool was */
    mp_stats_t stats;

    for (unsigned i = 0; i < 40; i++) { /* beyond the pool's first block */
        old = mp_allocate(gone, 48);
        ck_assert_ptr_nonnull(old);
    }
    ck_assert_ptr_eq(mp_owner(old), gone);
    ck_assert_int_eq(mp_stats(gone, &stats), 0);
    uintptr_t place = (uintptr_t)gone;
    destroy_memory_pool(gone);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t *words = mp_allocate(mp, 48);
        ck_assert_ptr_nonnull(words);
        for (unsigned k = 0; k < 6; k++) {
            words[k] = UINT64_C(0x5a5a5a5a5a5a5a00); /* no address */
        }
        over = over || (uintptr_t)words - place < 1024;
    }
    ck_assert(over || stats.cached_bytes == 0); /* else nothing is shown */
    memory_pool_t *owner = mp_owner(old);
    ck_assert(owner == NULL || owner == mp);
    destroy_memory_pool(mp);
}
END_TEST

static Suite *recycle_suite(void)
{
    Suite *suite = suite_create("recycle");
    TCase *all = support_case(suite, "all");

    tcase_add_test(all, nothing_of_a_pools_first_life_shows_in_the_next);
    tcase_add_test(all, options_of_a_first_life_are_gone_in_the_next);
    tcase_add_test(all, pools_beyond_those_kept_are_new_in_any_order);
    tcase_add_test(all, parent_cleanups_and_marks_do_not_come_back);
    tcase_add_test(all, a_pool_that_another_thread_used_or_ended_is_new);
    tcase_add_loop_test(
        all, a_cache_of_another_thread_has_nothing_of_the_first_life, 0, 2);
    tcase_add_test(all, a_pool_that_ended_with_an_open_mark_is_new);
    tcase_add_test(all, a_pool_that_ended_with_many_freed_objects_is_new);
    tcase_add_test(all, a_name_does_not_come_back);
    tcase_add_test(all, a_report_goes_to_the_context_of_the_new_maker);
    tcase_add_test(all, the_memory_of_a_large_object_goes_with_its_pool);
    tcase_add_test(all, the_peak_is_that_of_the_new_life);
    tcase_add_test(all,
                   a_pool_made_again_notes_the_peak_of_its_first_objects);
    tcase_add_test(all, pools_kept_by_a_thread_serve_others_after_its_end);
    tcase_add_test(all,
                   pools_kept_by_many_threads_serve_others_after_their_end);
    tcase_add_test(all,
                   an_address_of_a_gone_pool_has_no_owner_but_what_lies_there);
    return suite;
}

int main(void)
{
    return support_run(recycle_suite());
}
