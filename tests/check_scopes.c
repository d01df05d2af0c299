/* SPDX-License-Identifier: MIT
 *
 * check_scopes.c - marks: what a rewind drops, and what it leaves.
 *
 * Random work on every kind of pool beside a shadow that knows the rule, and
 * one test for each thing that could get the rule wrong: objects that change
 * hands, grow, are of every length, or belong to threads that end; resets,
 * forks, a backing that fails.  Handles are in check_handles.c, wrong marks in
 * check_wrong_marks.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "scopes.h"

static void *run_random(void *argument)
{
    struct scopes *scopes = argument;

    for (unsigned n = support_times(10000, 30); n > 0; n--) {
        scopes_step(scopes);
        if (n % 256 == 0) {
            scopes_verify(scopes);
        }
    }
    scopes_verify(scopes);
    scopes_unwind(scopes);
    scopes_clear(scopes);
    scopes_verify(scopes);
    return NULL;
}

START_TEST(random_work_with_marks_agrees_with_the_shadow)
{
    uint64_t seed = support_seed();
    struct scopes *scopes = scopes_start(_i, seed);

    scopes_capture(_i);
    run_random(scopes);
    scopes_release(_i);
    scopes_end(scopes, _i);
}
END_TEST

/* The same by a thread that did not make the pool, beside objects and a mark
 * of the one that did, which is open all the time. */
START_TEST(random_work_beside_an_open_mark_of_the_maker_agrees)
{
    uint64_t seed = support_seed();
    struct scopes *own = scopes_start(_i, 1);
    struct scopes *scopes = scopes_new(own->mp, _i, seed);

    scopes_capture(_i);
    own->alone = scopes->alone = false;
    for (unsigned n = 0; n < 40; n++) {
        if (n % 10 == 5) {
            scopes_mark(own);
        }
        scopes_allocate_size(own, 1); /* a base pool may have 64 */
    }
    if (scopes->capacity != 0) {
        scopes->capacity -= own->bytes;
        scopes->longest -= own->bytes;
    }
    support_join(support_start(run_random, scopes));
    scopes_verify(own);
    own->alone = true;
    scopes_verify(own);
    scopes_unwind(own);
    scopes_release(_i);
    free(scopes);
    scopes_end(own, _i);
}
END_TEST

/* Lengths at all the borders: a granule, the longest short chunk, a block
 * alone. */
static const size_t lengths[] = {1,    15,    16,     17,     1023,   1024,
                                 1025, 40000, 262144, 262145, 1000000};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

START_TEST(objects_of_every_length_go_with_their_mark)
{
    struct scopes *scopes = scopes_start(_i, 1);
    memory_pool_t *mp = scopes->mp;

    if (scopes->capacity == 0) {
        for (unsigned round = 0; round < support_times(3, 3); round++) {
            for (unsigned level = 0; level < LENGTHS; level++) {
                scopes_mark(scopes);
                for (unsigned i = 0; i < 4; i++) {
                    scopes_allocate_size(scopes,
                                         lengths[(level + i) % LENGTHS]);
                }
                scopes_free(scopes, scopes->count - 2);
            }
            scopes_verify(scopes);
            while (scopes->depth > round % 2) {
                scopes_rewind(scopes, scopes->depth - 1 - round % 2);
                scopes_verify(scopes);
            }
        }
        free_all_memory(mp);
    }
    scopes_end(scopes, _i);
}
END_TEST

/* What was freed after the mark stays freed, and its memory is to be had. */
START_TEST(what_was_freed_after_the_mark_stays_freed)
{
    struct scopes *scopes = scopes_start(_i, 2);

    for (unsigned i = 0; i < 60; i++) {
        scopes_allocate_size(scopes, 1 + i % 16);
    }
    scopes_mark(scopes);
    for (unsigned i = 0; i < 30; i++) {
        size_t before = scopes->count;
        scopes_free(scopes, i); /* never one from after the mark */
        scopes_allocate_size(scopes, 1 + i % 16);
        POOLS_EXPECT(scopes->count == before);
    }
    scopes_verify(scopes);
    scopes_rewind(scopes, 0);
    ck_assert_uint_eq(scopes->count, 30);
    scopes_verify(scopes);
    scopes_clear(scopes);
    scopes_verify(scopes);
    scopes_end(scopes, _i);
}
END_TEST

