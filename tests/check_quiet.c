/* SPDX-License-Identifier: MIT
 *
 * check_quiet.c - pools that are quickly made again and dropped.
 *
 * A pool that only its maker's cache used is dropped without a look at more
 * than that cache.  So whatever else a program does with a pool is done here in
 * one life, and must not show in the next.  Limits and numbers hold in each
 * life, for the pool and for those above.  And others look at all pools, or
 * fork, while a thread makes and drops some.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "pools.h"

#define LIVES 6u
#define ABOVE ((size_t)1 << 16)

/* Kinds of pools that are made again: alone, below a pool, below a limit. */
enum { PLAIN, LIMITED, CHILD, BOUNDED, REQUEST, KINDS };

static memory_pool_t *quiet_parents[KINDS];

static void quiet_start(void)
{
    const mp_options_t limit = {.capacity = ABOVE};

    quiet_parents[CHILD] = mp_create(NULL);
    quiet_parents[BOUNDED] = mp_create(&limit);
    quiet_parents[REQUEST] = mp_create(&limit);
    for (int kind = CHILD; kind < KINDS; kind++) {
        ck_assert_ptr_nonnull(quiet_parents[kind]);
    }
}

static void quiet_end(void)
{
    for (int kind = CHILD; kind < KINDS; kind++) {
        destroy_memory_pool(quiet_parents[kind]);
    }
}

static memory_pool_t *quiet_make(int kind)
{
    mp_options_t options = {.parent = quiet_parents[kind]};

    if (kind == LIMITED || kind == REQUEST) {
        options.capacity = 4096;
    }
    memory_pool_t *mp = mp_create(&options);
    POOLS_EXPECT(mp != NULL);
    return mp;
}

/* What a life is without anything else. */
static void *quiet_use(memory_pool_t *mp)
{
    void *object = NULL;

    for (unsigned i = 0; i < 10; i++) {
        object = mp_allocate(mp, 24 + i);
        POOLS_EXPECT(object != NULL);
        memset(object, 0x5a, 24 + i);
        if (i % 3 == 0) {
            free_memory(mp, object);
            object = mp_allocate(mp, 24 + i);
            POOLS_EXPECT(object != NULL);
        }
    }
    return object;
}

/* The first lives give the pool its cache and its blocks. */
static void quiet_warm(int kind)
{
    for (unsigned i = 0; i < LIVES; i++) {
        memory_pool_t *mp = quiet_make(kind);
        (void)quiet_use(mp);
        destroy_memory_pool(mp);
    }
}

/* An address of a former life, or of before a reset. */
static void expect_stale(memory_pool_t *mp, const void *old)
{
    errno = 0;
    free_memory(mp, old);
    ck_assert_int_eq(errno, EINVAL);
}

/* A request fails that a failure function would be told of. */
static void expect_failure(memory_pool_t *mp, int kind)
{
    bool own = kind == LIMITED || kind == REQUEST;
    void *most = mp_allocate(mp, 3500);

    ck_assert_ptr_nonnull(most);
    errno = 0;
    ck_assert_ptr_null(mp_allocate(mp, own ? 3500 : SIZE_MAX / 2));
    ck_assert(errno == ENOBUFS || errno == ENOMEM);
    free_memory(mp, most);
}

/* Numbers of each life, with resets in it, begin anew. */
START_TEST(numbers_and_stale_addresses_end_with_a_life)
{
    const void *old = NULL;
    mp_stats_t stats;

    quiet_warm(_i);
    for (unsigned i = 0; i < LIVES; i++) {
        memory_pool_t *mp = quiet_make(_i);
        if (i % 2 == 0) {
            (void)pools_expect_new(mp);
        }
        if (old != NULL) {
            ck_assert(mp_locate(mp, old) != MP_LIVE);
            expect_stale(mp, old);
        }
        for (unsigned k = 0; k < i; k++) {
            (void)quiet_use(mp);
            old = quiet_use(mp);
            free_all_memory(mp);
            expect_stale(mp, old);
        }
        old = quiet_use(mp);
        if (i % 3 == 0) {
            ck_assert_int_eq(mp_check(mp), 0);
            ck_assert_int_eq(mp_stats(mp, &stats), 0);
            ck_assert_uint_eq(stats.live_objects, 10);
            ck_assert_uint_eq(stats.resets, i);
            ck_assert_uint_eq(stats.frees, 4 + 28 * i);
            ck_assert_uint_eq(stats.allocations, 14 + 28 * i);
        }
        destroy_memory_pool(mp);
        ck_assert_ptr_null(mp_owner(old));
    }
}
END_TEST

