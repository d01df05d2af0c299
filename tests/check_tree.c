/* SPDX-License-Identifier: MIT
 *
 * check_tree.c - which cleanups are called, and in which order.
 *
 * Over a tree of pools, by a reset and by an end, in pools of several kinds;
 * cleanups that are taken back, and misuse.  What a cleanup may do is in
 * check_cleanups.c, what children hold and count in check_children.c.
 */
#include <errno.h>

#include "cleanups.h"

START_TEST(cleanups_run_newest_first_children_before_parents)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    cleanups_add(mp, 'b');
    memory_pool_t *old = cleanups_pool(_i + 1, mp);
    cleanups_add(old, 'i');
    memory_pool_t *new = cleanups_pool(_i, mp);
    memory_pool_t *below = cleanups_pool(_i, old);
    cleanups_add(new, 'e');
    cleanups_add(mp, 'a');
    cleanups_add(below, 'g');
    cleanups_add(old, 'h');
    cleanups_add(new, 'd');
    cleanups_add(below, 'f');
    ck_assert_str_eq(cleanups_called, "");
    cleanups_end(_i, mp);
    ck_assert_str_eq(cleanups_called, "defghiab");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* One pool of a tree goes: those below with it, and no other. */
START_TEST(a_pool_ends_with_those_below_it_and_no_other)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *one = cleanups_pool(_i, mp);
    memory_pool_t *two = cleanups_pool(_i, mp);
    memory_pool_t *three = cleanups_pool(_i, mp);
    memory_pool_t *below = cleanups_pool(_i, two);
    char *object = mp_strdup(three, "stays");

    ck_assert_ptr_nonnull(object);
    cleanups_add(mp, 'm');
    cleanups_add(one, 'o');
    cleanups_add(two, 't');
    cleanups_add(three, 'x');
    cleanups_add(below, 'b');
    free_all_memory(two);
    ck_assert_str_eq(cleanups_called, "bt");
    free_all_memory(two);
    ck_assert_str_eq(cleanups_called, "bt");
    destroy_memory_pool(two);
    ck_assert_str_eq(cleanups_called, "bt");
    destroy_memory_pool(one);
    ck_assert_str_eq(cleanups_called, "bto");
    ck_assert_str_eq(object, "stays");
    ck_assert_int_eq(mp_check(three), 0);
    cleanups_end(_i, mp);
    ck_assert_str_eq(cleanups_called, "btoxm");
}
END_TEST