/* A resize that moves is an allocation, one that does not is none. */
START_TEST(a_resize_that_moves_makes_an_object_of_the_mark)
{
    struct scopes *scopes = scopes_start(_i, 3);
    memory_pool_t *mp = scopes->mp;
    size_t most = scopes->capacity != 0 ? scopes->capacity / 4 : 600000;
    unsigned moved = 0, stayed = 0;

    for (size_t size = 1; size <= most; size = size * 3 + 5) {
        unsigned char *old = mp_allocate(mp, size);
        ck_assert_ptr_nonnull(old);
        mp_mark_t mark = mp_mark(mp);
        ck_assert_uint_ne(mark.number, 0);
        support_fill(old, size, 7);
        unsigned char *at = mp_realloc(mp, old, size / 2 + 1);
        ck_assert_ptr_nonnull(at);
        at = mp_realloc(mp, at, size * 2);
        ck_assert_ptr_nonnull(at);
        POOLS_EXPECT(support_holds(at, size / 2 + 1, 7));
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        ck_assert_int_eq(mp_check(mp), 0);
        if (mp_locate(mp, at) == MP_LIVE) {
            POOLS_EXPECT(at == old);
            stayed++;
            free_memory(mp, at);
        } else {
            /* malloc() may have given the first address again. */
            POOLS_EXPECT(at != old || pools_tracked(_i));
            POOLS_EXPECT(mp_locate(mp, old) != MP_LIVE);
            moved++;
        }
    }
    ck_assert_uint_gt(moved + stayed, 4);
    scopes_verify(scopes);
    scopes_end(scopes, _i);
}
END_TEST

/* Many marks, each with an object, and a rewind over all of them at once. */
START_TEST(one_rewind_ends_many_marks)
{
    enum { DEEP = 300 };
    struct scopes *scopes = scopes_start(_i, 4);
    memory_pool_t *mp = scopes->mp;
    static mp_mark_t marks[DEEP];
    static void *objects[DEEP];

    scopes_allocate_size(scopes, 10);
    for (unsigned i = 0; i < DEEP; i++) {
        marks[i] = mp_mark(mp);
        POOLS_EXPECT(marks[i].number != 0);
        objects[i] = mp_allocate(mp, 1 + i % 3);
        POOLS_EXPECT(objects[i] != NULL);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_rewind(mp, marks[DEEP / 2]), 0);
    ck_assert_int_eq(mp_check(mp), 0);
    for (unsigned i = 0; i < DEEP; i++) {
        POOLS_EXPECT((mp_locate(mp, objects[i]) == MP_LIVE) ==
                     (i < DEEP / 2));
    }
    scopes_capture(_i);
    for (unsigned i = DEEP / 2; i < DEEP; i++) {
        scopes_refused(mp, NULL, marks[i]);
    }
    scopes_release(_i);
    ck_assert_int_eq(mp_rewind(mp, marks[0]), 0);
    scopes_verify(scopes);
    scopes_end(scopes, _i);
}
END_TEST

/* A scope takes and gives back the same memory each time. */
START_TEST(a_mark_uses_the_same_memory_each_time)
{
    memory_pool_t *mp = scopes_pool(_i);
    mp_stats_t stats;
    size_t settled = 0;
    unsigned count = support_times(10000, 30);

    for (unsigned n = 0; n < count; n++) {
        mp_mark_t outer = mp_mark(mp);
        void *kept = mp_allocate(mp, 100);
        mp_mark_t inner = mp_mark(mp);
        POOLS_EXPECT(outer.number != 0 && inner.number != 0);
        POOLS_EXPECT(kept != NULL && mp_allocate(mp, 1 + n % 500) != NULL);
        if (n % 3 == 0) {
            free_memory(mp, kept);
        }
        POOLS_EXPECT(n % 2 == 0 || mp_rewind(mp, inner) == 0);
        POOLS_EXPECT(mp_rewind(mp, outer) == 0);
        if (n == 100) {
            POOLS_EXPECT(mp_stats(mp, &stats) == 0);
            settled = stats.backing_bytes;
        }
    }
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    ck_assert_uint_eq(stats.allocations, stats.frees);
    /* Guarded pages of freed objects are kept, up to a limit. */
    ck_assert_uint_le(stats.backing_bytes,
                      settled + (pools_tracked(_i) ? 8u << 20 : 65536u));
    scopes_pool_end(mp, _i);
}
END_TEST

