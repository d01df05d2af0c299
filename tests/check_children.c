/* SPDX-License-Identifier: MIT
 *
 * check_children.c - pools below pools: who counts what they hold.
 *
 * Resets and threads, which fill a capacity to the byte, and make and destroy
 * pools below one; trees that are deep, and wide.  Random work on such trees
 * is in check_tree_model.c, and what cleanups do in check_cleanups.c.
 */
#include <errno.h>

#include "pools.h"
#include "threads.h"

/* The reset of a pool gives back its whole capacity, and that of those above
 * what it held. */
START_TEST(a_reset_gives_its_capacity_back_to_the_pools_above)
{
    mp_options_t options = {.capacity = 1000,
                            .threads = (mp_threads_t)(_i % 3)};
    memory_pool_t *mp = mp_create(&options);

    options.parent = mp;
    options.capacity = _i < 3 ? 0 : 900;
    memory_pool_t *child = mp_create(&options);
    options.parent = child;
    memory_pool_t *below = mp_create(&options);
    ck_assert_ptr_nonnull(below);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_ptr_nonnull(mp_allocate(child, 300));
    ck_assert_ptr_nonnull(mp_allocate(below, 600));
    ck_assert_ptr_null(mp_allocate(below, 1));
    ck_assert_int_eq(errno, ENOBUFS);
    ck_assert_ptr_null(mp_allocate(mp, 1));
    free_all_memory(below);
    ck_assert_ptr_null(mp_allocate(mp, 601));
    ck_assert_ptr_nonnull(mp_allocate(below, 600));
    free_all_memory(child); /* and below is gone */
    ck_assert_ptr_null(mp_allocate(mp, 901));
    ck_assert_ptr_nonnull(mp_allocate(child, 900));
    ck_assert_ptr_null(mp_allocate(mp, 1));
    ck_assert_int_eq(mp_check(mp), 0);
    free_all_memory(mp);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
    destroy_memory_pool(mp);
}
END_TEST

#define SHARES 6
#define SHARE_CAPACITY 300007u

/* Fills a child of its own until the pool above is full. */
static void *take_share(void *argument)
{
    mp_options_t options = {.parent = argument};
    memory_pool_t *mp = mp_create(&options);

    POOLS_EXPECT(mp != NULL);
    size_t taken = pools_take_all(mp, true);
    POOLS_EXPECT(mp_check(mp) == 0);
    return (void *)taken;
}

START_TEST(children_fill_their_parents_capacity_to_the_byte)
{
    mp_options_t options = {.capacity = SHARE_CAPACITY};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < 3; round++) {
        size_t taken = threads_run(SHARES, take_share, mp, 0);
        /* Who frees last may leave some. */
        taken += pools_fill(mp, 1);
        ck_assert_uint_eq(taken, SHARE_CAPACITY);
        ck_assert_int_eq(mp_check(mp), 0);
        free_all_memory(mp);
        ck_assert_int_eq(mp_check(mp), 0);
    }
    destroy_memory_pool(mp);
}
END_TEST

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

/* Makes and drops pools below one, and pools below those. */
static void *come_and_go(void *argument)
{
    mp_options_t options = {.parent = argument};
    unsigned called = 0;
    unsigned other = 0;
    size_t wrong = 0;

    for (unsigned n = support_times(1500, 10); n > 0; n--) {
        options.threads = (mp_threads_t)(n % 3);
        options.parent = argument;
        memory_pool_t *mp = mp_create(&options);
        options.parent = mp;
        memory_pool_t *below = mp_create(&options);
        wrong += mp_add_cleanup(argument, count, &other) != 0;
        wrong += mp == NULL || below == NULL;
        wrong += mp_add_cleanup(mp, count, &called) != 0;
        wrong += mp_add_cleanup(below, count, &called) != 0;
        wrong += mp_allocate(below, 1 + n % 700) == NULL;
        wrong += mp_allocate(mp, 33) == NULL;
        wrong += n % 16 == 0 && mp_check(argument) != 0;
        if (n % 2 == 0) {
            destroy_memory_pool(below);
        }
        destroy_memory_pool(mp);
        wrong += mp_remove_cleanup(argument, count, &other) != 0;
        wrong += called != 2;
        called = 0;
    }
    return (void *)(wrong + other);
}

/* Each call that can make an object longer, in a pool that has no capacity of
 * its own. */
