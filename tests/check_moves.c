/* SPDX-License-Identifier: MIT
 *
 * check_moves.c - pools are moved while other threads use them.
 *
 * Threads allocate, make, reset and destroy pools below, ask for statistics
 * and fork, while pools of their trees get other parents.  At the end each
 * limit counts to the byte what is below it.
 */
#include <errno.h>

#include "pools.h"
#include "threads.h"

#define WORKERS 3u
#define OBJECTS 40u
#define MOST (OBJECTS * 100u) /* bytes of one worker */
#define PARENTS 4u

/* Two trees: roots with a limit, one with a parent in between that has none
 * of its own and one that has; a root without a limit. */
static memory_pool_t *parents[PARENTS + 1]; /* the last is NULL */
static atomic_bool done;

static void make_parents(void)
{
    done = false;
    parents[0] = pools_limited(1000000, NULL);
    parents[1] = pools_limited(0, parents[0]);
    parents[2] = pools_limited(2000000, pools_limited(SIZE_MAX, NULL));
    parents[3] = pools_limited(0, NULL);
    parents[PARENTS] = NULL;
}

static void end_parents(void)
{
    memory_pool_t *top = mp_parent(parents[2]);

    mp_destroy(parents[3]);
    mp_destroy(top);
    mp_destroy(parents[0]);
}

/* Moves the pool about; how often that failed. */
static size_t move_about(memory_pool_t *mp, unsigned times)
{
    uint64_t random = support_seed();
    size_t failed = 0;

    for (; times > 0; times--) {
        size_t i = support_below(&random, PARENTS + 1);
        failed += mp_set_parent(mp, parents[i]) != 0;
    }
    return failed;
}

/* Holds some objects, and never more than MOST bytes; each allocation has
 * room.  The worker's pool may be moved. */
static void *churn(void *argument)
{
    memory_pool_t *mp = argument;
    void *objects[OBJECTS] = {NULL};
    size_t lost = 0;

    for (unsigned n = 0; !done || n < 200; n++) {
        unsigned i = n * 7 % OBJECTS;
        mp_free(mp, objects[i]);
        objects[i] = mp_allocate(mp, 1 + n % 100);
        lost += objects[i] == NULL;
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        mp_free(mp, objects[i]);
    }
    return (void *)lost;
}

/* Makes pools below, with an object each, one below the other, and destroys
 * or resets them. */
static void *make_and_end(void *argument)
{
    memory_pool_t *mp = argument;
    size_t lost = 0;

    for (unsigned n = 0; !done || n < 50; n++) {
        memory_pool_t *child = pools_limited(n % 3 == 0 ? MOST : 0, mp);
        memory_pool_t *below = pools_limited(n % 5 == 0 ? SIZE_MAX : 0, child);
        lost += mp_allocate(child, 100) == NULL;
        lost += mp_allocate(below, 50) == NULL;
        lost += mp_check(child) != 0;
        if (n % 4 == 0) {
            mp_reset(child);
        } else if (n % 4 == 1) {
            mp_destroy(below);
        }
        mp_destroy(child);
    }
    return (void *)lost;
}

static void *ask(void *argument)
{
    memory_pool_t *mp = argument;
    mp_stats_t stats;
    size_t wrong = 0;

    for (unsigned n = 0; !done || n < 50; n++) {
        wrong += mp_check(mp) != 0;
        wrong += mp_stats(mp, &stats) != 0;
        for (unsigned i = 0; i < PARENTS; i++) {
            wrong += mp_check(parents[i]) != 0;
            wrong += mp_stats(parents[i], &stats) != 0;
        }
    }
    return (void *)wrong;
}

/* Resets a pool that is moved, with those below it. */
static void *reset(void *argument)
{
    memory_pool_t *mp = argument;
    size_t lost = 0;

    for (unsigned n = 0; !done || n < 50; n++) {
        lost += mp_allocate(pools_limited(0, mp), 100) == NULL;
        lost += mp_allocate(mp, 100) == NULL;
        mp_reset(mp);
    }
    return (void *)lost;
}

