/* SPDX-License-Identifier: MIT
 *
 * check_view.c - what mp_stats(), mp_walk() and MP_LEAK_CHECK say.
 *
 * Random work on every kind of pool beside a list of what is live and a count
 * of what was done; the numbers have to be those, to the last one.  What is
 * printed and drawn of them is in check_print.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "called.h"
#include "threads.h"
#include "view.h"

/* Of a walk beside other threads' work: the objects that they do not touch
 * are those of view. */
struct view_seen {
    const struct view *view;
    unsigned char *seen;
    size_t count;
};

/* Extended where it stands: what it took is seen once it is gone. */
START_TEST(an_object_that_grew_in_place_counts_for_the_peak)
{
    memory_pool_t *mp = pools_make(_i);
    mp_stats_t stats;
    void *object = mp_allocate(mp, 600);

    object = mp_realloc(mp, object, 1000);
    ck_assert_ptr_nonnull(object);
    object = mp_realloc(mp, object, 20000);
    object = mp_realloc(mp, object, 50000);
    ck_assert_ptr_nonnull(object);
    free_memory(mp, object);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_ge(stats.peak_bytes, 50000);
    pools_end(mp, _i);
}
END_TEST

START_TEST(random_work_agrees_with_the_statistics_and_the_walk)
{
    uint64_t seed = support_seed();
    struct view *view = view_start(_i, seed);
    memory_pool_t *mp = view->mp;
    uint64_t resets = 0;
    mp_stats_t stats;

    for (unsigned n = support_times(20000, 10); n > 0; n--) {
        view_step(view);
        if (n % 997 == 0) {
            view_verify(view);
        }
        if (n % 4999 == 0) {
            free_all_memory(mp);
            view->frees += view->count;
            view->count = view->bytes = 0;
            view_verify(view);
            POOLS_EXPECT(mp_stats(mp, &stats) == 0 &&
                         stats.resets == ++resets);
        }
    }
    view_verify(view);
    view_end(view, _i);
}
END_TEST

/* A mark's objects are counted as long as it is open, and are freed then. */
START_TEST(objects_of_a_mark_are_counted_until_its_rewind)
{
    struct view *view = view_start(_i, 1);
    memory_pool_t *mp = view->mp;

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 50; i++) {
            view_step(view);
        }
        mp_mark_t outer = mp_mark(mp);
        POOLS_EXPECT(outer.number != 0);
        struct view before = *view;
        for (unsigned i = 0; i < 300; i++) {
            size_t size = view_size(view);
            view_add(view, mp_allocate(mp, size), size);
            view->allocations++;
            if (i == 100) {
                POOLS_EXPECT(mp_mark(mp).number != 0);
            }
        }
        view_verify(view);
        POOLS_EXPECT(mp_rewind(mp, outer) == 0);
        before.frees += view->count - before.count;
        before.allocations = view->allocations;
        before.peak = view->peak;
        *view = before;
        view_verify(view);
    }
    view_end(view, _i);
}
END_TEST

/* What handles do counts as what threads do, also when they are gone. */
START_TEST(objects_of_handles_are_counted_as_those_of_threads)
{
    struct view *view = view_start(_i, 5);
    memory_pool_t *mp = view->mp;

    for (unsigned round = 0; round < 5; round++) {
        mp_handle_t *handle = mp_attach(mp);
        POOLS_EXPECT(handle != NULL);
        for (unsigned i = 0; i < 400; i++) {
            size_t size = view_size(view);
            view_add(view, mp_handle_allocate(handle, size), size);
            view->allocations++;
            if (i % 3 != 0) {
                size_t gone = support_below(&view->random, view->count);
                mp_handle_free(handle, view->at[gone]);
                view_remove(view, gone);
                view->frees++;
            }
        }
        view_verify(view);
        mp_detach(handle);
        view_verify(view);
    }
    view_end(view, _i);
}
END_TEST

static void *view_work(void *argument)
{
    struct view *view = argument;

    for (unsigned n = support_times(20000, 10); n > 0; n--) {
        size_t i;
        if (view->count < 700 && support_below(&view->random, 2) == 0) {
            size_t size = 1 + support_below(&view->random, 500);
            view_add(view, mp_allocate(view->mp, size), size);
            view->allocations++;
        } else if (view->count > 0) {
            i = support_below(&view->random, view->count);
            free_memory(view->mp, view->at[i]);
            view_remove(view, i);
            view->frees++;
        }
    }
    return NULL;
}

