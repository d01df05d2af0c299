/* SPDX-License-Identifier: MIT
 *
 * check_tree.c - cleanups: when they are called, and what they may do.
 *
 * Their order over a tree of pools, what is still live then, what they add,
 * allocate and destroy themselves, those that never end, and misuse, in
 * pools of several kinds.  What children hold and count is in
 * check_children.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pools.h"

/* Pools of all sorts; each test runs for a pool with a reset and its end. */
static const mp_options_t kinds[] = {
    {.report = pools_report},
    {.report = pools_report, .threads = MP_THREADS_LOCKED},
    {.report = pools_report, .threads = MP_THREADS_NONE},
    {.report = pools_report, .capacity = 10000000},
    {.report = pools_report, .flags = MP_ZERO_ON_FREE},
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))
#define BOTH (2 * KINDS) /* by a reset; by the end */

static memory_pool_t *make_pool(int i, memory_pool_t *parent)
{
    mp_options_t options = kinds[i % KINDS];

    options.parent = parent;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    return mp;
}

/* Resets or destroys the pool, which leaves errno alone; then, after a reset,
 * destroys it. */
static void end_pool(int i, memory_pool_t *mp)
{
    errno = SUPPORT_ERRNO;
    if (i < KINDS) {
        mp_stats_t stats;
        free_all_memory(mp);
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_objects, 0);
        ck_assert_uint_eq(stats.children, 0);
        errno = SUPPORT_ERRNO;
    }
    destroy_memory_pool(mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
}

/* What was called, in order. */
static char called[64];

static void note(void *arg)
{
    size_t length = strlen(called);

    POOLS_EXPECT(length < sizeof called - 1);
    called[length] = *(const char *)arg;
    called[length + 1] = '\0';
    errno = 1; /* which the reset does not pass on */
}

static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static void add_note(memory_pool_t *mp, char letter)
{
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_add_cleanup(mp, note, &letters[letter - 'a']) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
}

static void start(void)
{
    memset(called, 0, sizeof called);
    pools_forget_reports();
}