/* Fills a pool of its own below the limit of a parent until that is full, and
 * gives all back: so credit is recalled from all that is there. */
static void *fill(void *argument)
{
    memory_pool_t *mp = pools_limited(0, argument);

    for (unsigned n = 0; !done || n < 10; n++) {
        size_t size = 700000;
        /* Where it is moved to there may be no limit. */
        for (unsigned i = 0; i < 60 && size > 0; i++) {
            size = mp_allocate(mp, size) == NULL ? size / 2 : size;
        }
        mp_reset(mp);
    }
    mp_destroy(mp);
    return NULL;
}

static size_t free_of(memory_pool_t *mp)
{
    mp_stats_t stats;

    POOLS_EXPECT(mp_check(mp) == 0);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    return stats.capacity_free;
}

/* Nothing is held below any of the parents, to the byte. */
static void expect_nothing_held(memory_pool_t *mp)
{
    POOLS_EXPECT(mp_check(mp) == 0);
    POOLS_EXPECT(mp_set_parent(mp, NULL) == 0); /* takes its credit back */
    ck_assert_uint_eq(free_of(parents[0]), 1000000);
    ck_assert_uint_eq(free_of(parents[2]), 2000000);
}

/* The work of all threads but one at once, and moves of that pool. */
static void *(*const works[])(void *) = {churn, make_and_end, ask, reset};
#define WORKS ((int)(sizeof works / sizeof works[0]))

/* _i: what the threads do; and whether in the pool that is moved, or in one
 * below.  A reset of the pool itself ends what the others have there. */
START_TEST(threads_work_on_in_a_pool_that_is_moved)
{
    make_parents();
    memory_pool_t *mp = pools_limited(_i % 2 == 0 ? SIZE_MAX : 500000, NULL);
    memory_pool_t *used =
        _i < WORKS ? mp : pools_limited(0, pools_limited(0, mp));
    void *(*work)(void *) = works[_i % WORKS];
    struct threads threads;

    threads_start(&threads, work == reset ? 1 : WORKERS, work, used, 0);
    size_t failed = move_about(mp, support_times(1000, 10));
    done = true;
    ck_assert_uint_eq(threads_join(&threads), 0);
    ck_assert_uint_eq(failed, 0);
    expect_nothing_held(mp);
    mp_destroy(mp);
    end_parents();
}
END_TEST

/* All of that together; two threads move two pools, of which one may come
 * below the other. */
static void *move_second(void *argument)
{
    memory_pool_t *const *pools = argument;
    uint64_t random = (uintptr_t)&random;
    size_t wrong = 0;

    while (!done) {
        size_t i = support_below(&random, PARENTS + 2);
        memory_pool_t *parent = i > PARENTS ? pools[0] : parents[i];
        wrong += mp_set_parent(pools[1], parent) != 0 && errno != ENOBUFS;
    }
    return (void *)wrong;
}

START_TEST(moves_of_two_threads_agree)
{
    make_parents();
    memory_pool_t *pools[2] = {pools_limited(SIZE_MAX, NULL),
                               pools_limited(300000, NULL)};
    struct threads allocating;
    struct threads making;
    struct threads second;

    threads_start(&allocating, 2, churn, pools[0], 0);
    threads_start(&making, 1, make_and_end, pools[1], 0);
    threads_start(&second, 1, move_second, pools, 0);
    size_t failed = move_about(pools[0], support_times(1000, 10));
    done = true;
    ck_assert_uint_eq(threads_join(&allocating), 0);
    ck_assert_uint_eq(threads_join(&making), 0);
    ck_assert_uint_eq(threads_join(&second), 0);
    ck_assert_uint_eq(failed, 0);
    POOLS_EXPECT(mp_set_parent(pools[1], NULL) == 0);
    expect_nothing_held(pools[0]);
    mp_destroy(pools[0]);
    mp_destroy(pools[1]);
    end_parents();
}
END_TEST

/* Full parents refuse some moves, and some allocations: that is right, and
 * nothing is lost by it. */