START_TEST(what_is_beyond_the_capacity_above_is_refused_as_full)
{
    static const size_t sizes[] = {1001, 70000, (size_t)16 << 20};
    mp_options_t options = {.capacity = 1000, .threads = (mp_threads_t)_i};
    memory_pool_t *parent = mp_create(&options);

    options = (mp_options_t){.parent = parent, .threads = options.threads};
    memory_pool_t *mp = mp_create(&options);
    void *at = mp_allocate(mp, 100);
    ck_assert_ptr_nonnull(at);
    for (int i = 0; i < 12; i++) {
        size_t size = sizes[i / 4];
        errno = 0;
        ck_assert_ptr_null(i % 4 == 0   ? mp_realloc(mp, at, size)
                           : i % 4 == 1 ? mp_calloc(mp, 1, size)
                           : i % 4 == 2
                               ? mp_aligned_realloc(mp, at, 64, size)
                               : mp_allocate(mp, size));
        ck_assert_int_eq(errno, ENOBUFS);
    }
    free_memory(mp, at);
    destroy_memory_pool(parent);
}
END_TEST

START_TEST(threads_make_and_drop_children_of_one_pool)
{
    mp_options_t options = {0};
    struct threads threads;
    unsigned called = 0;

    options.capacity = _i == 1 ? 100000 : 0;
    options.threads = _i == 2 ? MP_THREADS_LOCKED : MP_THREADS_CACHED;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    ck_assert_int_eq(mp_add_cleanup(mp, count, &called), 0);
    threads_start(&threads, 4, come_and_go, mp, 0);
    for (unsigned n = support_times(30000, 10); n > 0; n--) {
        void *at = mp_allocate(mp, 1 + n % 1500);
        POOLS_EXPECT(at != NULL);
        free_memory(mp, at);
    }
    ck_assert_uint_eq(threads_join(&threads), 0);
    mp_stats_t stats;
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.children, 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    if (_i == 1) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 100000));
    }
    ck_assert_uint_eq(called, 0);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(called, 1);
}
END_TEST

/* No call for each level: the stack would not do. */
START_TEST(a_tree_of_any_depth_is_ended_without_recursion)
{
    unsigned depth = support_times(20000, 10);
    unsigned called = 0;
    mp_options_t options = {.threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(&options);

    options.parent = mp;
    for (unsigned i = 0; i < depth; i++) {
        options.parent = mp_create(&options);
        POOLS_EXPECT(options.parent != NULL);
        POOLS_EXPECT(mp_add_cleanup(options.parent, count, &called) == 0);
        POOLS_EXPECT(mp_strdup(options.parent, "object") != NULL);
    }
    free_all_memory(mp);
    ck_assert_uint_eq(called, depth);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

/* Children that leave in another order than they came. */
START_TEST(children_leave_in_another_order_than_they_came)
{
    static memory_pool_t *children[1000];
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    uint64_t random = support_seed();
    mp_stats_t stats;

    options.parent = mp;
    options.threads = MP_THREADS_LOCKED;
    for (unsigned i = 0; i < 1000; i++) {
        children[i] = mp_create(&options);
        POOLS_EXPECT(children[i] != NULL);
    }
    for (size_t left = 1000; left > 100; left--) {
        size_t i = support_below(&random, left);
        destroy_memory_pool(children[i]);
        children[i] = children[left - 1];
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        POOLS_EXPECT(stats.children == left - 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        POOLS_EXPECT(mp_strdup(children[i], "still here") != NULL);
    }
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("children");
    TCase *alone = support_case(suite, "alone");
    TCase *shared = support_case(suite, "shared");

    tcase_add_loop_test(alone,
                        a_reset_gives_its_capacity_back_to_the_pools_above, 0,
                        6);
    tcase_add_test(alone, a_tree_of_any_depth_is_ended_without_recursion);
    tcase_add_loop_test(alone, children_leave_in_another_order_than_they_came,
                        0, 3);
    tcase_add_test(shared, children_fill_their_parents_capacity_to_the_byte);
    tcase_add_loop_test(shared,
                        what_is_beyond_the_capacity_above_is_refused_as_full, 0,
                        3);
    tcase_add_loop_test(shared, threads_make_and_drop_children_of_one_pool, 0,
                        3);
    return support_run(suite);
}