/* What is there from before is not counted: there may be any number. */
START_TEST(any_number_of_cleanups_is_called)
{
    struct cleanups_work work = {.mp = cleanups_pool(_i, NULL)};
    unsigned count = support_times(70000, 10);

    cleanups_start();
    for (unsigned i = 0; i < count; i++) {
        POOLS_EXPECT(mp_add_cleanup(work.mp, cleanups_add_others, &work) == 0);
    }
    work.left = 5000;
    cleanups_end(_i, work.mp);
    ck_assert_uint_eq(work.calls, count + 5000);
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
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    memory_pool_t *child = cleanups_pool(_i, mp);
    struct cleanups_work work = {.mp = mp};

    expect_none(mp, cleanups_note, &cleanups_letters[0]);
    cleanups_add(mp, 'a');
    cleanups_add(mp, 'b');
    cleanups_add(mp, 'a');
    cleanups_add(mp, 'c');
    cleanups_add(child, 'd');
    expect_none(mp, cleanups_note, &cleanups_letters[3]); /* the child's */
    expect_none(child, cleanups_note, &cleanups_letters[0]);
    expect_none(mp, cleanups_note, NULL);
    expect_none(mp, cleanups_add_others, &cleanups_letters[0]);
    expect_none(mp, NULL, &cleanups_letters[0]);
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(
        mp_remove_cleanup(mp, cleanups_note, &cleanups_letters[0]), 0);
    ck_assert_int_eq(mp_add_cleanup(mp, cleanups_add_others, &work), 0);
    ck_assert_int_eq(mp_add_cleanup(mp, cleanups_add_others, NULL), 0);
    ck_assert_int_eq(mp_remove_cleanup(mp, cleanups_add_others, NULL), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    expect_none(mp, cleanups_add_others, NULL);
    free_all_memory(mp);
    /* The newer 'a' was taken back. */
    ck_assert_str_eq(cleanups_called, "dcba");
    ck_assert_uint_eq(work.calls, 1);
    expect_none(mp, cleanups_note, &cleanups_letters[0]);
    cleanups_add(mp, 'e');
    ck_assert_int_eq(
        mp_remove_cleanup(mp, cleanups_note, &cleanups_letters[4]), 0);
    cleanups_end(_i, mp);
    ck_assert_str_eq(cleanups_called, "dcba");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static void take_back(void *arg)
{
    struct cleanups_work *work = arg;

    work->calls++;
    POOLS_EXPECT(mp_remove_cleanup(work->mp, cleanups_note,
                                   &cleanups_letters[0]) == 0);
    errno = 0;
    POOLS_EXPECT(mp_remove_cleanup(work->mp, take_back, work) == -1);
    pools_expect_report(work->mp, MP_EVENT_CLEANUP, "no such cleanup", NULL,
                        EINVAL);
}

START_TEST(a_wrong_cleanup_is_refused_and_a_rewind_calls_none)
{
    cleanups_start();
    memory_pool_t *mp = cleanups_pool(_i, NULL);
    struct cleanups_work work = {.mp = mp};

    errno = 0;
    ck_assert_int_eq(mp_add_cleanup(mp, NULL, &work), -1);
    pools_expect_report(mp, MP_EVENT_CLEANUP, "the cleanup is NULL", NULL,
                        EINVAL);
    /* A cleanup takes back one that has not been called, not itself. */
    cleanups_add(mp, 'b');
    cleanups_add(mp, 'a');
    ck_assert_int_eq(mp_add_cleanup(mp, take_back, &work), 0);
    /* A rewind calls none. */
    mp_mark_t mark = mp_mark(mp);
    cleanups_add(mp, 'c');
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert_str_eq(cleanups_called, "");
    cleanups_end(_i, mp);
    ck_assert_str_eq(cleanups_called, "cb");
    ck_assert_uint_eq(work.calls, 1);
    ck_assert_uint_eq(pools_reported.count, 0);

    mp = mp_create(NULL);
    support_capture();
    SUPPORT_REFUSED(mp_add_cleanup(NULL, cleanups_note, NULL), -1);
    SUPPORT_REFUSED(mp_remove_cleanup(NULL, cleanups_note, NULL), -1);
    SUPPORT_REFUSED(mp_add_cleanup(mp, NULL, NULL), -1);
    SUPPORT_REFUSED(mp_remove_cleanup(mp, cleanups_note, NULL), -1);
    support_release_lines("", 0);
    destroy_memory_pool(mp);
    mp = init_memory_pool();
    support_capture();
    ck_assert_int_eq(mp_add_cleanup(mp, NULL, NULL), -1);
    support_release_lines("the cleanup is NULL\n", 1);
    support_capture();
    ck_assert_int_eq(mp_remove_cleanup(mp, cleanups_note, NULL), -1);
    support_release_lines("no such cleanup\n", 1);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *calls = support_case(suite, "calls");

    tcase_add_loop_test(calls,
                        cleanups_run_newest_first_children_before_parents, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(calls, a_pool_ends_with_those_below_it_and_no_other, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(calls, any_number_of_cleanups_is_called, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(calls,
                        mp_remove_cleanup_takes_back_the_newest_that_matches,
                        0, CLEANUPS_BOTH);
    tcase_add_loop_test(calls,
                        a_wrong_cleanup_is_refused_and_a_rewind_calls_none, 0,
                        CLEANUPS_BOTH);
    return support_run(suite);
}