START_TEST(a_reset_ends_every_mark)
{
    struct scopes *scopes = scopes_start(_i, 5);

    scopes_capture(_i);
    for (unsigned round = 0; round < support_times(50, 5); round++) {
        for (unsigned i = 0; i <= round % SCOPES_DEEP; i++) {
            scopes_mark(scopes);
            scopes_allocate(scopes);
            scopes_allocate(scopes);
        }
        scopes_reset(scopes);
        scopes_verify(scopes);
        scopes_allocate(scopes);
        scopes_mark(scopes);
        scopes_allocate(scopes);
        scopes_rewind(scopes, 0);
        scopes_verify(scopes);
        scopes_clear(scopes);
    }
    /* A pool may end with marks open. */
    scopes_mark(scopes);
    scopes_allocate(scopes);
    scopes_mark(scopes);
    scopes_allocate(scopes);
    scopes_release(_i);
    scopes_end(scopes, _i);
}
END_TEST

/* A child is no object: it stays, with all it has. */
START_TEST(a_child_stays_when_a_mark_is_rewound)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_options_t options = {.parent = mp};
    mp_mark_t mark = mp_mark(mp);
    memory_pool_t *child = mp_create(&options);

    ck_assert(child != NULL && mark.number != 0);
    unsigned char *object = mp_allocate(child, 100);
    ck_assert_ptr_nonnull(object);
    support_fill(object, 100, 9);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert_int_eq(mp_check(child), 0);
    ck_assert(is_mp_ptr(child, object));
    ck_assert(support_holds(object, 100, 9));
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_rewind_zeroes_what_it_drops)
{
    static unsigned char buffer[400000];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing,
                            .flags = MP_ZERO_ON_FREE,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    for (size_t size = 8; size < 2000; size *= 2) { /* the newest object */
        unsigned char *at = mp_allocate(mp, size);
        ck_assert_ptr_nonnull(at);
        support_put_word(at, size);
        free_memory(mp, at);
        ck_assert(support_word_is_gone(buffer, sizeof buffer));
    }
    for (unsigned round = 0; round < 4; round++) {
        mp_mark_t marks[2];
        for (unsigned k = 0; k < 2; k++) {
            marks[k] = mp_mark(mp);
            ck_assert_uint_ne(marks[k].number, 0);
            for (size_t size = 8; size < 20000; size = size * 2 + 3) {
                unsigned char *at = mp_allocate(mp, size);
                ck_assert_ptr_nonnull(at);
                support_put_word(at, size);
            }
        }
        ck_assert(!support_word_is_gone(buffer, sizeof buffer));
        ck_assert_int_eq(mp_rewind(mp, marks[round % 2]), 0);
        ck_assert(support_word_is_gone(buffer, sizeof buffer) ==
                  (round % 2 == 0));
        ck_assert(round % 2 == 0 || mp_rewind(mp, marks[0]) == 0);
        ck_assert(support_word_is_gone(buffer, sizeof buffer));
    }
    destroy_memory_pool(mp);
}
END_TEST

/* Each call for memory fails once, and then all do. */
START_TEST(a_mark_without_memory_is_refused_and_the_pool_stays_whole)
{
    static void *objects[40];
    struct pools_backing own;
    mp_backing_t backing = pools_backing_of(&own);
    mp_options_t options = {.backing = &backing,
                            .threads = (mp_threads_t)_i};

    for (size_t fail = 2; fail < 2 + support_times(38, 3); fail++) {
        pools_backing_start(&own);
        memory_pool_t *mp = mp_create(&options);
        mp_mark_t first = {0};
        size_t failed = 0;
        ck_assert_ptr_nonnull(mp);
        own.fail_at = fail / 2 + 1;
        own.fail_on = fail % 2 == 0;
        unsigned char *before = mp_allocate(mp, 10);
        POOLS_EXPECT(before != NULL); /* there is room for it */
        support_fill(before, 10, 11);
        for (unsigned i = 0; i < 40; i++) {
            errno = SUPPORT_ERRNO;
            mp_mark_t mark = mp_mark(mp);
            POOLS_EXPECT(errno ==
                         (mark.number != 0 ? SUPPORT_ERRNO : ENOMEM));
            first = first.number == 0 ? mark : first;
            failed += mark.number == 0;
            objects[i] = mp_allocate(mp, i % 4 == 3 ? 100000 : 2000);
            failed += objects[i] == NULL;
            POOLS_EXPECT(objects[i] != NULL || errno == ENOMEM);
            POOLS_EXPECT(mp_check(mp) == 0);
        }
        /* What caches hold may make good for one refusal. */
        POOLS_EXPECT(failed > 0 || fail > 10 ||
                     (!own.fail_on && options.threads != MP_THREADS_LOCKED));
        POOLS_EXPECT(first.number == 0 || mp_rewind(mp, first) == 0);
        POOLS_EXPECT(mp_check(mp) == 0);
        POOLS_EXPECT(mp_locate(mp, before) == MP_LIVE);
        POOLS_EXPECT(support_holds(before, 10, 11));
        own.fail_at = 0;
        first = mp_mark(mp);
        POOLS_EXPECT(first.number != 0 && mp_allocate(mp, 100000) != NULL);
        POOLS_EXPECT(mp_rewind(mp, first) == 0);
        POOLS_EXPECT(mp_check(mp) == 0);
        destroy_memory_pool(mp);
        POOLS_EXPECT(own.count == 0 && own.wrong == 0);
        pthread_mutex_destroy(&own.lock);
    }
}
END_TEST