START_TEST(cleanups_run_newest_first_children_before_parents)
{
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    add_note(mp, 'b');
    memory_pool_t *old = make_pool(_i + 1, mp);
    add_note(old, 'i');
    memory_pool_t *new = make_pool(_i, mp);
    memory_pool_t *below = make_pool(_i, old);
    add_note(new, 'e');
    add_note(mp, 'a');
    add_note(below, 'g');
    add_note(old, 'h');
    add_note(new, 'd');
    add_note(below, 'f');
    ck_assert_str_eq(called, "");
    end_pool(_i, mp);
    ck_assert_str_eq(called, "defghiab");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* One pool of a tree goes: those below with it, and no other. */
START_TEST(a_pool_ends_with_those_below_it_and_no_other)
{
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *one = make_pool(_i, mp);
    memory_pool_t *two = make_pool(_i, mp);
    memory_pool_t *three = make_pool(_i, mp);
    memory_pool_t *below = make_pool(_i, two);
    char *object = mp_strdup(three, "stays");

    ck_assert_ptr_nonnull(object);
    add_note(mp, 'm');
    add_note(one, 'o');
    add_note(two, 't');
    add_note(three, 'x');
    add_note(below, 'b');
    free_all_memory(two);
    ck_assert_str_eq(called, "bt");
    free_all_memory(two);
    ck_assert_str_eq(called, "bt");
    destroy_memory_pool(two);
    ck_assert_str_eq(called, "bt");
    destroy_memory_pool(one);
    ck_assert_str_eq(called, "bto");
    ck_assert_str_eq(object, "stays");
    ck_assert_int_eq(mp_check(three), 0);
    end_pool(_i, mp);
    ck_assert_str_eq(called, "btoxm");
}
END_TEST

/* What a cleanup finds and does. */
struct work {
    memory_pool_t *mp;
    memory_pool_t *parent; /* or NULL */
    memory_pool_t *other;
    char *object;
    char *made;
    unsigned calls;
    unsigned left;
    bool nested;
};

static void *look_from_elsewhere(void *arg)
{
    struct work *work = arg;

    POOLS_EXPECT(mp_check(work->mp) == 0);
    POOLS_EXPECT(mp_locate(work->mp, work->object) == MP_LIVE);
    return NULL;
}

/* All that a pool allows, from inside and from another thread. */
static void use_pool(void *arg)
{
    struct work *work = arg;
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
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *child = make_pool(_i, mp);
    struct work work = {.mp = mp}, below = {.mp = child, .parent = mp};

    work.other = below.other = make_pool(_i, NULL);
    below.object = mp_strdup(child, "object");
    POOLS_EXPECT(mp_add_cleanup(child, use_pool, &below) == 0);
    if (_i < KINDS) {
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
    ck_assert(_i % KINDS == 2 || owner == mp);
    end_pool(_i, mp);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_uint_eq(below.calls, 1);
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(work.other);
}
END_TEST

static void add_others(void *arg)
{
    struct work *work = arg;

    work->calls++;
    if (work->left > 0) {
        work->left--;
        POOLS_EXPECT(mp_add_cleanup(work->mp, add_others, work) == 0);
    }
}

/* One below the pool, with a cleanup of its own, and one that is gone. */
static void make_children(void *arg)
{
    struct work *work = arg;
    int i = (int)(work->left % (unsigned)KINDS);

    work->calls++;
    if (work->left > 0) {
        work->left--;
        mp_options_t options = kinds[i];
        options.parent = work->mp;
        memory_pool_t *gone = mp_create(&options);
        memory_pool_t *child = mp_create(&options);
        POOLS_EXPECT(child != NULL && gone != NULL);
        POOLS_EXPECT(mp_add_cleanup(gone, add_others, work) == 0);
        POOLS_EXPECT(mp_add_cleanup(child, make_children, work) == 0);
        POOLS_EXPECT(mp_allocate(child, 1000) != NULL);
        unsigned left = work->left;
        work->left = 0;
        destroy_memory_pool(gone);
        work->left = left;
    }
}

/* What is there from before is not counted: there may be any number. */
START_TEST(any_number_of_cleanups_is_called)
{
    struct work work = {.mp = make_pool(_i, NULL)};
    unsigned count = support_times(70000, 10);

    start();
    for (unsigned i = 0; i < count; i++) {
        POOLS_EXPECT(mp_add_cleanup(work.mp, add_others, &work) == 0);
    }
    work.left = 5000;
    end_pool(_i, work.mp);
    ck_assert_uint_eq(work.calls, count + 5000);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

START_TEST(children_made_in_a_cleanup_are_ended_too)
{
    struct work work = {.mp = make_pool(_i, NULL), .left = 50};

    start();
    POOLS_EXPECT(mp_add_cleanup(work.mp, make_children, &work) == 0);
    end_pool(_i, work.mp);
    ck_assert_uint_eq(work.left, 0);
    ck_assert_uint_eq(work.calls, 101);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

#define ENDLESS 65536u

/* Each adds two. */
static void add_endlessly(void *arg)
{
    struct work *work = arg;

    work->calls++;
    POOLS_EXPECT(mp_add_cleanup(work->mp, add_endlessly, work) == 0);
    if (work->left > 0) {
        POOLS_EXPECT(mp_add_cleanup(work->mp, add_endlessly, work) == 0);
    }
}

START_TEST(cleanups_that_add_cleanups_without_end_are_stopped)
{
    struct work work = {.mp = make_pool(_i, NULL)};

    for (work.left = 0; work.left < 2; work.left++) {
        start();
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
    add_note(work.mp, 'z');
    POOLS_EXPECT(mp_add_cleanup(work.mp, add_endlessly, &work) == 0);
    end_pool(_i, work.mp);
    /* What was there before is called all the same. */
    ck_assert_str_eq(called, "z");
}
END_TEST

/* Each makes another child, of the pool or, nested, of the child before, with
 * the same. */
static void breed_endlessly(void *arg)
{
    struct work *work = arg;
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
    memory_pool_t *mp = make_pool(_i / 2, NULL);
    struct work work = {.mp = mp, .nested = _i % 2 == 1};

    start();
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
    struct work *work = arg;

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
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *child = make_pool(_i, mp);
    struct work work = {.mp = mp, .object = mp_strdup(mp, "object")};
    struct work below = {.mp = child, .parent = mp,
                         .object = mp_strdup(child, "object")};

    add_note(mp, 'b');
    POOLS_EXPECT(mp_add_cleanup(mp, end_own, &work) == 0);
    add_note(mp, 'a');
    POOLS_EXPECT(mp_add_cleanup(child, end_own, &below) == 0);
    free_all_memory(child); /* by itself */
    ck_assert_uint_eq(below.calls, 1);
    ck_assert(is_mp_ptr(mp, work.object));
    ck_assert_int_ne(mp_locate(child, below.object), MP_LIVE);
    below.object = mp_strdup(child, "object");
    below.other = make_pool(_i, child); /* the children go first: not here */
    destroy_memory_pool(below.other);
    below.other = make_pool(_i, NULL);
    POOLS_EXPECT(mp_add_cleanup(child, end_own, &below) == 0);
    ck_assert_str_eq(called, "");
    end_pool(_i, mp); /* with its parent */
    ck_assert_uint_eq(below.calls, 2);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_str_eq(called, "ab");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* The older brother is still there, but not for long. */
static void end_brother(void *arg)
{
    struct work *work = arg;

    work->calls++;
    POOLS_EXPECT(is_mp_ptr(work->other, work->object));
    destroy_memory_pool(work->other);
}

START_TEST(a_cleanup_can_end_an_older_brother)
{
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *oldest = make_pool(_i, mp);
    struct work work = {.other = make_pool(_i, mp)};
    memory_pool_t *child = make_pool(_i, mp);

    work.object = mp_strdup(work.other, "object");
    add_note(work.other, 'b');
    add_note(oldest, 'c');
    POOLS_EXPECT(mp_add_cleanup(child, end_brother, &work) == 0);
    add_note(child, 'a');
    add_note(mp, 'd');
    end_pool(_i, mp);
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_str_eq(called, "abcd");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static void expect_none(memory_pool_t *mp, void (*fn)(void *), void *arg)
{
    errno = 0;
    ck_assert_int_eq(mp_remove_cleanup(mp, fn, arg), -1);
    pools_expect_report(mp, MP_EVENT_CLEANUP, "no such cleanup", NULL, EINVAL);
}

START_TEST(mp_remove_cleanup_takes_back_the_newest_that_matches)
{
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *child = make_pool(_i, mp);
    struct work work = {.mp = mp};

    expect_none(mp, note, &letters[0]);
    add_note(mp, 'a');
    add_note(mp, 'b');
    add_note(mp, 'a');
    add_note(mp, 'c');
    add_note(child, 'd');
    expect_none(mp, note, &letters[3]); /* the child's */
    expect_none(child, note, &letters[0]);
    expect_none(mp, note, NULL);
    expect_none(mp, add_others, &letters[0]);
    expect_none(mp, NULL, &letters[0]);
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_remove_cleanup(mp, note, &letters[0]), 0);
    ck_assert_int_eq(mp_add_cleanup(mp, add_others, &work), 0);
    ck_assert_int_eq(mp_add_cleanup(mp, add_others, NULL), 0);
    ck_assert_int_eq(mp_remove_cleanup(mp, add_others, NULL), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    expect_none(mp, add_others, NULL);
    free_all_memory(mp);
    ck_assert_str_eq(called, "dcba"); /* the newer 'a' was taken back */
    ck_assert_uint_eq(work.calls, 1);
    expect_none(mp, note, &letters[0]);
    add_note(mp, 'e');
    ck_assert_int_eq(mp_remove_cleanup(mp, note, &letters[4]), 0);
    end_pool(_i, mp);
    ck_assert_str_eq(called, "dcba");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static void take_back(void *arg)
{
    struct work *work = arg;

    work->calls++;
    POOLS_EXPECT(mp_remove_cleanup(work->mp, note, &letters[0]) == 0);
    errno = 0;
    POOLS_EXPECT(mp_remove_cleanup(work->mp, take_back, work) == -1);
    pools_expect_report(work->mp, MP_EVENT_CLEANUP, "no such cleanup", NULL,
                        EINVAL);
}

START_TEST(a_wrong_cleanup_is_refused_and_a_rewind_calls_none)
{
    start();
    memory_pool_t *mp = make_pool(_i, NULL);
    struct work work = {.mp = mp};

    errno = 0;
    ck_assert_int_eq(mp_add_cleanup(mp, NULL, &work), -1);
    pools_expect_report(mp, MP_EVENT_CLEANUP, "the cleanup is NULL", NULL,
                        EINVAL);
    /* A cleanup takes back one that has not been called, not itself. */
    add_note(mp, 'b');
    add_note(mp, 'a');
    ck_assert_int_eq(mp_add_cleanup(mp, take_back, &work), 0);
    /* A rewind calls none. */
    mp_mark_t mark = mp_mark(mp);
    add_note(mp, 'c');
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert_str_eq(called, "");
    end_pool(_i, mp);
    ck_assert_str_eq(called, "cb");
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_uint_eq(pools_reported.count, 0);

    mp = mp_create(NULL);
    support_capture();
    SUPPORT_REFUSED(mp_add_cleanup(NULL, note, NULL), -1);
    SUPPORT_REFUSED(mp_remove_cleanup(NULL, note, NULL), -1);
    SUPPORT_REFUSED(mp_add_cleanup(mp, NULL, NULL), -1);
    SUPPORT_REFUSED(mp_remove_cleanup(mp, note, NULL), -1);
    support_release_lines("", 0);
    destroy_memory_pool(mp);
    mp = init_memory_pool();
    support_capture();
    ck_assert_int_eq(mp_add_cleanup(mp, NULL, NULL), -1);
    support_release_lines("the cleanup is NULL\n", 1);
    support_capture();
    ck_assert_int_eq(mp_remove_cleanup(mp, note, NULL), -1);
    support_release_lines("no such cleanup\n", 1);
    destroy_memory_pool(mp);
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
    start();
    pid_t child = -1;
    memory_pool_t *mp = make_pool(_i, NULL);
    memory_pool_t *below = make_pool(_i, mp);

    add_note(mp, 'b');
    POOLS_EXPECT(mp_add_cleanup(below, split, &child) == 0);
    add_note(below, 'a');
    ck_assert_ptr_nonnull(mp_strdup(mp, "object"));
    free_all_memory(mp);
    ck_assert_int_ge(child, 0);
    bool right = strcmp(called, "ab") == 0 && mp_check(mp) == 0;
    add_note(mp, 'c');
    destroy_memory_pool(mp);
    right = right && strcmp(called, "abc") == 0;
    if (child == 0) {
        _exit(right ? 0 : 1);
    }
    ck_assert(right);
    support_expect_child(child);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *calls = support_case(suite, "calls");
    TCase *inside = support_case(suite, "inside");

    tcase_add_loop_test(calls,
                        cleanups_run_newest_first_children_before_parents, 0,
                        BOTH);
    tcase_add_loop_test(calls, a_pool_ends_with_those_below_it_and_no_other, 0,
                        BOTH);
    tcase_add_loop_test(calls, any_number_of_cleanups_is_called, 0, BOTH);
    tcase_add_loop_test(calls,
                        mp_remove_cleanup_takes_back_the_newest_that_matches,
                        0, BOTH);
    tcase_add_loop_test(calls,
                        a_wrong_cleanup_is_refused_and_a_rewind_calls_none, 0,
                        BOTH);
    tcase_add_loop_test(inside, a_cleanup_can_use_every_pool, 0, BOTH);
    tcase_add_loop_test(inside, children_made_in_a_cleanup_are_ended_too, 0,
                        BOTH);
    tcase_add_loop_test(inside,
                        cleanups_that_add_cleanups_without_end_are_stopped, 0,
                        BOTH);
    tcase_add_loop_test(inside, children_made_without_end_are_stopped, 0,
                        2 * BOTH);
    tcase_add_loop_test(inside, a_cleanup_cannot_end_its_own_pool_or_one_above,
                        0, BOTH);
    tcase_add_loop_test(inside, a_cleanup_can_end_an_older_brother, 0, BOTH);
    tcase_add_loop_test(inside, a_cleanup_can_fork_in_the_middle_of_a_reset, 0,
                        KINDS);
    return support_run(suite);
}
