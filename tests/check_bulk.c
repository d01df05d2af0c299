/* SPDX-License-Identifier: MIT
 *
 * check_bulk.c - many objects allocated or freed in one call.
 *
 * On every kind of pool the objects, the counts and the refusals are those of
 * as many single calls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define MANY 150 /* more than one turn of the library's loop */

static void *volatile nothing;
static void **volatile no_array;
static volatile size_t most = SIZE_MAX;

static const size_t sizes[] = {1, 16, 24, 200, 1024, 1500, 5000, 70000};
#define SIZES (sizeof sizes / sizeof sizes[0])

START_TEST(objects_are_distinct_aligned_and_writable)
{
    memory_pool_t *mp = pools_make(_i);
    memory_pool_t *other = mp_create(NULL);
    static void *objects[SIZES][MANY];

    POOLS_EXPECT(other != NULL);
    errno = SUPPORT_ERRNO;
    for (size_t round = 0; round < 2; round++) {
        for (size_t s = 0; s < SIZES; s++) {
            /* The thread used another pool's cache last. */
            pools_use_cache(other);
            POOLS_EXPECT(mp_allocate_many(mp, sizes[s], MANY, objects[s]) ==
                         MANY);
            for (size_t i = 0; i < MANY; i++) {
                POOLS_EXPECT(mp_owns(mp, objects[s][i]));
                POOLS_EXPECT(mp_usable_size(mp, objects[s][i]) >= sizes[s]);
                POOLS_EXPECT(sizes[s] < 16 ||
                             (uintptr_t)objects[s][i] % 16 == 0);
                support_fill(objects[s][i], sizes[s],
                             (uint32_t)(s * MANY + i));
            }
        }
        for (size_t s = 0; s < SIZES; s++) {
            for (size_t i = 0; i < MANY; i++) {
                POOLS_EXPECT(support_holds(objects[s][i], sizes[s],
                                           (uint32_t)(s * MANY + i)));
            }
        }
        POOLS_EXPECT(pools_stats(mp).live_objects == SIZES * MANY);
        /* Some in another order, and some not at all. */
        for (size_t s = 0; s < SIZES; s++) {
            for (size_t i = round; i < MANY; i += 7) {
                mp_free(mp, objects[s][i]);
                objects[s][i] = NULL;
            }
        }
        void *swapped = objects[0][1];
        objects[0][1] = objects[SIZES - 1][MANY - 1];
        objects[SIZES - 1][MANY - 1] = swapped;
        pools_use_cache(other);
        mp_free_many(mp, objects[0], SIZES * MANY);
        POOLS_EXPECT(pools_stats(mp).live_objects == 0);
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    mp_destroy(other);
    pools_end(mp, _i);
}
END_TEST

/* The same work by single calls, or by one call each. */
static mp_stats_t counts_of(int kind, bool many)
{
    memory_pool_t *mp = pools_make(kind);
    void *objects[MANY];
    mp_stats_t stats;

    for (size_t s = 0; s < SIZES; s++) {
        for (int round = 0; round < 3; round++) {
            if (many) {
                POOLS_EXPECT(
                    mp_allocate_many(mp, sizes[s], MANY, objects) == MANY);
                mp_free_many(mp, objects + 10, MANY - 10);
                continue;
            }
            for (size_t i = 0; i < MANY; i++) {
                objects[i] = mp_allocate(mp, sizes[s]);
                POOLS_EXPECT(objects[i] != NULL);
            }
            for (size_t i = 10; i < MANY; i++) {
                mp_free(mp, objects[i]);
            }
        }
    }
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    pools_end(mp, kind);
    return stats;
}

START_TEST(counts_are_those_of_single_calls)
{
    mp_stats_t single = counts_of(_i, false);
    mp_stats_t many = counts_of(_i, true);

    ck_assert_uint_eq(many.allocations, SIZES * 3 * MANY);
    ck_assert_uint_eq(many.allocations, single.allocations);
    ck_assert_uint_eq(many.frees, single.frees);
    ck_assert_uint_eq(many.live_objects, single.live_objects);
    ck_assert_uint_eq(many.live_bytes, single.live_bytes);
    ck_assert_uint_eq(many.refused_full, 0);
    for (size_t c = 0; c < MP_STATS_CLASSES; c++) {
        ck_assert_uint_eq(many.class_live[c], single.class_live[c]);
    }
}
END_TEST

START_TEST(objects_go_with_a_mark_and_older_ones_can_be_freed)
{
    memory_pool_t *mp = pools_make(_i);
    void *older[MANY];
    void *newer[MANY];

    POOLS_EXPECT(mp_allocate_many(mp, 40, MANY, older) == MANY);
    mp_mark_t mark = mp_mark(mp);
    POOLS_EXPECT(mp_allocate_many(mp, 40, MANY, newer) == MANY);
    mp_free_many(mp, older, MANY);
    mp_free_many(mp, newer, MANY / 2);
    POOLS_EXPECT(pools_stats(mp).live_objects == MANY - MANY / 2);
    POOLS_EXPECT(mp_rewind(mp, mark) == 0);
    POOLS_EXPECT(pools_stats(mp).live_objects == 0);
    POOLS_EXPECT(mp_allocate_many(mp, 40, MANY, newer) == MANY);
    mp_free_many(mp, newer, MANY);
    pools_end(mp, _i);
}
END_TEST

/* Every threads option, with and without a capacity. */
static memory_pool_t *reporting(int i, size_t capacity)
{
    mp_options_t options = {.report = pools_report,
                            .capacity = capacity,
                            .max_object = capacity == 0 ? 1 << 20 : 0,
                            .threads = (mp_threads_t)(i % 3)};

    return pools_make_told(&options);
}

START_TEST(a_capacity_stops_at_the_exact_object)
{
    static const size_t n[] = {41, 2};
    static const size_t size[] = {24, 1100};

    for (size_t s = 0; s < 2; s++) {
        size_t capacity = n[s] * size[s] + 16;
        memory_pool_t *mp = reporting(_i, capacity);
        void *objects[100];
        mp_stats_t stats;

        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < 100; i++) {
                objects[i] = objects;
            }
            size_t got = mp_allocate_many(mp, size[s], 100, objects);
            ck_assert_uint_eq(got, n[s]);
            pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL,
                                ENOBUFS);
            for (size_t i = got; i < 100; i++) {
                ck_assert_ptr_eq(objects[i], objects);
            }
            /* What is left is left to the byte. */
            void *rest = mp_allocate(mp, 16);
            ck_assert_ptr_nonnull(rest);
            ck_assert_uint_eq(mp_allocate_many(mp, 1, 1, objects + 99), 0);
            pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL,
                                ENOBUFS);
            mp_free(mp, rest);
            mp_free_many(mp, objects, got);
        }
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.refused_full, 6);
        ck_assert_uint_eq(stats.live_bytes, 0);
        ck_assert_int_eq(mp_check(mp), 0);
        mp_destroy(mp);
    }
}
END_TEST