/* The walk's second look is at what others do: an object that they do not
 * touch is met once. */
static int view_note_own(void *object, size_t size, void *arg)
{
    struct view_seen *seen = arg;

    POOLS_EXPECT(size > 0);
    for (size_t i = 0; i < seen->view->count; i++) {
        if (seen->view->at[i] == object) {
            seen->seen[i]++;
            seen->count++;
        }
    }
    return 0;
}

#define THREADS 3

START_TEST(a_walk_beside_other_threads_meets_each_object_once)
{
    static const int kinds[] = {0, 1, 3, 14};
    int kind = kinds[_i];
    uint64_t seed = support_seed();
    struct view *own = view_start(kind, seed);
    memory_pool_t *mp = own->mp;
    static struct view views[THREADS];
    struct threads threads;
    unsigned char seen[200];
    mp_stats_t stats;

    for (unsigned i = 0; i < sizeof seen; i++) {
        size_t size = 1 + support_below(&own->random, 2000);
        view_add(own, mp_allocate(mp, size), size);
        own->allocations++;
    }
    for (unsigned t = 0; t < THREADS; t++) {
        struct view *view = view_new(mp, seed + t + 1);
        views[t] = *view;
        free(view);
    }
    threads_start(&threads, THREADS, view_work, views, sizeof views[0]);
    for (unsigned n = 0; n < 20; n++) {
        struct view_seen state = {own, seen, 0};
        memset(seen, 0, sizeof seen);
        POOLS_EXPECT(mp_walk(mp, view_note_own, &state) == 0);
        POOLS_EXPECT(state.count == sizeof seen);
        for (unsigned i = 0; i < sizeof seen; i++) {
            POOLS_EXPECT(seen[i] == 1);
        }
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        POOLS_EXPECT(stats.live_objects >= sizeof seen);
    }
    threads_join(&threads);
    for (unsigned t = 0; t < THREADS; t++) {
        for (size_t i = 0; i < views[t].count; i++) {
            view_add(own, views[t].at[i], own->exact ? views[t].size[i] : 1);
        }
        own->allocations += views[t].allocations;
        own->frees += views[t].frees;
    }
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    own->peak = stats.peak_bytes; /* together: somewhere in between */
    view_verify(own);
    view_end(own, kind);
}
END_TEST

static int view_stop(void *object, size_t size, void *arg)
{
    unsigned *calls = arg;

    (void)object;
    (void)size;
    return ++*calls == 3 ? -7 : 0;
}

/* Frees what it is at, and with the first call all that is odd. */
static int view_free(void *object, size_t size, void *arg)
{
    struct view *view = arg;

    (void)size;
    POOLS_EXPECT(is_mp_ptr(view->mp, object));
    if (view->frees == 0) {
        for (size_t i = 1; i < view->count; i += 2) {
            if (view->at[i] != object) {
                free_memory(view->mp, view->at[i]);
            }
        }
    }
    view->frees++;
    free_memory(view->mp, object);
    return 0;
}

START_TEST(a_walk_can_free_what_it_visits)
{
    struct view *view = view_start(_i, 1);
    memory_pool_t *mp = view->mp;
    unsigned calls = 0;
    mp_stats_t stats;

    for (unsigned i = 0; i < 1000; i++) {
        view_add(view, mp_allocate(mp, 1 + i % 90), 1 + i % 90);
    }
    POOLS_EXPECT(mp_walk(mp, view_stop, &calls) == -7 && calls == 3);
    view->frees = 0;
    POOLS_EXPECT(mp_walk(mp, view_free, view) == 0);
    POOLS_EXPECT(view->frees == 500 || view->frees == 501);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.live_objects == 0 &&
                 stats.live_bytes == 0 && stats.frees == 1001);
    view_end(view, _i);
}
END_TEST

static volatile size_t size_most = SIZE_MAX; /* nor does the compiler know */