START_TEST(marks_live_on_in_the_child_of_a_fork)
{
    struct scopes *scopes = scopes_start(_i, support_seed());

    scopes_capture(_i);
    scopes_mark(scopes);
    for (unsigned n = support_times(10, 4); n > 0; n--) {
        for (unsigned i = 0; i < 100; i++) {
            scopes_step(scopes);
        }
        support_fork(scopes_in_child, scopes);
        scopes_verify(scopes);
    }
    scopes_release(_i);
    scopes_end(scopes, _i);
}
END_TEST

/* Another thread frees what a mark covers: it is the mark's memory still, and
 * serves nobody after that, least of all the thread that freed it. */
struct freed {
    memory_pool_t *mp;
    void *object;
    int error;
};

static void *free_covered(void *argument)
{
    struct freed *freed = argument;

    errno = SUPPORT_ERRNO;
    free_memory(freed->mp, mp_allocate(freed->mp, 48)); /* gets a cache */
    free_memory(freed->mp, freed->object);
    freed->error = errno;
    if (mp_allocate(freed->mp, 48) == freed->object) {
        freed->error = 0;
    }
    return NULL;
}

START_TEST(an_object_freed_by_another_thread_serves_nobody_before_the_rewind)
{
    const mp_options_t options = {.threads = (mp_threads_t)_i};
    struct freed freed = {.mp = mp_create(&options)};
    mp_mark_t mark = mp_mark(freed.mp);

    freed.object = mp_allocate(freed.mp, 48);
    ck_assert_ptr_nonnull(freed.object);
    support_join(support_start(free_covered, &freed));
    ck_assert_int_eq(freed.error, SUPPORT_ERRNO);
    ck_assert(!is_mp_ptr(freed.mp, freed.object));
    ck_assert_int_eq(mp_check(freed.mp), 0);
    ck_assert_int_eq(mp_rewind(freed.mp, mark), 0);
    ck_assert_int_eq(mp_check(freed.mp), 0);
    destroy_memory_pool(freed.mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scopes");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");
    int count = scopes_kinds();
    int base = pools_count + SCOPES_BASE;

    tcase_add_loop_test(kinds, random_work_with_marks_agrees_with_the_shadow,
                        0, count);
    tcase_add_loop_test(kinds,
                        random_work_beside_an_open_mark_of_the_maker_agrees, 0,
                        count);
    tcase_add_loop_test(kinds, objects_of_every_length_go_with_their_mark, 0,
                        base);
    tcase_add_loop_test(kinds, what_was_freed_after_the_mark_stays_freed, 0,
                        base);
    tcase_add_loop_test(kinds, a_resize_that_moves_makes_an_object_of_the_mark,
                        0, base);
    tcase_add_loop_test(kinds, one_rewind_ends_many_marks, 0, base);
    tcase_add_loop_test(kinds, a_mark_uses_the_same_memory_each_time, 0, base);
    tcase_add_loop_test(kinds, a_reset_ends_every_mark, 0, count);
    tcase_add_loop_test(kinds, marks_live_on_in_the_child_of_a_fork, 0, count);
    tcase_add_test(single, a_child_stays_when_a_mark_is_rewound);
    tcase_add_loop_test(
        single,
        an_object_freed_by_another_thread_serves_nobody_before_the_rewind, 0,
        2);
    tcase_add_loop_test(single, a_rewind_zeroes_what_it_drops, 1, 3);
    tcase_add_loop_test(
        single, a_mark_without_memory_is_refused_and_the_pool_stays_whole, 1,
        3);
    return support_run(suite);
}