START_TEST(a_backing_that_refuses_stops_the_call)
{
    static void *objects[4000];
    const mp_options_t options = {.report = pools_report,
                                  .threads = (mp_threads_t)(_i % 3),
                                  .backing = &(mp_backing_t){0}};
    mp_options_t given = options;

    pools_backing_start(&pools_own);
    mp_backing_t backing = pools_backing_of(&pools_own);
    given.backing = &backing;
    memory_pool_t *mp = mp_create(&given);
    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    pools_own.fail_at = pools_own.acquired + 2;
    pools_own.fail_on = true;
    size_t got = mp_allocate_many(mp, 500, 4000, objects);
    ck_assert_uint_gt(got, 0);
    ck_assert_uint_lt(got, 4000);
    ck_assert_int_eq(strncmp(pools_reported.message,
                             "mp_allocate_many: malloc: ", 26), 0);
    pools_expect_report(mp, MP_EVENT_NO_MEMORY, NULL, NULL, ENOMEM);
    ck_assert_ptr_null(objects[got]);
    ck_assert_uint_eq(pools_stats(mp).live_objects, got);
    pools_own.fail_at = 0;
    ck_assert_uint_eq(
        mp_allocate_many(mp, 500, 4000 - got, objects + got), 4000 - got);
    mp_free_many(mp, objects, 4000);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
    ck_assert_uint_eq(pools_own.count, 0);
    memset(objects, 0, sizeof objects);
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
    memory_pool_t *mp = reporting(_i, _i < 3 ? 0 : 100000);
    void *objects[2] = {NULL, NULL};

    SUPPORT_REFUSED(mp_allocate_many(nothing, 16, 2, objects), 0);
    errno = 0;
    mp_free_many(nothing, objects, 2);
    ck_assert_int_eq(errno, EINVAL);
    errno = SUPPORT_ERRNO;
    ck_assert_uint_eq(mp_allocate_many(mp, 16, 2, no_array), 0);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    mp_free_many(mp, no_array, 2);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    ck_assert_uint_eq(mp_allocate_many(mp, 0, 2, objects), 0);
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_uint_eq(mp_allocate_many(mp, most, 2, objects), 0);
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    /* Nothing is asked for, so nothing is wrong. */
    ck_assert_uint_eq(mp_allocate_many(nothing, 0, 0, no_array), 0);
    ck_assert_uint_eq(mp_allocate_many(mp, 0, 0, no_array), 0);
    mp_free_many(nothing, no_array, 0);
    mp_free_many(mp, no_array, 0);
    mp_free_many(mp, objects, 2);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_ptr_null(objects[0]);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    mp_destroy(mp);
}
END_TEST