/* What a program may set in a pool, with a reset behind it. */
static bool count_failure(memory_pool_t *mp, size_t size, int error,
                          void *context)
{
    (void)mp;
    (void)size;
    (void)error;
    ++*(unsigned *)context;
    return false;
}

static void count_near(memory_pool_t *mp, size_t used, void *context)
{
    (void)mp;
    (void)used;
    ++*(unsigned *)context;
}

static void count_call(void *context)
{
    ++*(unsigned *)context;
}

START_TEST(what_was_set_in_a_life_is_not_set_in_the_next)
{
    unsigned calls = 0;

    quiet_warm(_i);
    for (unsigned i = 0; i < 2 * LIVES; i++) {
        memory_pool_t *mp = quiet_make(_i);
        (void)quiet_use(mp);
        if (i % 2 == 0) {
            ck_assert_int_eq(mp_set_failure(mp, count_failure, &calls), 0);
            if (_i == LIMITED || _i == REQUEST) {
                ck_assert_int_eq(
                    mp_set_near_limit(mp, 1, count_near, &calls), 0);
            }
            ck_assert_int_eq(mp_add_cleanup(mp, count_call, &calls), 0);
            if (i % 4 == 0) {
                free_all_memory(mp);
                ck_assert_uint_eq(calls, 1);
                (void)quiet_use(mp);
                free_all_memory(mp);
            }
            destroy_memory_pool(mp);
            calls = 0;
        } else {
            expect_failure(mp, _i);
            (void)quiet_use(mp);
            destroy_memory_pool(mp);
            ck_assert_uint_eq(calls, 0);
        }
    }
}
END_TEST

/* A limit counts to the byte in each life, and is that life's own. */
START_TEST(each_life_has_its_own_limit)
{
    mp_stats_t stats;

    quiet_warm(LIMITED);
    for (size_t capacity = 1; capacity < 3000; capacity += 97) {
        memory_pool_t *mp = mp_create(&(mp_options_t){.capacity = capacity});
        size_t used = 0;
        ck_assert_ptr_nonnull(mp);
        while (used + 30 <= capacity) {
            POOLS_EXPECT(mp_allocate(mp, 30) != NULL);
            used += 30;
        }
        ck_assert_ptr_null(mp_allocate(mp, capacity - used + 1));
        if (used < capacity) {
            POOLS_EXPECT(mp_allocate(mp, capacity - used) != NULL);
        }
        ck_assert_ptr_null(mp_allocate(mp, 1));
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_bytes, capacity);
        ck_assert_uint_eq(stats.peak_bytes, capacity);
        destroy_memory_pool(mp);

        mp = mp_create(&(mp_options_t){.capacity = 2 * capacity});
        POOLS_EXPECT(mp_allocate(mp, capacity) != NULL);
        free_all_memory(mp);
        POOLS_EXPECT(mp_allocate(mp, (capacity + 1) / 2) != NULL);
        if (capacity % 2 == 0) {
            ck_assert_int_eq(mp_stats(mp, &stats), 0);
            ck_assert_uint_eq(stats.peak_bytes, capacity);
        }
        destroy_memory_pool(mp);
    }
}
END_TEST

