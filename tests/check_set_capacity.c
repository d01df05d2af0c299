/* SPDX-License-Identifier: MIT
 *
 * check_set_capacity.c - a capacity that changes while the pool is in use.
 *
 * On each kind of pool that can have a capacity: the new limit is exact, to the
 * byte, also while caches hold credit and while other threads use the pool or
 * pools below it.  A capacity below what is in use is refused, and nothing
 * changes.  check_limits_model.c and check_tree_model.c have random sequences.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define THREADS 4u

/* With an mp_options_t.threads each, and what else makes a kind of its own. */
enum { CACHED, LOCKED, ALONE, ZERO, MMAP, TRACKED, BELOW, KINDS };

static memory_pool_t *above;

static memory_pool_t *make(int kind, size_t capacity, size_t max_object)
{
    mp_options_t options = {.capacity = capacity,
                            .max_object = max_object,
                            .report = pools_report};

    above = NULL;
    if (kind == LOCKED || kind == ALONE) {
        options.threads = (mp_threads_t)kind;
    }
    options.flags = kind == ZERO ? MP_ZERO_ON_FREE
                    : kind == TRACKED ? MP_REDZONE : 0;
    options.backing = kind == MMAP ? &mp_backing_mmap : NULL;
    if (kind == BELOW) {
        const mp_options_t high = {.capacity = SIZE_MAX / 2};
        above = options.parent = mp_create(&high);
    }
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    return mp;
}

static void end(memory_pool_t *mp)
{
    ck_assert_int_eq(mp_check(mp), 0);
    if (above != NULL) {
        ck_assert_int_eq(mp_check(above), 0);
    }
    mp_destroy(mp);
    if (above != NULL) {
        mp_destroy(above);
    }
}

static size_t peak_of(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    return stats.peak_bytes;
}

START_TEST(the_new_capacity_is_exact)
{
    memory_pool_t *mp = make(_i, 5000, 0);
    size_t held = pools_take_all(mp, true);

    ck_assert_uint_eq(held, 5000);
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_set_capacity(mp, 70001), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(pools_take_all(mp, true), 65001);
    void *object = NULL;
    mp_reset(mp);
    ck_assert_ptr_nonnull(object = mp_allocate(mp, 30000));
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_int_eq(mp_set_capacity(mp, 30500), 0);
    ck_assert_uint_eq(pools_take_all(mp, false), 400);
    mp_free(mp, object);
    ck_assert_uint_eq(pools_take_all(mp, false), 30000);
    ck_assert_uint_eq(peak_of(mp), 70001);
    end(mp);
}
END_TEST

START_TEST(less_than_is_in_use_is_refused_and_nothing_changes)
{
    memory_pool_t *mp = make(_i, 5000, 0);
    char *object = mp_allocate(mp, 1000);

    strcpy(object, "object");
    mp_free(mp, mp_allocate(mp, 2000));
    pools_forget_reports();
    ck_assert_int_eq(mp_set_capacity(mp, 999), -1);
    pools_expect_report(mp, MP_EVENT_FULL,
                        "the memory pool holds more than the new capacity",
                        NULL, ENOBUFS);
    mp_stats_t stats;
    mp_stats(mp, &stats);
    ck_assert_uint_eq(stats.refused_full, 0); /* no object was refused */
    ck_assert_str_eq(object, "object");
    ck_assert_uint_eq(pools_take_all(mp, false), 4000);
    mp_reset(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
    ck_assert_int_eq(mp_set_capacity(mp, 1000), 0);
    ck_assert_ptr_null(mp_allocate(mp, 1));
    end(mp);
}
END_TEST

START_TEST(no_limit_comes_and_goes)
{
    memory_pool_t *mp = make(_i, SIZE_MAX, 0);
    void *large = mp_allocate(mp, 3000000);

    ck_assert_ptr_nonnull(large);
    ck_assert_int_eq(mp_set_capacity(mp, 3000001), 0);
    ck_assert_uint_eq(pools_take_all(mp, false), 1);
    ck_assert_int_eq(mp_set_capacity(mp, 0), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 4000000));
    mp_free(mp, large);
    ck_assert_int_eq(mp_set_capacity(mp, 4000000), -1);
    ck_assert_int_eq(mp_set_capacity(mp, 4000001), 0);
    ck_assert_ptr_null(mp_allocate(mp, 1));
    ck_assert_uint_eq(peak_of(mp), 7000001);
    end(mp);
}
END_TEST

/* The largest object goes with the capacity, unless it is the program's. */
START_TEST(the_largest_object_is_the_new_capacity)
{
    memory_pool_t *mp = make(_i, 5000, 0);

    ck_assert_ptr_null(mp_allocate(mp, 5001));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(mp_set_capacity(mp, 100000), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100000));
    mp_reset(mp);
    ck_assert_int_eq(mp_set_capacity(mp, 100), 0);
    ck_assert_ptr_null(mp_allocate(mp, 101));
    ck_assert_int_eq(errno, EINVAL);
    end(mp);
    mp = make(_i, 5000, 5000);
    ck_assert_int_eq(mp_set_capacity(mp, 100000), 0);
    ck_assert_ptr_null(mp_allocate(mp, 5001));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_nonnull(mp_allocate(mp, 5000));
    end(mp);
}
END_TEST