static const void *reported[10];
static size_t reports;

static void note_report(memory_pool_t *mp, mp_event_t event,
                        const char *message, const void *ptr, void *context)
{
    POOLS_EXPECT(event == MP_EVENT_NOT_IN_POOL);
    pools_report(mp, event, message, ptr, context);
    reported[reports++ % 10] = ptr;
}

START_TEST(each_wrong_entry_is_reported_alone)
{
    mp_options_t options = {.report = note_report,
                            .capacity = _i < 3 ? 0 : 1000000,
                            .threads = (mp_threads_t)(_i % 3)};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(NULL);
    void *objects[MANY];
    char local[64];

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(other);
    for (size_t s = 0; s < 6; s++) {
        ck_assert_uint_eq(mp_allocate_many(mp, sizes[s] + 64, MANY, objects),
                          MANY);
        void *foreign = mp_allocate(other, 64);
        void *wrong[] = {local + 16, (char *)objects[5] + 1,
                         (char *)objects[6] + 16, foreign, objects[90],
                         objects[140]};
        /* The last two are in the array twice, or were freed before it. */
        mp_free(mp, objects[10]);
        mp_free(mp, objects[20]);
        mp_free(mp, objects[30]);
        mp_free(mp, objects[140]);
        objects[0] = wrong[0];
        objects[10] = wrong[1];
        objects[20] = wrong[2];
        objects[30] = wrong[3];
        mp_free(mp, objects[80]);
        objects[80] = wrong[4];
        size_t before = pools_stats(mp).live_objects;
        ck_assert_uint_eq(before, MANY - 5);
        reports = 0;
        errno = 0;
        mp_free_many(mp, objects, MANY);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_uint_eq(reports, 6);
        for (size_t w = 0; w < 6; w++) {
            size_t times = 0;
            for (size_t r = 0; r < 6; r++) {
                times += reported[r] == wrong[w];
            }
            ck_assert_uint_eq(times, 1);
        }
        /* All but the one whose place the foreign address took. */
        ck_assert_uint_eq(pools_stats(mp).live_objects, 1);
        mp_reset(mp);
        ck_assert(mp_owns(other, foreign));
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_check(other), 0);
    }
    mp_destroy(other);
    mp_destroy(mp);
}
END_TEST