START_TEST(credit_is_recalled_from_trees_that_change)
{
    make_parents();
    memory_pool_t *mp = pools_limited(SIZE_MAX, NULL);
    struct threads filling;
    struct threads allocating;
    pthread_t other;

    threads_start(&filling, 2, fill, parents[_i], 0);
    threads_start(&allocating, 2, churn, pools_limited(0, mp), 0);
    other = threads_start_one(fill, mp);
    (void)move_about(mp, support_times(500, 10));
    done = true;
    ck_assert_uint_eq(threads_join(&filling), 0);
    (void)threads_join(&allocating);
    threads_join_one(other);
    expect_nothing_held(mp);
    ck_assert_uint_eq(pools_take_all(pools_limited(0, parents[1]), true),
                      1000000);
    mp_destroy(mp);
    end_parents();
}
END_TEST

/* A parent may go as soon as a pool was moved away from it, whatever other
 * threads do in the pool. */
START_TEST(the_old_parent_may_go_at_once)
{
    make_parents();
    memory_pool_t *mp = pools_limited(SIZE_MAX, NULL);
    struct threads threads[2];
    size_t failed = 0;

    threads_start(&threads[0], 2, churn, pools_limited(0, mp), 0);
    threads_start(&threads[1], 1, make_and_end, mp, 0);
    for (unsigned n = support_times(500, 10); n > 0; n--) {
        memory_pool_t *old =
            pools_limited(n % 2 == 0 ? SIZE_MAX : 500000, NULL);
        memory_pool_t *above = pools_limited(n % 3 == 0 ? 0 : 700000, NULL);
        failed += mp_set_parent(mp, old) != 0;
        failed += mp_set_parent(old, above) != 0;
        failed += mp_set_parent(mp, n % 5 == 0 ? parents[1] : NULL) != 0;
        mp_destroy(above);
    }
    done = true;
    ck_assert_uint_eq(threads_join(&threads[0]), 0);
    ck_assert_uint_eq(threads_join(&threads[1]), 0);
    ck_assert_uint_eq(failed, 0);
    expect_nothing_held(mp);
    mp_destroy(mp);
    end_parents();
}
END_TEST

static int work_in_child(void *argument)
{
    memory_pool_t *mp = argument;
    memory_pool_t *child = pools_limited(0, mp);

    for (unsigned i = 0; i <= PARENTS; i++) {
        if (mp_set_parent(mp, parents[i]) != 0 || mp_check(mp) != 0 ||
            mp_allocate(child, 10) == NULL) {
            return 1;
        }
    }
    mp_destroy(child);
    return 0;
}

static void *move_on(void *argument)
{
    uint64_t random = (uintptr_t)&random;

    while (!done) {
        (void)mp_set_parent(argument,
                            parents[support_below(&random, PARENTS + 1)]);
    }
    return NULL;
}

START_TEST(the_child_of_a_fork_beside_moves_moves_pools)
{
    make_parents();
    memory_pool_t *mp = pools_limited(SIZE_MAX, NULL);
    pthread_t mover = threads_start_one(move_on, mp);
    pthread_t maker = threads_start_one(make_and_end, mp);

    for (unsigned n = support_times(20, 4); n > 0; n--) {
        support_fork(work_in_child, mp);
    }
    done = true;
    threads_join_one(mover);
    threads_join_one(maker);
    expect_nothing_held(mp);
    mp_destroy(mp);
    end_parents();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moves");
    TCase *moves = support_case(suite, "moves");

    tcase_add_loop_test(moves, threads_work_on_in_a_pool_that_is_moved, 0,
                        2 * WORKS);
    tcase_add_test(moves, moves_of_two_threads_agree);
    tcase_add_loop_test(moves, credit_is_recalled_from_trees_that_change, 0,
                        PARENTS);
    tcase_add_test(moves, the_old_parent_may_go_at_once);
    tcase_add_test(moves, the_child_of_a_fork_beside_moves_moves_pools);
    return support_run(suite);
}
