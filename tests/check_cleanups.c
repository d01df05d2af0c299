/* SPDX-License-Identifier: MIT
 *
 * check_cleanups.c - what a cleanup may do, and what stops it.
 *
 * Cleanups that use their pool and others, add cleanups and children, without
 * end too, destroy pools, or fork.  In which order cleanups are called is in
 * check_tree.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cleanups.h"

static void *look_from_elsewhere(void *arg)
{
    struct cleanups_work *work = arg;

    POOLS_EXPECT(mp_check(work->mp) == 0);
    POOLS_EXPECT(mp_locate(work->mp, work->object) == MP_LIVE);
    return NULL;
}

/* All that a pool allows, from inside and from another thread. */
static void use_pool(void *arg)
{
    struct cleanups_work *work = arg;
    mp_stats_t stats;

    work->calls++;
    POOLS_EXPECT(is_mp_ptr(work->mp, work->object));
    POOLS_EXPECT(strcmp(work->object, "object") == 0);
    POOLS_EXPECT(mp_stats(work->mp, &stats) == 0);
    POOLS_EXPECT(stats.live_objects == 1 && stats.children == 0);
    support_join(support_start(look_from_elsewhere, work));
    work->made = mp_strdup(work->mp, "made in a cleanup");
    POOLS_EXPECT(work->made != NULL);
    char *freed = mp_allocate(work->mp, 2000);
    POOLS_EXPECT(freed != NULL);
    free_memory(work->mp, freed);
    mp_mark_t mark = mp_mark(work->mp);
    POOLS_EXPECT(mark.number != 0 && mp_allocate(work->mp, 3) != NULL);
    POOLS_EXPECT(mp_rewind(work->mp, mark) == 0);
    mp_handle_t *handle = mp_attach(work->mp);
    POOLS_EXPECT(handle != NULL && mp_handle_allocate(handle, 9) != NULL);
    mp_detach(handle);
    POOLS_EXPECT(strcmp(work->made, "made in a cleanup") == 0);
    POOLS_EXPECT(mp_check(work->mp) == 0);
    free_all_memory(work->other);
    POOLS_EXPECT(mp_check(work->other) == 0);
    if (work->parent != NULL) {
        POOLS_EXPECT(mp_strdup(work->parent, "above") != NULL);
        POOLS_EXPECT(mp_check(work->parent) == 0);
    }
}

START_TEST(a_cleanup_can_use_every_pool)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *child = cleanups_pool(_i, mp);
    struct cleanups_work work = {.mp = mp};
    struct cleanups_work below = {.mp = child, .parent = mp};

    work.other = below.other = cleanups_pool(_i, NULL);
    below.object = mp_strdup(child, "object");
    POOLS_EXPECT(mp_add_cleanup(child, use_pool, &below) == 0);
    if (_i < CLEANUPS_KINDS) {
        free_all_memory(child);
        ck_assert_uint_eq(below.calls, 1);
        ck_assert_int_ne(mp_locate(child, below.made), MP_LIVE);
        ck_assert_int_eq(mp_check(child), 0);
    } else {
        destroy_memory_pool(child);
        ck_assert_uint_eq(below.calls, 1);
    }
    free_all_memory(mp);
    work.object = mp_strdup(mp, "object");
    POOLS_EXPECT(mp_add_cleanup(mp, use_pool, &work) == 0);
    memory_pool_t *owner = mp_owner(work.object);
    ck_assert(_i % CLEANUPS_KINDS == 2 || owner == mp);
    cleanups_end(_i, mp);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_uint_eq(below.calls, 1);
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(work.other);
}
END_TEST

/* One below the pool, with a cleanup of its own, and one that is gone. */
static void make_children(void *arg)
{
    struct cleanups_work *work = arg;
    int i = (int)(work->left % (unsigned)CLEANUPS_KINDS);

    work->calls++;
    if (work->left > 0) {
        work->left--;
        mp_options_t options = cleanups_kinds[i];
        options.parent = work->mp;
        memory_pool_t *gone = mp_create(&options);
        memory_pool_t *child = mp_create(&options);
        POOLS_EXPECT(child != NULL && gone != NULL);
        POOLS_EXPECT(mp_add_cleanup(gone, cleanups_add_others, work) == 0);
        POOLS_EXPECT(mp_add_cleanup(child, make_children, work) == 0);
        POOLS_EXPECT(mp_allocate(child, 1000) != NULL);
        unsigned left = work->left;
        work->left = 0;
        destroy_memory_pool(gone);
        work->left = left;
    }
}