static void *spare[4];
static size_t spares;

static bool give_spare(memory_pool_t *mp, size_t size, int error, void *context)
{
    (void)context;
    POOLS_EXPECT(size == 64 && error == ENOBUFS);
    if (spares == 0) {
        return false;
    }
    mp_free(mp, spare[--spares]);
    return true;
}

START_TEST(a_failure_function_is_called_for_each_object)
{
    memory_pool_t *mp = reporting(_i, 10 * 64);
    void *objects[12];

    ck_assert_uint_eq(mp_allocate_many(mp, 64, 4, spare), 4);
    spares = 4;
    ck_assert_int_eq(mp_set_failure(mp, give_spare, NULL), 0);
    ck_assert_uint_eq(mp_allocate_many(mp, 64, 12, objects), 10);
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_uint_eq(spares, 0);
    mp_free_many(mp, objects, 10);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    mp_destroy(mp);
}
END_TEST

/* A batch of objects, each filled by its number and the size. */
struct batch {
    size_t n;
    size_t size;
    void *objects[MANY];
};

struct share {
    memory_pool_t *mp;
    struct batch *_Atomic between; /* what one thread leaves for the other */
    unsigned rounds;
};

static size_t end_batch(memory_pool_t *mp, struct batch *batch)
{
    size_t wrong = 0;

    if (batch != NULL) {
        for (size_t i = 0; i < batch->n; i++) {
            wrong += !support_holds(batch->objects[i], batch->size,
                                    (uint32_t)i);
        }
        mp_free_many(mp, batch->objects, batch->n);
        free(batch);
    }
    return wrong;
}

static void *share_batches(void *work)
{
    struct share *share = work;
    uint64_t random = (uintptr_t)&random;
    size_t wrong = 0;

    for (unsigned round = 0; round < share->rounds; round++) {
        struct batch *batch = malloc(sizeof *batch);
        if (batch == NULL) {
            return (void *)1;
        }
        size_t n = 1 + support_below(&random, MANY);
        batch->size = 1 + support_below(&random, round % 8 == 0 ? 3000 : 200);
        batch->n = mp_allocate_many(share->mp, batch->size, n,
                                    batch->objects);
        wrong += batch->n != n;
        for (size_t i = 0; i < batch->n; i++) {
            support_fill(batch->objects[i], batch->size, (uint32_t)i);
        }
        wrong += end_batch(share->mp,
                           atomic_exchange(&share->between, batch));
    }
    return (void *)(uintptr_t)wrong;
}

START_TEST(two_threads_free_what_the_other_allocated)
{
    if (pools_kinds[_i].options.threads == MP_THREADS_NONE) {
        return;
    }
    struct share share = {.mp = pools_make(_i),
                          .rounds = support_times(100, 20)};

    ck_assert_uint_eq(threads_run(2, share_batches, &share, 0), 0);
    ck_assert_uint_eq(end_batch(share.mp, share.between), 0);
    ck_assert_uint_eq(pools_stats(share.mp).live_objects, 0);
    pools_end(share.mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bulk");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

#define KINDS(test) tcase_add_loop_test(kinds, test, 0, pools_count)
#define TIMES(test, n) tcase_add_loop_test(single, test, 0, n)
    KINDS(objects_are_distinct_aligned_and_writable);
    KINDS(counts_are_those_of_single_calls);
    KINDS(objects_go_with_a_mark_and_older_ones_can_be_freed);
    KINDS(two_threads_free_what_the_other_allocated);
    TIMES(a_capacity_stops_at_the_exact_object, 3);
    TIMES(a_backing_that_refuses_stops_the_call, 3);
    TIMES(what_is_no_request_is_refused, 6);
    TIMES(each_wrong_entry_is_reported_alone, 6);
    TIMES(a_failure_function_is_called_for_each_object, 3);
    return support_run(suite);
}