START_TEST(each_refusal_is_counted_by_its_reason)
{
    const mp_options_t options = {.capacity = 100, .max_object = 60};
    memory_pool_t *mp = mp_create(&options);
    mp_stats_t stats;

    POOLS_EXPECT(mp_allocate(mp, 0) == NULL && mp_allocate(mp, 61) == NULL);
    POOLS_EXPECT(mp_calloc(mp, size_most, 2) == NULL);
    POOLS_EXPECT(mp_allocate(mp, 60) != NULL);
    POOLS_EXPECT(mp_allocate(mp, 41) == NULL && errno == ENOBUFS);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    view_expect_whole(&stats);
    POOLS_EXPECT(stats.refused_size == 3 && stats.refused_full == 1 &&
                 stats.refused_memory == 0 && stats.peak_bytes == 60 &&
                 stats.peak_objects == 1);
    destroy_memory_pool(mp);
    mp = mp_create(NULL);
    POOLS_EXPECT(mp_allocate(mp, size_most) == NULL && errno == ENOMEM);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.refused_memory == 1);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(statistics_of_other_lengths_are_filled_as_far_as_they_go)
{
    struct {
        mp_stats_t stats;
        unsigned char more[40];
    } longer;
    mp_stats_t whole;
    mp_stats_t part;
    memory_pool_t *mp = mp_create(NULL);

    POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
    POOLS_EXPECT(mp_stats(mp, &whole) == 0);
    memset(&longer, 0xa5, sizeof longer);
    POOLS_EXPECT(mp_stats_sized(mp, &longer.stats, sizeof longer) == 0);
    POOLS_EXPECT(memcmp(&longer.stats, &whole, sizeof whole) == 0);
    for (unsigned i = 0; i < sizeof longer.more; i++) {
        POOLS_EXPECT(longer.more[i] == 0);
    }
    for (size_t size = 0; size <= sizeof whole; size += 8) {
        memset(&part, 0xa5, sizeof part);
        POOLS_EXPECT(mp_stats_sized(mp, &part, size) == 0);
        POOLS_EXPECT(memcmp(&part, &whole, size) == 0);
        for (size_t i = size; i < sizeof part; i++) {
            POOLS_EXPECT(((unsigned char *)&part)[i] == 0xa5);
        }
    }
    /* A pointer leads to the members of the first release. */
    memset(&part, 0xa5, sizeof part);
    POOLS_EXPECT(CALLED(mp_stats)(mp, &part) == 0);
    POOLS_EXPECT(memcmp(&part, &whole, offsetof(mp_stats_t, capacity)) == 0);
    POOLS_EXPECT(part.capacity == (SIZE_MAX / 255 * 0xa5));
    destroy_memory_pool(mp);
}
END_TEST

/* A piece of that length is found without another block, and none longer. */
START_TEST(the_longest_free_piece_is_to_be_had)
{
    memory_pool_t *mp =
        mp_create(&(mp_options_t){.threads = MP_THREADS_LOCKED});
    uint64_t random = support_seed();
    void *object[200];
    mp_stats_t before, after;

    for (unsigned i = 0; i < 200; i++) {
        object[i] = mp_allocate(mp, 1 + support_below(&random, 500));
    }
    for (unsigned i = 0; i < 200; i += 1 + i % 3) {
        mp_free(mp, object[i]);
    }
    POOLS_EXPECT(mp_stats(mp, &before) == 0 && before.largest_free > 0);
    POOLS_EXPECT(before.free_bytes >= before.largest_free);
    POOLS_EXPECT(before.free_bytes <= before.backing_bytes - before.live_bytes);
    void *exact = mp_allocate(mp, before.largest_free);
    POOLS_EXPECT(mp_stats(mp, &after) == 0 && after.blocks == before.blocks);
    ck_assert_uint_eq(after.free_bytes,
                      before.free_bytes - before.largest_free);
    mp_free(mp, exact);
    POOLS_EXPECT(mp_allocate(mp, before.largest_free + 1) != NULL);
    POOLS_EXPECT(mp_stats(mp, &after) == 0 && after.blocks > before.blocks);
    /* What is kept is free, too. */
    mp_reset(mp);
    POOLS_EXPECT(mp_stats(mp, &after) == 0);
    POOLS_EXPECT(after.backing_bytes > 20000 && after.live_bytes == 0);
    POOLS_EXPECT(after.free_bytes > after.backing_bytes / 2);
    POOLS_EXPECT(after.capacity == 0 && after.capacity_free == 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_capacity_and_what_is_left_of_it_are_told)
{
    memory_pool_t *mp = mp_create(&(mp_options_t){.capacity = 10000});
    memory_pool_t *child = mp_create(&(mp_options_t){.parent = mp});
    mp_stats_t stats;

    POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
    POOLS_EXPECT(mp_allocate(child, 1000) != NULL);
    /* Credit that a cache has is taken back, of the pool that is asked. */
    POOLS_EXPECT(mp_stats(child, &stats) == 0 && stats.capacity == 0);
    POOLS_EXPECT(stats.kind == mp_kind(child, NULL));
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.capacity == 10000);
    ck_assert_uint_eq(stats.capacity_free, 10000 - 100 - 1000);
    POOLS_EXPECT(stats.kind == mp_kind(mp, NULL));
    mp_destroy(mp);
}
END_TEST