/* What a child was lent stands in nobody's way, and comes back with its end. */
START_TEST(a_limit_above_is_exact_beside_children_made_again)
{
    memory_pool_t *parent = quiet_parents[_i];
    mp_stats_t stats;

    quiet_warm(_i);
    ck_assert_int_eq(mp_stats(parent, &stats), 0);
    uint64_t gone = stats.gone_children;
    for (unsigned i = 0; i < LIVES; i++) {
        memory_pool_t *child = quiet_make(_i);
        POOLS_EXPECT(mp_allocate(child, 100) != NULL);
        void *rest = mp_allocate(parent, ABOVE - 100);
        ck_assert_ptr_nonnull(rest);
        ck_assert_ptr_null(mp_allocate(child, 1));
        ck_assert_ptr_null(mp_allocate(parent, 1));
        free_memory(parent, rest);
        destroy_memory_pool(child);

        /* Made where nothing is left, and used when there is. */
        rest = mp_allocate(parent, ABOVE);
        ck_assert_ptr_nonnull(rest);
        child = quiet_make(_i);
        ck_assert_ptr_null(mp_allocate(child, 1));
        free_memory(parent, rest);
        (void)quiet_use(child);
        destroy_memory_pool(child);

        child = quiet_make(_i);
        (void)quiet_use(child);
        destroy_memory_pool(child);
        rest = mp_allocate(parent, ABOVE);
        ck_assert_ptr_nonnull(rest);
        free_memory(parent, rest);
        ck_assert_int_eq(mp_check(parent), 0);
        ck_assert_int_eq(mp_stats(parent, &stats), 0);
        ck_assert_uint_eq(stats.live_bytes, 0);
        ck_assert_uint_eq(stats.gone_children, gone + 3 * (i + 1));
    }
}
END_TEST

/* The numbers of children that are gone, with their highest use. */
START_TEST(a_parent_knows_what_its_quick_children_did)
{
    const mp_options_t limit = {.capacity = _i == 0 ? 0 : ABOVE};
    memory_pool_t *parent = mp_create(&limit);
    mp_options_t below = {.parent = parent,
                          .capacity = _i == 2 ? 4096 : 0};
    mp_stats_t stats;

    for (unsigned i = 0; i < LIVES; i++) {
        memory_pool_t *mp = mp_create(&below);
        POOLS_EXPECT(mp != NULL);
        for (unsigned k = 0; k < 20; k++) {
            void *object = mp_allocate(mp, 40);
            POOLS_EXPECT(object != NULL);
            if (k % 4 == 0) {
                free_memory(mp, object);
            }
        }
        destroy_memory_pool(mp);
        ck_assert_int_eq(mp_stats(parent, &stats), 0);
        ck_assert_uint_eq(stats.gone_children, i + 1);
        ck_assert_uint_eq(stats.gone_allocations, 20 * (i + 1));
        if (_i > 0) {
            ck_assert_uint_eq(stats.gone_peak_bytes, 15 * 40);
        }
    }
    destroy_memory_pool(parent);
}
END_TEST

/* Others look at pools that a thread makes and drops. */
static atomic_bool quiet_over;
static void *_Atomic quiet_seen;
static atomic_uint quiet_rounds;

static void *make_and_drop(void *unused)
{
    (void)unused;
    while (!atomic_load(&quiet_over)) {
        for (int kind = 0; kind < KINDS; kind++) {
            memory_pool_t *mp = quiet_make(kind);
            atomic_store(&quiet_seen, quiet_use(mp));
            free_all_memory(mp);
            (void)quiet_use(mp);
            destroy_memory_pool(mp);
        }
        atomic_fetch_add(&quiet_rounds, 1);
    }
    return NULL;
}

static int look(memory_pool_t *mp, void *unused)
{
    mp_stats_t stats;

    (void)unused;
    POOLS_EXPECT(mp_check(mp) == 0);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    return 0;
}

START_TEST(others_look_at_pools_that_are_made_and_dropped)
{
    mp_stats_t stats;

    atomic_store(&quiet_over, false);
    pthread_t thread = support_start(make_and_drop, NULL);
    for (unsigned i = 0; i < support_times(300, 30); i++) {
        POOLS_EXPECT(mp_each_pool(look, NULL) == 0);
        (void)mp_owner(atomic_load(&quiet_seen));
        for (int kind = CHILD; kind < KINDS; kind++) {
            POOLS_EXPECT(mp_stats(quiet_parents[kind], &stats) == 0);
            void *all = mp_allocate(quiet_parents[kind], 40000);
            POOLS_EXPECT(all != NULL);
            free_memory(quiet_parents[kind], all);
        }
    }
    atomic_store(&quiet_over, true);
    support_join(thread);
    for (int kind = BOUNDED; kind < KINDS; kind++) {
        void *all = mp_allocate(quiet_parents[kind], ABOVE);
        ck_assert_ptr_nonnull(all);
        free_memory(quiet_parents[kind], all);
    }
}
END_TEST