START_TEST(children_made_in_a_cleanup_are_ended_too)
{
    struct cleanups_work work = {.mp = cleanups_pool(_i, NULL), .left = 50};

    cleanups_start();
    POOLS_EXPECT(mp_add_cleanup(work.mp, make_children, &work) == 0);
    cleanups_end(_i, work.mp);
    ck_assert_uint_eq(work.left, 0);
    ck_assert_uint_eq(work.calls, 101);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

#define ENDLESS 65536u

/* Each adds two. */
static void add_endlessly(void *arg)
{
    struct cleanups_work *work = arg;

    work->calls++;
    POOLS_EXPECT(mp_add_cleanup(work->mp, add_endlessly, work) == 0);
    if (work->left > 0) {
        POOLS_EXPECT(mp_add_cleanup(work->mp, add_endlessly, work) == 0);
    }
}

START_TEST(cleanups_that_add_cleanups_without_end_are_stopped)
{
    struct cleanups_work work = {.mp = cleanups_pool(_i, NULL)};

    for (work.left = 0; work.left < 2; work.left++) {
        cleanups_start();
        work.calls = 0;
        POOLS_EXPECT(mp_add_cleanup(work.mp, add_endlessly, &work) == 0);
        ck_assert_ptr_nonnull(mp_allocate(work.mp, 100));
        free_all_memory(work.mp);
        ck_assert_uint_eq(work.calls, ENDLESS + 1);
        ck_assert_uint_eq(pools_reported.count, 1);
        ck_assert_int_eq(pools_reported.event, MP_EVENT_CLEANUP);
        ck_assert_ptr_eq(pools_reported.mp, work.mp);
        ck_assert_str_eq(pools_reported.message,
                         "cleanups add cleanups without end");
        free_all_memory(work.mp);
        ck_assert_uint_eq(work.calls, ENDLESS + 1);
    }
    cleanups_add(work.mp, 'z');
    POOLS_EXPECT(mp_add_cleanup(work.mp, add_endlessly, &work) == 0);
    cleanups_end(_i, work.mp);
    /* What was there before is called all the same. */
    ck_assert_str_eq(cleanups_called, "z");
}
END_TEST

/* Each makes another child, of the pool or, nested, of the child before, with
 * the same. */
static void breed_endlessly(void *arg)
{
    struct cleanups_work *work = arg;
    mp_options_t options = {.threads = MP_THREADS_LOCKED,
                            .parent = work->mp,
                            .report = pools_report};
    memory_pool_t *child = mp_create(&options);

    POOLS_EXPECT(child != NULL && work->calls < 3 * ENDLESS);
    work->calls++;
    if (work->nested) {
        work->mp = child;
    }
    POOLS_EXPECT(mp_add_cleanup(child, breed_endlessly, work) == 0);
}

START_TEST(children_made_without_end_are_stopped)
{
    memory_pool_t *mp = cleanups_pool(_i / 2, NULL);
    struct cleanups_work work = {.mp = mp, .nested = _i % 2 == 1};

    cleanups_start();
    POOLS_EXPECT(mp_add_cleanup(mp, breed_endlessly, &work) == 0);
    free_all_memory(mp);
    ck_assert_uint_eq(work.calls, ENDLESS + 1);
    ck_assert_uint_gt(pools_reported.count, 0);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_CLEANUP);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(work.calls, ENDLESS + 1);
}
END_TEST

#define BUSY "the memory pool is being reset or destroyed"