/* Reports of leaks, one after the other. */
static struct {
    char line[40][128];
    const void *ptr[40];
    size_t count;
} leaks;

static void note_leak(memory_pool_t *mp, mp_event_t event,
                      const char *message, const void *ptr, void *context)
{
    POOLS_EXPECT(event == MP_EVENT_LEAK && context == &leaks);
    POOLS_EXPECT(mp_check(mp) == 0); /* no lock is held */
    POOLS_EXPECT(ptr == NULL || mp_locate(mp, ptr) == MP_LIVE);
    POOLS_EXPECT(leaks.count < 40);
    char *line = leaks.line[leaks.count];
    snprintf(line, sizeof leaks.line[0], "%s", message);
    if (ptr != NULL) { /* the end of the line names it */
        char first[64];
        snprintf(first, sizeof first, ", first at %p", ptr);
        POOLS_EXPECT(strlen(line) > strlen(first));
        line += strlen(line) - strlen(first);
        POOLS_EXPECT(strcmp(line, first) == 0);
        *line = '\0';
    }
    leaks.ptr[leaks.count++] = ptr;
}

/* 0: a lock; 1: caches; 2: as 1 without the flag. */
START_TEST(leaks_are_reported_by_size_when_asked_for)
{
    const mp_options_t options = {
        .threads = _i == 0 ? MP_THREADS_LOCKED : MP_THREADS_CACHED,
        .flags = _i < 2 ? MP_LEAK_CHECK : 0,
        .report = note_leak,
        .report_context = &leaks,
    };
    static const char *const lines[2][5] = {
        {"leak: 1 object of 1 byte, 1 byte in all",
         "leak: 3 objects of 24 bytes, 72 bytes in all",
         "leak: 1 object of 1024 bytes, 1024 bytes in all",
         "leak: 2 objects of 1100 to 2048 bytes, 3148 bytes in all",
         "leak: 7 objects, 4245 bytes in all"},
        {"leak: 1 object of 16 bytes, 16 bytes in all",
         "leak: 3 objects of 32 bytes, 96 bytes in all",
         "leak: 1 object of 1024 bytes, 1024 bytes in all",
         "leak: 2 objects of 1120 to 2048 bytes, 3168 bytes in all",
         "leak: 7 objects, 4304 bytes in all"}};
    static const size_t sizes[] = {24, 1, 24, 1100, 24, 2048, 500, 1024};
    void *object[8];
    memory_pool_t *mp = mp_create(&options);

    leaks.count = 0;
    for (unsigned i = 0; i < 8; i++) {
        object[i] = mp_allocate(mp, sizes[i]);
        POOLS_EXPECT(object[i] != NULL);
    }
    free_memory(mp, object[6]);
    int inexact = pools_cached(mp);
    ck_assert(_i != 0 || !inexact);
    errno = SUPPORT_ERRNO;
    destroy_memory_pool(mp);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    ck_assert_uint_eq(leaks.count, _i < 2 ? 5 : 0);
    for (size_t i = 0; i < leaks.count; i++) {
        ck_assert_str_eq(leaks.line[i], lines[inexact][i]);
    }
    if (_i < 2) {
        POOLS_EXPECT(leaks.ptr[0] == object[1] && leaks.ptr[4] == NULL);
        POOLS_EXPECT(leaks.ptr[1] == object[0]);
        POOLS_EXPECT(leaks.ptr[3] == object[3] || leaks.ptr[3] == object[5]);
    }
    leaks.count = 0;
    mp = mp_create(&options);
    POOLS_EXPECT(mp_allocate(mp, 10) != NULL);
    free_all_memory(mp);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(leaks.count, 0);
}
END_TEST