static bool quiet_child_starts;

/* The child of a fork has no thread that was making or dropping one.  A pool
 * that the thread had is there, with its objects. */
static int quiet_in_child(void *unused)
{
    (void)unused;
    for (int kind = BOUNDED; kind < KINDS; kind++) {
        void *all = mp_allocate(quiet_parents[kind], ABOVE - 1000);
        if (all == NULL || mp_check(quiet_parents[kind]) != 0) {
            return 1;
        }
        free_memory(quiet_parents[kind], all);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        quiet_warm(kind);
    }
    if (quiet_child_starts) {
        atomic_store(&quiet_over, true);
        support_join(support_start(make_and_drop, NULL));
    }
    return mp_each_pool(look, NULL);
}

#define QUIET_RESETS support_times(50000, 500)

/* Resets of a pool by two threads, of which one made it. */
static void *reset_often(void *argument)
{
    memory_pool_t *mp = argument;

    for (unsigned i = 0; i < QUIET_RESETS; i++) {
        if (i % 16 == 0) {
            POOLS_EXPECT(mp_allocate(mp, 24) != NULL);
        }
        mp_reset(mp);
    }
    return NULL;
}

/* Only a checker of threads sees that one of them reads without the lock what
 * the other writes, so the model in models/pools.cc has the same. */
START_TEST(two_threads_reset_a_quiet_pool)
{
    mp_stats_t stats;
    memory_pool_t *mp = quiet_make(PLAIN);

    pthread_t thread = support_start(reset_often, mp);
    (void)reset_often(mp);
    support_join(thread);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.resets, 2 * QUIET_RESETS);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_fork_meets_pools_that_are_made_and_dropped)
{
    atomic_store(&quiet_over, false);
    quiet_child_starts = support_child_has_threads();
    pthread_t thread = support_start(make_and_drop, NULL);
    for (unsigned i = 0; i < support_times(40, 5); i++) {
        unsigned rounds = atomic_load(&quiet_rounds);
        support_fork(quiet_in_child, NULL);
        while (atomic_load(&quiet_rounds) == rounds) {
            sched_yield();
        }
    }
    atomic_store(&quiet_over, true);
    support_join(thread);
}
END_TEST

/* A peak is never too low, however often the pool below was made before. */
START_TEST(the_pool_above_learns_the_peak_of_each_life)
{
    for (unsigned life = 0; life < LIVES; life++) {
        memory_pool_t *above = mp_create(NULL);
        const mp_options_t options = {.parent = above};
        memory_pool_t *first = mp_create(&options);
        memory_pool_t *mp = mp_create(&options);
        mp_stats_t stats;

        POOLS_EXPECT(first != NULL && mp != NULL);
        ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
        mp_destroy(mp);
        POOLS_EXPECT(mp_stats(above, &stats) == 0);
        ck_assert_uint_ge(stats.gone_peak_bytes, 1000);
        mp_destroy(above);
    }
}
END_TEST

static Suite *quiet_suite(void)
{
    Suite *suite = suite_create("quiet");
    TCase *all = support_case(suite, "all");

    tcase_add_checked_fixture(all, quiet_start, quiet_end);
    tcase_add_test(all, the_pool_above_learns_the_peak_of_each_life);
    tcase_add_loop_test(all, numbers_and_stale_addresses_end_with_a_life, 0,
                        KINDS);
    tcase_add_loop_test(all, what_was_set_in_a_life_is_not_set_in_the_next, 0,
                        KINDS);
    tcase_add_test(all, each_life_has_its_own_limit);
    tcase_add_loop_test(
        all, a_limit_above_is_exact_beside_children_made_again, BOUNDED,
        KINDS);
    tcase_add_loop_test(all, a_parent_knows_what_its_quick_children_did, 0, 3);
    tcase_add_test(all, others_look_at_pools_that_are_made_and_dropped);
    tcase_add_test(all, two_threads_reset_a_quiet_pool);
    tcase_add_test(all, a_fork_meets_pools_that_are_made_and_dropped);
    return suite;
}

int main(void)
{
    return support_run(quiet_suite());
}