START_TEST(a_pool_made_without_a_capacity_gets_none)
{
    const mp_options_t high = {.capacity = 1000, .report = pools_report};
    memory_pool_t *root = mp_create(&high);
    const mp_options_t kinds[] = {
        {.report = pools_report},
        {.threads = MP_THREADS_LOCKED, .report = pools_report},
        {.parent = root, .report = pools_report},
    };

    for (unsigned i = 0; i < 3; i++) {
        memory_pool_t *mp = mp_create(&kinds[i]);
        pools_forget_reports();
        ck_assert_int_eq(mp_set_capacity(mp, 500), -1);
        pools_expect_report(mp, MP_EVENT_OPTION,
                            "the memory pool has no capacity", NULL, EINVAL);
        ck_assert_int_eq(mp_set_capacity(mp, 0), -1);
        mp_destroy(mp);
    }
    SUPPORT_REFUSED(mp_set_capacity(NULL, 500), -1);
    memory_pool_t *base = init_memory_pool();
    ck_assert_int_eq(mp_set_capacity(base, 2 * MAX_BLOCK_SIZE), 0);
    support_capture(); /* such a pool prints */
    ck_assert_uint_eq(pools_take_all(base, true), 2 * MAX_BLOCK_SIZE);
    support_release_messages();
    destroy_memory_pool(base);
    mp_destroy(root);
}
END_TEST

/* A parent's limit counts what children hold, and not what their caches were
 * lent. */
START_TEST(credit_below_is_recalled_before_a_refusal)
{
    memory_pool_t *mp = make(_i, 1000000, 0);
    const mp_options_t options = {.parent = mp};
    memory_pool_t *children[3];

    for (unsigned i = 0; i < 3; i++) {
        children[i] = mp_create(&options);
        ck_assert_ptr_nonnull(mp_allocate(children[i], 100));
        mp_free(children[i], mp_allocate(children[i], 20000));
    }
    ck_assert_int_eq(mp_set_capacity(mp, 299), -1);
    ck_assert_int_eq(mp_set_capacity(mp, 300), 0);
    ck_assert_ptr_null(mp_allocate(children[1], 1));
    ck_assert_int_eq(mp_set_capacity(mp, 350), 0);
    ck_assert_uint_eq(pools_take_all(children[2], false), 50);
    mp_destroy(children[0]);
    ck_assert_uint_eq(pools_take_all(children[1], false), 100);
    ck_assert_int_eq(mp_set_capacity(mp, 0), 0);
    ck_assert_ptr_nonnull(mp_allocate(children[1], 2000000));
    ck_assert_int_eq(mp_set_capacity(mp, 2000349), -1);
    ck_assert_int_eq(mp_set_capacity(mp, 2000350), 0);
    end(mp);
}
END_TEST

static atomic_bool done;

/* Holds some objects, and never more than 4,000 bytes. */
static void *churn(void *argument)
{
    memory_pool_t *mp = argument;
    void *objects[40] = {NULL};
    size_t lost = 0;

    for (unsigned n = 0; !done || n < 200; n++) {
        unsigned i = n * 7 % 40;
        mp_free(mp, objects[i]);
        objects[i] = mp_allocate(mp, 1 + n % 100);
        lost += objects[i] == NULL;
    }
    for (unsigned i = 0; i < 40; i++) {
        mp_free(mp, objects[i]);
    }
    return (void *)lost;
}

/* Each thread has a pool of its own below it, or all use it. */
START_TEST(threads_lose_nothing_while_the_capacity_changes)
{
    memory_pool_t *mp = make(_i % 2 == 0 ? CACHED : LOCKED, 1000000, 0);
    const mp_options_t options = {.parent = mp};
    memory_pool_t *pools[THREADS];
    pthread_t threads[THREADS];
    uint64_t seed = support_seed();

    done = false;
    for (unsigned i = 0; i < THREADS; i++) {
        pools[i] = _i < 2 ? mp : mp_create(&options);
        threads[i] = support_start(churn, pools[i]);
    }
    for (unsigned n = support_times(300, 10); n > 0; n--) {
        /* What they may hold together always fits. */
        size_t bytes = THREADS * 4100 + support_below(&seed, 50000);
        POOLS_EXPECT(mp_set_capacity(mp, bytes) == 0);
        (void)mp_set_capacity(mp, 1 + support_below(&seed, 1000));
        POOLS_EXPECT(mp_set_capacity(mp, 0) == 0);
    }
    POOLS_EXPECT(mp_set_capacity(mp, 100000) == 0);
    done = true;
    for (unsigned i = 0; i < THREADS; i++) {
        support_join(threads[i]);
        ck_assert_int_eq(mp_check(pools[i]), 0);
    }
    ck_assert_uint_eq(pools_take_all(pools[0], true), 100000);
    end(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("set capacity");
    TCase *kinds = support_case(suite, "kinds");
    TCase *trees = support_case(suite, "trees");

    tcase_add_loop_test(kinds, the_new_capacity_is_exact, 0, KINDS);
    tcase_add_loop_test(kinds,
                        less_than_is_in_use_is_refused_and_nothing_changes, 0,
                        KINDS);
    tcase_add_loop_test(kinds, no_limit_comes_and_goes, 0, KINDS);
    tcase_add_loop_test(kinds, the_largest_object_is_the_new_capacity, 0,
                        KINDS);
    tcase_add_test(trees, a_pool_made_without_a_capacity_gets_none);
    tcase_add_loop_test(trees, credit_below_is_recalled_before_a_refusal, 0,
                        KINDS);
    tcase_add_loop_test(trees, threads_lose_nothing_while_the_capacity_changes,
                        0, 4);
    return support_run(suite);
}
