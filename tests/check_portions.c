/* SPDX-License-Identifier: MIT
 *
 * check_portions.c - calls that look at all of a large pool do so in portions,
 * so that other threads need not wait for all of it.
 *
 * In a pool that nobody else uses the answers are exact, however many portions
 * there were.  Beside other threads, objects keep their bytes, and no number is
 * beyond what can be.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define MIB ((size_t)1 << 20)
#define OBJECTS 60000u
#define ROOM (96 * MIB)

/* The kinds that have caches, and one that has none. */
static const mp_options_t kinds[] = {
    {.capacity = 0},
    {.capacity = ROOM},
    {.threads = MP_THREADS_LOCKED},
    {.threads = MP_THREADS_NONE},
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

static struct {
    unsigned char *objects[OBJECTS];
    size_t sizes[OBJECTS];
    size_t count;
    size_t bytes;
    size_t usable; /* bytes, as mp_usable_size() says */
} full;

static memory_pool_t *make(int kind)
{
    mp_options_t options = kinds[kind];

    options.name = "portions";
    options.report = pools_report;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    full.count = full.bytes = full.usable = 0;
    pools_forget_reports();
    return mp;
}

static bool holds(size_t i)
{
    const unsigned char *at = full.objects[i];

    return at[0] == (unsigned char)i &&
           at[full.sizes[i] - 1] == (unsigned char)i;
}

/* Objects of multiples of 16 bytes, one in a hundred of them long. */
static void fill(memory_pool_t *mp, size_t bytes, uint64_t *random)
{
    while (full.bytes < bytes && full.count < OBJECTS) {
        size_t size = support_below(random, 100) == 0
                          ? 16 * (1 + support_below(random, 6000))
                          : 16 * (1 + support_below(random, 60));
        unsigned char *at = mp_allocate(mp, size);
        POOLS_EXPECT(at != NULL);
        at[0] = at[size - 1] = (unsigned char)full.count;
        full.objects[full.count] = at;
        full.sizes[full.count++] = size;
        full.bytes += size;
        full.usable += mp_usable_size(mp, at);
    }
}

START_TEST(a_large_pool_is_counted_exactly)
{
    uint64_t random = support_seed();
    memory_pool_t *mp = make(_i);
    size_t chunks = 0;

    fill(mp, 20 * MIB, &random);
    mp_mark_t mark = mp_mark(mp);
    ck_assert(!MP_MARK_FAILED(mark));
    fill(mp, 45 * MIB, &random);
    mp_stats_t stats = pools_stats(mp);
    ck_assert_uint_eq(stats.live_objects, full.count);
    /* Pools that do not count to the byte count what may be used. */
    ck_assert_uint_eq(stats.live_bytes, full.usable);
    ck_assert_uint_ge(stats.live_bytes, full.bytes);
    ck_assert_uint_eq(stats.allocations, full.count);
    ck_assert_uint_eq(stats.frees, 0);
    ck_assert_uint_gt(stats.backing_bytes, full.bytes);
    ck_assert_uint_ge(stats.backing_bytes,
                      stats.live_bytes + stats.free_bytes);
    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        chunks += stats.class_live[i];
    }
    ck_assert_uint_eq(chunks, full.count);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

/* More than what a reset keeps: its blocks go without their map being read. */
START_TEST(a_large_reset_counts_and_forgets_every_object)
{
    uint64_t random = support_seed();
    memory_pool_t *mp = make(_i);
    size_t before = 0;

    for (unsigned round = 0; round < 3; round++) {
        full.count = full.bytes = full.usable = 0;
        fill(mp, 20 * MIB, &random);
        ck_assert(round != 1 || !MP_MARK_FAILED(mp_mark(mp)));
        fill(mp, 45 * MIB, &random);
        free_all_memory(mp);
        before += full.count;
        mp_stats_t stats = pools_stats(mp);
        ck_assert_uint_eq(stats.frees, before);
        ck_assert_uint_eq(stats.allocations, before);
        ck_assert_uint_eq(stats.live_objects, 0);
        ck_assert_uint_eq(stats.live_bytes, 0);
        ck_assert_uint_ge(stats.peak_objects, full.count);
        ck_assert_uint_lt(stats.backing_bytes, 24 * MIB);
        for (size_t i = 0; i < full.count; i++) {
            POOLS_EXPECT(!is_mp_ptr(mp, full.objects[i]));
        }
        ck_assert_ptr_null(mp_owner(full.objects[full.count - 1]));
        ck_assert_int_eq(mp_check(mp), 0);
        free_memory(mp, full.objects[full.count - 1]);
        ck_assert_uint_eq(pools_reported.count, 1);
        pools_forget_reports();
    }
    destroy_memory_pool(mp);
}
END_TEST

/* Another thread works in the pool, and checks the bytes that it wrote. */
static memory_pool_t *shared;
static atomic_bool done;

static void *work(void *number)
{
    uint64_t random = (uintptr_t)number;
    unsigned char *objects[64] = {NULL};
    size_t wrong = 0;

    while (!atomic_load(&done)) {
        size_t i = support_below(&random, 64);
        size_t size = 16 * (1 + support_below(&random, i == 0 ? 5000 : 80));
        if (objects[i] != NULL) {
            wrong += objects[i][0] != i || objects[i][15] != i;
            free_memory(shared, objects[i]);
        }
        objects[i] = mp_allocate(shared, size);
        if (objects[i] != NULL) {
            memset(objects[i], (int)i, size < 64 ? size : 64);
        }
    }
    for (size_t i = 0; i < 64; i++) {
        free_memory(shared, objects[i]);
    }
    return (void *)wrong;
}

static void look(memory_pool_t *mp)
{
    mp_stats_t stats = pools_stats(mp);

    POOLS_EXPECT(stats.allocations >= stats.frees);
    POOLS_EXPECT(stats.peak_bytes >= stats.live_bytes);
    POOLS_EXPECT(kinds[1].capacity >= stats.live_bytes);
    POOLS_EXPECT(stats.live_objects >= full.count / 2);
}

START_TEST(objects_stay_whole_beside_stats_and_trims)
{
    uint64_t random = support_seed();
    struct threads threads;
    size_t kept = 0;

    shared = make(_i);
    fill(shared, 40 * MIB, &random);
    atomic_store(&done, false);
    threads_start(&threads, 2, work, (void *)1, 1);
    for (unsigned round = 0; round < support_times(8, 4); round++) {
        look(shared);
        for (size_t i = kept; i < full.count && i < kept + 2000; i++) {
            if (i % 2 == 0) {
                free_memory(shared, full.objects[i]);
                full.objects[i] = NULL;
            }
        }
        kept += 2000;
        mp_trim(shared, 0);
        for (size_t i = 0; i < full.count; i++) {
            POOLS_EXPECT(full.objects[i] == NULL || holds(i));
        }
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    ck_assert_int_eq(mp_check(shared), 0);
    mp_stats_t stats = pools_stats(shared);
    ck_assert_uint_eq(stats.allocations - stats.frees, stats.live_objects);
    destroy_memory_pool(shared);
}
END_TEST

/* Objects that the other threads may still take until the next reset, so that
 * the pool has room for all. */
#define OTHERS 20000
static atomic_int others;

/* Takes objects and looks at none: a reset may come at any moment. */
static void *take(void *number)
{
    uint64_t random = (uintptr_t)number;
    size_t failed = 0;

    while (!atomic_load(&done)) {
        if (atomic_load(&others) <= 0) {
            sched_yield();
            continue;
        }
        size_t size = 16 * (1 + support_below(&random, 90));
        atomic_fetch_sub(&others, 1);
        failed += mp_allocate(shared, size) == NULL;
    }
    return (void *)failed;
}

START_TEST(a_large_reset_beside_other_threads_leaves_the_pool_whole)
{
    uint64_t random = support_seed();
    struct threads threads;

    shared = make(_i);
    atomic_store(&done, false);
    atomic_store(&others, OTHERS);
    threads_start(&threads, 2, take, (void *)1, 1);
    for (unsigned round = 0; round < support_times(6, 3); round++) {
        full.count = full.bytes = full.usable = 0;
        fill(shared, 24 * MIB, &random);
        free_all_memory(shared);
        atomic_store(&others, OTHERS);
        for (size_t i = 0; i < full.count; i += 64) {
            (void)mp_owner(full.objects[i]);
        }
        mp_stats_t stats = pools_stats(shared);
        POOLS_EXPECT(stats.allocations >= stats.frees);
        ck_assert_uint_eq(stats.resets, round + 1);
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    ck_assert_int_eq(mp_check(shared), 0);
    free_all_memory(shared);
    ck_assert_uint_eq(pools_stats(shared).live_objects, 0);
    ck_assert_int_eq(mp_check(shared), 0);
    destroy_memory_pool(shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("portions");
    TCase *alone = support_case(suite, "one thread");
    TCase *beside = support_case(suite, "beside others");

    tcase_add_loop_test(alone, a_large_pool_is_counted_exactly, 0, KINDS);
    tcase_add_loop_test(alone, a_large_reset_counts_and_forgets_every_object,
                        0, KINDS);
    /* The last kind is for one thread. */
    tcase_add_loop_test(beside, objects_stay_whole_beside_stats_and_trims, 0,
                        KINDS - 1);
    tcase_add_loop_test(
        beside, a_large_reset_beside_other_threads_leaves_the_pool_whole, 0,
        KINDS - 1);
    return support_run(suite);
}
