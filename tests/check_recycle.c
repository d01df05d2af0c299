/* SPDX-License-Identifier: MIT
 *
 * check_recycle.c - a pool that was destroyed and is made again is a new one.
 *
 * A thread keeps some of the pools that it destroys.  Nothing of a pool's
 * first life may show in the next: options, numbers, objects, scopes.  And
 * what is kept goes when the thread does.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "pools.h"

#define KEPT 16u /* pools that a thread keeps; more than that are made here */
#define POOLS (3 * KEPT)

/* The numbers of a pool in which nothing was done. */
static void expect_new(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    ck_assert_uint_eq(stats.live_bytes, 0);
    ck_assert_uint_eq(stats.peak_objects, 0);
    ck_assert_uint_eq(stats.allocations, 0);
    ck_assert_uint_eq(stats.frees, 0);
    ck_assert_uint_eq(stats.resets, 0);
    ck_assert_uint_eq(stats.refused_size, 0);
    ck_assert_uint_eq(stats.children, 0);
    ck_assert_uint_eq(stats.blocks, 1);
}

/* A life in which much happens; returns one of its objects, which is none of
 * anybody's any more. */
static void *live(memory_pool_t *mp, uint64_t *random)
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
    if (support_below(random, 4) == 0) {
        free_all_memory(mp);
        objects[0] = mp_allocate(mp, 40);
    }
    return objects[0];
}

START_TEST(test_new)
{
    uint64_t random = support_seed();
    const void *old = NULL;

    for (unsigned i = 0; i < support_times(300, 30); i++) {
        memory_pool_t *mp = mp_create(NULL);
        ck_assert_ptr_nonnull(mp);
        expect_new(mp);
        if (old != NULL) {
            ck_assert(mp_locate(mp, old) != MP_LIVE);
            errno = 0;
            free_memory(mp, old);
            ck_assert_int_eq(errno, EINVAL);
        }
        old = live(mp, &random);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_ptr_eq(mp_owner(old), mp);
        destroy_memory_pool(mp);
        ck_assert_ptr_null(mp_owner(old));
    }
}
END_TEST

START_TEST(test_options)
{
    const mp_options_t reporting = {.report = pools_report,
                                    .max_object = 4096,
                                    .flags = MP_LEAK_CHECK};

    for (unsigned i = 0; i < 10; i++) {
        memory_pool_t *mp = mp_create(NULL);
        ck_assert_ptr_nonnull(mp_allocate(mp, 5000));
        memset(&pools_reported, 0, sizeof pools_reported);
        errno = 0;
        ck_assert_ptr_null(mp_allocate(mp, 0));
        ck_assert_int_eq(errno, EINVAL);
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
START_TEST(test_many)
{
    memory_pool_t *pools[POOLS];
    uint64_t random = support_seed();

    for (unsigned round = 0; round < support_times(20, 3); round++) {
        for (unsigned i = 0; i < POOLS; i++) {
            pools[i] = mp_create(NULL);
            ck_assert_ptr_nonnull(pools[i]);
            expect_new(pools[i]);
            for (unsigned k = 0; k < i; k++) {
                ck_assert_ptr_ne(pools[i], pools[k]);
            }
            live(pools[i], &random);
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
START_TEST(test_scopes)
{
    memory_pool_t *parent = mp_create(NULL);
    const mp_options_t below = {.parent = parent};
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
        expect_new(mp);
        errno = 0;
        ck_assert_int_eq(mp_rewind(mp, mark), -1);
        ck_assert_int_eq(errno, EINVAL);
        destroy_memory_pool(mp);
        ck_assert_uint_eq(calls, i + 1);

        /* A plain child, which is kept; its parent knows nothing of it. */
        mp = mp_create(&below);
        ck_assert_ptr_nonnull(mp_allocate(mp, 10));
        destroy_memory_pool(mp);
        expect_new(parent);
        mp = mp_create(NULL);
        free_all_memory(parent); /* does not end it */
        ck_assert_ptr_nonnull(mp_allocate(mp, 10));
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
        free_all_memory(parent);
        destroy_memory_pool(parent);
        parent = mp_create(NULL);
        ck_assert_ptr_eq(below.parent, parent);
    }
    destroy_memory_pool(parent);
}
END_TEST

/* Another thread's objects in it, or its end: then it is not kept. */
static void *use(void *mp)
{
    uint64_t random = 1;

    for (unsigned i = 0; i < 100; i++) {
        live(mp, &random);
    }
    return NULL;
}

static void *end(void *mp)
{
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(test_threads)
{
    for (unsigned i = 0; i < support_times(200, 20); i++) {
        memory_pool_t *mp = mp_create(NULL);
        pthread_t thread = support_start(use, mp);
        uint64_t random = i + 1;
        live(mp, &random);
        support_join(thread);
        if (i % 2 == 0) {
            support_join(support_start(end, mp));
        } else {
            destroy_memory_pool(mp);
        }
        mp = mp_create(NULL);
        expect_new(mp);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* What a thread kept serves others after it: the range does not grow. */
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
    for (unsigned i = 0; i < KEPT; i++) {
        destroy_memory_pool(pools[i]);
    }
    return NULL;
}

START_TEST(test_thread_ends)
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

static Suite *recycle_suite(void)
{
    Suite *suite = suite_create("recycle");
    TCase *all = support_case(suite, "all");

    tcase_add_test(all, test_new);
    tcase_add_test(all, test_options);
    tcase_add_test(all, test_many);
    tcase_add_test(all, test_scopes);
    tcase_add_test(all, test_threads);
    tcase_add_test(all, test_thread_ends);
    return suite;
}

int main(void)
{
    return support_run(recycle_suite());
}
