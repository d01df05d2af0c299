/* SPDX-License-Identifier: MIT
 *
 * test_quota_lend.c - credit that a quota lends, in one quota and in trees.
 *
 * What it cannot do: use what was lent.  Caches do.
 */
#include "quotas.h"

START_TEST(a_part_of_what_is_free_is_lent)
{
    struct quota quota;

    quota_start(&quota, 1000, NULL);
    ck_assert_uint_eq(quota_lend(&quota, 10, 300, 2), 300);
    expect(&quota, 300, 0, 300);
    ck_assert_uint_eq(quota_lend(&quota, 10, 900, 2), 350);
    ck_assert_uint_eq(quota_lend(&quota, 175, 900, 2), 175);
    ck_assert_uint_eq(quota_lend(&quota, 88, 900, 2), 0);
    expect(&quota, 825, 0, 825);
    /* An object that needs more than is lent as a rule gets that. */
    ck_assert_uint_eq(quota_lend(&quota, 80, 20, 2), 80);
    expect(&quota, 905, 0, 905);
}
END_TEST

START_TEST(what_is_lent_counts_and_is_bounded_at_each_level)
{
    start_tree();
    ck_assert_uint_eq(quota_lend(&leaf, 1, 1000, 2), 250); /* by upper */
    expect(&leaf, 250, 0, 250);
    expect(&upper, 0, 250, 250);
    expect(&root, 0, 250, 250);
    ck_assert(quota_charge(&middle, 600));
    ck_assert_uint_eq(quota_lend(&leaf, 1, 1000, 2), 75); /* by root */
    ck_assert_uint_eq(quota_lend(&leaf, 38, 1000, 2), 0);
    expect(&root, 0, 925, 925);
    quota_settle(&leaf, 325, 0);
    expect(&upper, 0, 0, 325);
    expect(&root, 0, 600, 925);
}
END_TEST

START_TEST(a_first_loan_is_not_made_where_somebody_is_to_be_told)
{
    start_tree();
    ck_assert_uint_eq(quota_lend_first(&leaf, 40, 4), 40);
    quota_settle(&leaf, 40, 40);
    quota_set_near(&root, 900);
    ck_assert_uint_eq(quota_lend_first(&leaf, 40, 4), 0);
    expect(&root, 0, 0, 0);
    quota_set_near(&root, SIZE_MAX);
    ck_assert_uint_eq(quota_lend_first(&leaf, 1000, 2), 250); /* by upper */
    quota_set_state(&root, QUOTA_TIGHTENING);
    ck_assert_uint_eq(quota_lend_first(&leaf, 40, 4), 0);
}
END_TEST

/* Of a loan of 200 bytes 120 were used at most, and 50 are in use. */
START_TEST(a_quiet_end_gives_all_back_and_tells_the_mark)
{
    start_tree();
    ck_assert_uint_eq(quota_lend_first(&leaf, 200, 2), 200);
    expect(&upper, 0, 200, 200);
    ck_assert_uint_eq(quota_end_quiet(&leaf, 80), 120);
    expect(&leaf, 0, 0, 120);
    expect(&upper, 0, 0, 120);
    expect(&root, 0, 0, 120);
    ck_assert_ptr_null(leaf.above);
    ck_assert(quota_is_own(&leaf));
    /* One in no tree, with a mark from before its capacity became less. */
    quota_start(&leaf, 100, NULL);
    ck_assert(quota_charge(&leaf, 60));
    ck_assert_uint_eq(quota_end_quiet(&leaf, 0), 60);
    expect(&leaf, 0, 0, 60);
}
END_TEST

START_TEST(a_tight_quota_lends_nothing_until_an_eighth_is_free)
{
    start_tree();
    ck_assert(quota_charge(&upper, 500));
    quota_set_state(&root, QUOTA_TIGHTENING);
    ck_assert_uint_eq(quota_lend(&middle, 1, 100, 2), 0);
    ck_assert_int_eq(quota_state(&root), QUOTA_TIGHTENING);
    ck_assert(quota_charge(&middle, 376));
    quota_set_state(&root, QUOTA_TIGHT);
    ck_assert_uint_eq(quota_lend(&middle, 1, 100, 2), 0);
    ck_assert_int_eq(quota_state(&root), QUOTA_TIGHT);
    quota_uncharge(&middle, 1); /* 125 of 1,000 are free */
    ck_assert_uint_eq(quota_lend(&middle, 63, 100, 2), 0);
    ck_assert_int_eq(quota_state(&root), QUOTA_TIGHT);
    ck_assert_uint_eq(quota_lend(&middle, 1, 100, 2), 62);
    ck_assert_int_eq(quota_state(&root), QUOTA_ROOMY);
    /* A level between that is tight keeps those below it from borrowing. */
    quota_set_state(&upper, QUOTA_TIGHT);
    ck_assert_uint_eq(quota_lend(&leaf, 1, 100, 2), 0);
    ck_assert_uint_gt(quota_lend(&middle, 1, 100, 2), 0);
}
END_TEST

START_TEST(credit_that_was_never_used_leaves_no_mark)
{
    start_tree();
    ck_assert(quota_charge(&leaf, 100));
    ck_assert_uint_eq(quota_lend(&leaf, 1, 150, 2), 150);
    expect(&leaf, 250, 0, 250);
    quota_settle(&leaf, 150, 110); /* 40 were an object's once */
    expect(&leaf, 100, 0, 140);
    expect(&upper, 0, 100, 140);
    expect(&root, 0, 100, 140);
    /* What was held before that charge stays. */
    ck_assert(quota_charge(&leaf, 1));
    ck_assert(quota_charge(&leaf, 100));
    quota_settle(&leaf, 101, 61); /* by which it rose */
    expect(&leaf, 100, 0, 140);
}
END_TEST

/* Two loans end, of which the first could take the raise for its own. */
START_TEST(a_raise_of_the_mark_is_taken_back_once)
{
    start_tree();
    ck_assert(quota_charge(&root, 400));
    quota_uncharge(&root, 400);
    ck_assert_uint_eq(quota_lend(&leaf, 50, 50, 1), 50);
    expect(&root, 0, 50, 400);
    ck_assert_uint_eq(quota_lend(&root, 370, 370, 1), 370);
    expect(&root, 370, 50, 420);
    ck_assert_uint_eq(root.lent_raised, 20);
    quota_settle(&leaf, 50, 50);
    quota_settle(&root, 370, 20);
    expect(&root, 0, 0, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quota lend");
    TCase *one = support_case(suite, "one");
    TCase *tree = support_case(suite, "tree");

    tcase_add_test(one, a_part_of_what_is_free_is_lent);
    tcase_add_test(tree, what_is_lent_counts_and_is_bounded_at_each_level);
    tcase_add_test(tree, a_first_loan_is_not_made_where_somebody_is_to_be_told);
    tcase_add_test(tree, a_quiet_end_gives_all_back_and_tells_the_mark);
    tcase_add_test(tree, a_tight_quota_lends_nothing_until_an_eighth_is_free);
    tcase_add_test(tree, credit_that_was_never_used_leaves_no_mark);
    tcase_add_test(tree, a_raise_of_the_mark_is_taken_back_once);
    return support_run(suite);
}