/* What is in marks is live too, and so is a child's own, which is told when
 * its parent's reset or end destroys it. */
START_TEST(leaks_in_marks_and_children_are_reported)
{
    mp_options_t options = {.flags = MP_LEAK_CHECK,
                            .report = note_leak,
                            .report_context = &leaks};
    memory_pool_t *mp = mp_create(&options);
    mp_options_t child_options = options;

    leaks.count = 0;
    for (int round = 0; round < 2; round++) {
        child_options.parent = mp;
        memory_pool_t *child = mp_create(&child_options);
        mp_mark_t marks[2];
        ck_assert_ptr_nonnull(child);
        for (int i = 0; i < 2; i++) {
            marks[i] = mp_mark(child);
            POOLS_EXPECT(marks[i].number != 0);
            POOLS_EXPECT(mp_allocate(child, 48) != NULL);
        }
        if (round == 0) {
            free_all_memory(mp);
        } else {
            destroy_memory_pool(mp);
        }
        ck_assert_uint_eq(leaks.count, 2);
        ck_assert_str_eq(leaks.line[0],
                         "leak: 2 objects of 48 bytes, 96 bytes in all");
        ck_assert_str_eq(leaks.line[1], "leak: 2 objects, 96 bytes in all");
        leaks.count = 0;
    }
}
END_TEST

/* Each wrong argument is refused in silence. */
START_TEST(a_wrong_argument_of_a_view_is_refused_in_silence)
{
    memory_pool_t *mp = init_memory_pool();
    mp_stats_t stats;

    POOLS_EXPECT(mp != NULL);
    support_capture();
    SUPPORT_REFUSED(mp_stats(NULL, &stats), -1);
    SUPPORT_REFUSED(mp_stats(mp, NULL), -1);
    SUPPORT_REFUSED(mp_stats_sized(NULL, NULL, 0), -1);
    SUPPORT_REFUSED(CALLED(mp_stats)(NULL, &stats), -1);
    SUPPORT_REFUSED(mp_walk(NULL, view_stop, NULL), -1);
    SUPPORT_REFUSED(mp_walk(mp, NULL, NULL), -1);
    support_release_lines("", 0);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.allocations == 0 &&
                 stats.refused_size == 0);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, an_object_that_grew_in_place_counts_for_the_peak,
                        0, pools_count);
    tcase_add_loop_test(kinds,
                        random_work_agrees_with_the_statistics_and_the_walk, 0,
                        pools_count);
    tcase_add_loop_test(kinds, objects_of_a_mark_are_counted_until_its_rewind,
                        0, pools_count);
    tcase_add_loop_test(kinds,
                        objects_of_handles_are_counted_as_those_of_threads, 0,
                        pools_count);
    tcase_add_loop_test(kinds,
                        a_walk_beside_other_threads_meets_each_object_once, 0,
                        4);
    tcase_add_loop_test(kinds, a_walk_can_free_what_it_visits, 0, pools_count);
    tcase_add_test(single, each_refusal_is_counted_by_its_reason);
    tcase_add_test(single,
                   statistics_of_other_lengths_are_filled_as_far_as_they_go);
    tcase_add_test(single, the_longest_free_piece_is_to_be_had);
    tcase_add_test(single, a_capacity_and_what_is_left_of_it_are_told);
    tcase_add_loop_test(single, leaks_are_reported_by_size_when_asked_for, 0,
                        3);
    tcase_add_test(single, leaks_in_marks_and_children_are_reported);
    tcase_add_test(single, a_wrong_argument_of_a_view_is_refused_in_silence);
    return support_run(suite);
}
