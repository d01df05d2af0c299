/* SPDX-License-Identifier: MIT
 *
 * check_footprint.c - a pool takes little more than what is live in it.
 *
 * Memory is bounded by what a pool takes from its backing, or says that it
 * has, so no figure of the system decides.
 */
#include <string.h>

#include "pools.h"

/* Bytes that a pool took, at most 1.25 times the most that was live and a
 * constant: 256 KiB, or the 1 MiB that one thread's cache may have. */
START_TEST(a_pool_takes_at_most_a_quarter_more_than_its_peak)
{
    struct pools_backing own;
    mp_backing_t backing = pools_backing_of(&own);
    bool locked = _i == 0;
    mp_options_t options = {
        .backing = &backing,
        .threads = locked ? MP_THREADS_LOCKED : MP_THREADS_CACHED};
    const size_t constant = locked ? 262144 : 1048576;
    static unsigned char *objects[200000];
    uint64_t random = support_seed();
    size_t live = 0, peak = 0;

    pools_backing_start(&own);
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    for (unsigned i = 0; i < 200000; i++) {
        objects[i] = mp_allocate(mp, 16);
    }
    for (unsigned i = 0; i < 200000; i++) {
        free_memory(mp, objects[i]);
    }
    for (unsigned i = 0; i < 3200; i++) {
        objects[i] = mp_allocate(mp, 1000);
        POOLS_EXPECT(objects[i] != NULL);
    }
    ck_assert_uint_le(own.peak, 3200000 / 4 * 5 + constant);
    free_all_memory(mp);
    mp_trim(mp, 0);
    own.peak = 0;
    memset(objects, 0, sizeof objects);
    /* With fewer, one of some hundred seeds fragments it more. */
    unsigned rounds = support_times(2000000, 20);
    rounds = rounds < 100000 ? 100000 : rounds;
    for (; rounds > 0; rounds--) {
        size_t i = support_below(&random, 10000);
        size_t size = 1 + support_below(&random, 1000);
        if (objects[i] != NULL) {
            live -= mp_usable_size(mp, objects[i]);
            free_memory(mp, objects[i]);
        }
        objects[i] = mp_allocate(mp, size);
        live += size;
        peak = live > peak ? live : peak;
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_msg(own.peak <= peak / 4 * 5 + constant,
                  "%zu bytes taken for %zu live", own.peak, peak);
    destroy_memory_pool(mp);
}
END_TEST

/* The same of a pool with caches, by what it says of itself; the constant is
 * the 1 MiB that one thread's cache may have. */
START_TEST(a_cached_pool_takes_at_most_a_quarter_more_than_its_peak)
{
    static unsigned char *objects[30000];
    static const size_t longest[] = {1000, 4000, 64};
    memory_pool_t *mp = mp_create(NULL);
    uint64_t random = support_seed();
    size_t live = 0, peak = 0, taken = 0;
    mp_stats_t stats;

    ck_assert_ptr_nonnull(mp);
    memset(objects, 0, sizeof objects);
    for (unsigned n = 0, count = support_times(1500000, 10); n < count; n++) {
        size_t i = support_below(&random, 30000);
        size_t size = 1 + support_below(&random, longest[_i]);
        if (objects[i] != NULL) {
            live -= mp_usable_size(mp, objects[i]);
            free_memory(mp, objects[i]);
        }
        objects[i] = mp_allocate(mp, size);
        live += mp_usable_size(mp, objects[i]);
        peak = live > peak ? live : peak;
        if (n % 10000 == 0 || n == count - 1) {
            POOLS_EXPECT(mp_stats(mp, &stats) == 0);
            taken = stats.backing_bytes > taken ? stats.backing_bytes : taken;
        }
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_msg(taken <= peak / 4 * 5 + ((size_t)1 << 20),
                  "%zu bytes taken for %zu live", taken, peak);
    destroy_memory_pool(mp);
}
END_TEST

#define HOLES 40u
#define SHORTS 10000u
#define FREED ((size_t)96 << 10)

/* The blocks have room for all that is allocated here, so the pool never has to
 * grow.  Sizes shift: what was freed is of lengths that nobody asks for again,
 * and lies in lists unless the heap takes it back. */
START_TEST(what_was_freed_is_taken_before_what_was_never_used)
{
    static void *shorts[SHORTS];
    static void *freed[FREED / 48];
    void *holes[HOLES];
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;
    size_t blocks, live, cached = 0;

    ck_assert_ptr_nonnull(mp);
    for (size_t i = 0; i < HOLES; i++) {
        holes[i] = mp_allocate(mp, 200000);
        for (size_t k = 0; k < SHORTS / HOLES; k++) {
            shorts[i * (SHORTS / HOLES) + k] = mp_allocate(mp, 64);
        }
    }
    for (size_t i = 0; i < HOLES; i++) {
        mp_free(mp, holes[i]);
    }
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    blocks = stats.backing_bytes;
    live = SHORTS * 64;
    for (size_t size = 48; size <= 1024; size += 16) {
        for (size_t i = 0; i < FREED / size; i++) {
            freed[i] = mp_allocate(mp, size);
            POOLS_EXPECT(freed[i] != NULL);
        }
        for (size_t i = 0; i < FREED / size; i++) {
            mp_free(mp, freed[i]);
        }
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        cached = stats.cached_bytes > cached ? stats.cached_bytes : cached;
    }
    /* Else it is all that the blocks have free. */
    ck_assert_msg(cached <= (blocks - live) / 3, "%zu bytes in caches of %zu",
                  cached, blocks);
    ck_assert_uint_le(stats.backing_bytes, blocks);
    ck_assert_int_eq(mp_check(mp), 0);
    for (size_t i = 0; i < SHORTS; i++) {
        mp_free(mp, shorts[i]);
    }
    mp_destroy(mp);
}
END_TEST

/* A sweep shows in that caches suddenly hold next to nothing. */
START_TEST(a_program_that_goes_on_as_it_did_is_not_swept_over_and_over)
{
    enum { LIVE = 1000 };
    static void *objects[LIVE];
    memory_pool_t *mp = mp_create(NULL);
    uint64_t random = support_seed();
    size_t before = 0;
    unsigned sweeps = 0;
    mp_stats_t stats;

    ck_assert_ptr_nonnull(mp);
    memset(objects, 0, sizeof objects);
    for (unsigned n = 0; n < 200000; n++) {
        size_t i = support_below(&random, LIVE);
        mp_free(mp, objects[i]);
        objects[i] = mp_allocate(mp, 16 + support_below(&random, 1009));
        POOLS_EXPECT(objects[i] != NULL);
        if (n % 25 == 0) {
            POOLS_EXPECT(mp_stats(mp, &stats) == 0);
            sweeps += stats.cached_bytes < before / 2;
            before = stats.cached_bytes;
        }
    }
    ck_assert_uint_lt(sweeps, 80);
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("footprint");
    TCase *pools = support_case(suite, "pools");

    tcase_add_loop_test(pools, a_pool_takes_at_most_a_quarter_more_than_its_peak,
                        0, 2);
    tcase_add_loop_test(
        pools, a_cached_pool_takes_at_most_a_quarter_more_than_its_peak, 0, 3);
    tcase_add_test(pools, what_was_freed_is_taken_before_what_was_never_used);
    tcase_add_test(
        pools, a_program_that_goes_on_as_it_did_is_not_swept_over_and_over);
    return support_run(suite);
}