/* Neither its own pool nor one above. */
static void end_own(void *arg)
{
    struct cleanups_work *work = arg;

    work->calls++;
    for (memory_pool_t *mp = work->mp; mp != NULL;
         mp = mp == work->mp ? work->parent : NULL) {
        errno = 0;
        free_all_memory(mp);
        pools_expect_report(mp, MP_EVENT_BUSY, BUSY, NULL, EBUSY);
        errno = 0;
        destroy_memory_pool(mp);
        pools_expect_report(mp, MP_EVENT_BUSY, BUSY, NULL, EBUSY);
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    POOLS_EXPECT(is_mp_ptr(work->mp, work->object));
    POOLS_EXPECT(strcmp(work->object, "object") == 0);
    if (work->other != NULL) {
        destroy_memory_pool(work->other);
    }
}

START_TEST(a_cleanup_cannot_end_its_own_pool_or_one_above)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *child = cleanups_pool(_i, mp);
    struct cleanups_work work = {.mp = mp, .object = mp_strdup(mp, "object")};
    struct cleanups_work below = {.mp = child, .parent = mp,
                         .object = mp_strdup(child, "object")};

    cleanups_add(mp, 'b');
    POOLS_EXPECT(mp_add_cleanup(mp, end_own, &work) == 0);
    cleanups_add(mp, 'a');
    POOLS_EXPECT(mp_add_cleanup(child, end_own, &below) == 0);
    free_all_memory(child); /* by itself */
    ck_assert_uint_eq(below.calls, 1);
    ck_assert(is_mp_ptr(mp, work.object));
    ck_assert_int_ne(mp_locate(child, below.object), MP_LIVE);
    below.object = mp_strdup(child, "object");
    /* The children go first: it is not there any more. */
    below.other = cleanups_pool(_i, child);
    destroy_memory_pool(below.other);
    below.other = cleanups_pool(_i, NULL);
    POOLS_EXPECT(mp_add_cleanup(child, end_own, &below) == 0);
    ck_assert_str_eq(cleanups_called, "");
    cleanups_end(_i, mp); /* with its parent */
    ck_assert_uint_eq(below.calls, 2);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_str_eq(cleanups_called, "ab");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* The older brother is still there, but not for long. */
static void end_brother(void *arg)
{
    struct cleanups_work *work = arg;

    work->calls++;
    POOLS_EXPECT(is_mp_ptr(work->other, work->object));
    destroy_memory_pool(work->other);
}

START_TEST(a_cleanup_can_end_an_older_brother)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *oldest = cleanups_pool(_i, mp);
    struct cleanups_work work = {.other = cleanups_pool(_i, mp)};
    memory_pool_t *child = cleanups_pool(_i, mp);

    work.object = mp_strdup(work.other, "object");
    cleanups_add(work.other, 'b');
    cleanups_add(oldest, 'c');
    POOLS_EXPECT(mp_add_cleanup(child, end_brother, &work) == 0);
    cleanups_add(child, 'a');
    cleanups_add(mp, 'd');
    cleanups_end(_i, mp);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_str_eq(cleanups_called, "abcd");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* Becomes two processes in the middle of a reset. */
static void split(void *arg)
{
    pid_t *child = arg;

    *child = fork();
    POOLS_EXPECT(*child >= 0);
}

START_TEST(a_cleanup_can_fork_in_the_middle_of_a_reset)
{
    cleanups_start();
    pid_t child = -1;
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *below = cleanups_pool(_i, mp);

    cleanups_add(mp, 'b');
    POOLS_EXPECT(mp_add_cleanup(below, split, &child) == 0);
    cleanups_add(below, 'a');
    ck_assert_ptr_nonnull(mp_strdup(mp, "object"));
    free_all_memory(mp);
    ck_assert_int_ge(child, 0);
    bool right = strcmp(cleanups_called, "ab") == 0 && mp_check(mp) == 0;
    cleanups_add(mp, 'c');
    destroy_memory_pool(mp);
    right = right && strcmp(cleanups_called, "abc") == 0;
    if (child == 0) {
        _exit(right ? 0 : 1);
    }
    ck_assert(right);
    support_expect_child(child);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cleanups");
    TCase *inside = support_case(suite, "inside");

    tcase_add_loop_test(inside, a_cleanup_can_use_every_pool, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(inside, children_made_in_a_cleanup_are_ended_too, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(inside,
                        cleanups_that_add_cleanups_without_end_are_stopped, 0,
                        CLEANUPS_BOTH);
    /* 65536 pools: a checker needs minutes for all kinds. */
    tcase_add_loop_test(inside, children_made_without_end_are_stopped, 0,
                        (int)support_times(2 * CLEANUPS_BOTH, CLEANUPS_BOTH));
    tcase_add_loop_test(inside, a_cleanup_cannot_end_its_own_pool_or_one_above,
                        0, CLEANUPS_BOTH);
    tcase_add_loop_test(inside, a_cleanup_can_end_an_older_brother, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(inside, a_cleanup_can_fork_in_the_middle_of_a_reset, 0,
                        CLEANUPS_KINDS);
    return support_run(suite);
}
