/* SPDX-License-Identifier: MIT
 *
 * test_quota.c - bytes are counted exactly, in one quota and in trees.
 *
 * What it cannot do: enter a pool's lock, which its callers hold.  A quota of
 * these tests belongs to one thread, which needs none, and only those above
 * are shared.
 */
#include "quotas.h"

#include "../threads.h"

#define THREADS 4u
#define ROUNDS 20000u

static unsigned failures; /* atomic; what threads found wrong */

START_TEST(a_quota_is_filled_to_the_byte)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    expect(&quota, 0, 0, 0);
    ck_assert(!quota_charge(&quota, 101));
    expect(&quota, 0, 0, 0);
    ck_assert(quota_charge(&quota, 60));
    expect(&quota, 60, 0, 60);
    ck_assert(!quota_charge(&quota, 41));
    ck_assert(quota_charge(&quota, 40));
    expect(&quota, 100, 0, 100);
    ck_assert(!quota_charge(&quota, 1));
    ck_assert(quota_charge(&quota, 0));
    quota_uncharge(&quota, 60);
    expect(&quota, 40, 0, 100);
    ck_assert(quota_charge(&quota, 30));
    expect(&quota, 70, 0, 100);
    ck_assert(quota_is_own(&quota));
}
END_TEST

START_TEST(a_bump_stays_below_the_mark)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert(!quota_can_bump(&quota, 1));
    ck_assert(quota_charge(&quota, 50));
    quota_uncharge(&quota, 50);
    ck_assert(quota_can_bump(&quota, 50));
    ck_assert(!quota_can_bump(&quota, 51));
    quota_bump(&quota, 50);
    expect(&quota, 50, 0, 50);
    quota_unbump(&quota, 20);
    expect(&quota, 30, 0, 50);
    /* A charge across the mark moves it by what is beyond. */
    ck_assert(quota_charge(&quota, 25));
    expect(&quota, 55, 0, 55);
}
END_TEST

START_TEST(a_climb_raises_the_mark_as_a_charge_does)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert(quota_can_climb(&quota, 100));
    ck_assert(!quota_can_climb(&quota, 101));
    quota_climb(&quota, 60);
    expect(&quota, 60, 0, 60);
    quota_unbump(&quota, 40);
    expect(&quota, 20, 0, 60);
    quota_climb(&quota, 30); /* below the mark */
    expect(&quota, 50, 0, 60);
    quota_climb(&quota, 30); /* across it */
    expect(&quota, 80, 0, 80);
    ck_assert(!quota_can_climb(&quota, 21));
    ck_assert(quota_charge(&quota, 20));
    expect(&quota, 100, 0, 100);
    ck_assert(!quota_can_climb(&quota, 1));
    /* One that fails beside it takes back no more than its own. */
    quota_uncharge(&quota, 90);
    ck_assert(quota_set_capacity(&quota, 200) == QUOTA_CHANGED);
    ck_assert(quota_charge(&quota, 100));
    quota_climb(&quota, 30);
    quota_undo(&quota, 100);
    expect(&quota, 40, 0, 130);
}
END_TEST

START_TEST(an_undone_charge_leaves_no_mark)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert(quota_charge(&quota, 70));
    quota_uncharge(&quota, 50);
    expect(&quota, 20, 0, 70);
    ck_assert(quota_charge(&quota, 40)); /* below the mark */
    quota_undo(&quota, 40);
    expect(&quota, 20, 0, 70);
    ck_assert(quota_charge(&quota, 80)); /* across it */
    expect(&quota, 100, 0, 100);
    quota_undo(&quota, 80);
    expect(&quota, 20, 0, 70);
}
END_TEST

START_TEST(an_unlimited_quota_counts_and_never_refuses)
{
    struct quota quota;

    quota_start(&quota, QUOTA_NONE, NULL);
    ck_assert(!quota_is_limited(&quota));
    ck_assert_int_eq(quota_refusal(&quota), RESULT_NO_MEMORY);
    ck_assert(!quota_share(&quota));
    ck_assert(quota_is_own(&quota));
    ck_assert(quota_charge(&quota, 12345));
    expect(&quota, 12345, 0, 12345);
    quota_uncharge(&quota, 12345);
    expect(&quota, 0, 0, 12345);
}
END_TEST

START_TEST(a_capacity_changes_down_to_what_is_held)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert(quota_charge(&quota, 60));
    quota_uncharge(&quota, 20);
    ck_assert_int_eq(quota_set_capacity(&quota, 60), QUOTA_CHANGED);
    expect(&quota, 40, 0, 60);
    /* Below the mark only where no credit can be a part of it. */
    ck_assert_int_eq(quota_set_capacity(&quota, 59), QUOTA_LESS_PEAK);
    ck_assert_int_eq(quota_set_capacity(&quota, 39), QUOTA_LESS_PEAK);
    quota_set_state(&quota, QUOTA_TIGHT);
    ck_assert_int_eq(quota_set_capacity(&quota, 39), QUOTA_LESS_HELD);
    expect(&quota, 40, 0, 60);
    ck_assert_int_eq(quota_set_capacity(&quota, 40), QUOTA_CHANGED);
    expect(&quota, 40, 0, 60);
    ck_assert(!quota_charge(&quota, 1));
    ck_assert_int_eq(quota_set_capacity(&quota, QUOTA_UNLIMITED),
                     QUOTA_CHANGED);
    ck_assert(quota_charge(&quota, 15));
    expect(&quota, 55, 0, 60);
    ck_assert(quota_charge(&quota, 50));
    expect(&quota, 105, 0, 105);
    quota_undo(&quota, 50);
    expect(&quota, 55, 0, 60);
}
END_TEST

START_TEST(a_charge_counts_at_each_capacity_above)
{
    start_tree();
    ck_assert(!quota_is_own(&root) && !quota_is_own(&leaf));
    ck_assert_int_eq(quota_refusal(&leaf), RESULT_FULL);
    ck_assert(quota_charge(&leaf, 300));
    ck_assert(quota_charge(&upper, 100));
    ck_assert(quota_charge(&middle, 50));
    ck_assert(quota_charge(&root, 5));
    expect(&leaf, 300, 0, 300);
    expect(&upper, 100, 300, 400);
    expect(&middle, 50, 0, 50); /* it is charged by no other */
    expect(&root, 5, 450, 455);
    quota_uncharge(&leaf, 300);
    expect(&leaf, 0, 0, 300);
    expect(&upper, 100, 0, 400);
    expect(&root, 5, 150, 455);
}
END_TEST

START_TEST(a_refused_charge_is_never_seen)
{
    start_tree();
    ck_assert(quota_charge(&upper, 450));
    ck_assert(!quota_charge(&leaf, 51)); /* by upper */
    ck_assert(quota_charge(&middle, 520));
    ck_assert(!quota_charge(&leaf, 31)); /* by root alone */
    expect(&leaf, 0, 0, 0);
    expect(&upper, 450, 0, 450);
    expect(&root, 0, 970, 970);
    ck_assert(quota_charge(&leaf, 30));
    expect(&root, 0, 1000, 1000);
    ck_assert(!quota_charge(&root, 1));
}
END_TEST

START_TEST(an_undone_charge_leaves_no_mark_above)
{
    start_tree();
    ck_assert(quota_charge(&leaf, 200));
    quota_uncharge(&leaf, 150);
    ck_assert(quota_charge(&leaf, 400));
    expect(&upper, 0, 450, 450);
    quota_undo(&leaf, 400);
    expect(&leaf, 50, 0, 200);
    expect(&upper, 0, 50, 200);
    expect(&root, 0, 50, 200);
}
END_TEST

START_TEST(an_undo_keeps_the_mark_that_others_made)
{
    start_tree();
    ck_assert(quota_charge(&leaf, 100)); /* will fail */
    ck_assert(quota_charge(&middle, 300));
    expect(&root, 0, 400, 400);
    quota_undo(&leaf, 100);
    expect(&root, 0, 300, 300);
    /* Two that fail, and one between them that does not. */
    ck_assert(quota_charge(&leaf, 30));
    ck_assert(quota_charge(&middle, 200));
    ck_assert(quota_charge(&upper, 20));
    quota_undo(&leaf, 30);
    quota_undo(&upper, 20);
    ck_assert_uint_eq(quota_held(&middle), 500);
    ck_assert_uint_ge(quota_peak(&root), 500);
    ck_assert_uint_le(quota_peak(&root), 530);
    expect(&leaf, 0, 0, 0);
}
END_TEST

/* The truth beside what the quota says: the mark is never below it. */
START_TEST(a_random_sequence_keeps_marks_above_the_truth)
{
    uint64_t seed = support_seed();
    size_t held[2] = {0, 0};
    size_t truth = 0;
    struct quota *two[2] = {&middle, &leaf};

    start_tree();
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = support_below(&seed, 2);
        size_t failing = support_below(&seed, 60);
        size_t bytes = support_below(&seed, 80);
        bool failed = quota_charge(two[i], failing);
        if (support_below(&seed, 2) != 0 && quota_charge(two[1 - i], bytes)) {
            held[1 - i] += bytes;
            truth = held[0] + held[1] > truth ? held[0] + held[1] : truth;
        }
        if (failed) {
            quota_undo(two[i], failing);
        }
        size_t lent = quota_lend(two[i], 1, bytes + 1, 2);
        if (lent > 0) {
            /* Some of it is used and given back before it is settled. */
            size_t used = support_below(&seed, lent + 1);
            size_t now = held[0] + held[1] + used;
            truth = now > truth ? now : truth;
            quota_settle(two[i], lent, lent - used);
        }
        if (support_below(&seed, 3) == 0) {
            bytes = support_below(&seed, held[i] + 1);
            quota_uncharge(two[i], bytes);
            held[i] -= bytes;
        }
        ck_assert(quota_is_sound(&middle, held[0]));
        ck_assert(quota_is_sound(&leaf, held[1]));
        ck_assert(quota_is_sound(&root, 0));
        ck_assert_uint_eq(root.charged_below, held[0] + held[1]);
        ck_assert_uint_eq(upper.charged_below, held[1]);
        ck_assert_uint_ge(quota_peak(&root), truth);
    }
}
END_TEST

START_TEST(the_nearest_quota_that_refuses_is_found_with_its_state)
{
    enum quota_state state;

    start_tree();
    ck_assert(quota_charge(&middle, 700));
    ck_assert_ptr_null(quota_refuser(&leaf, 300, &state));
    ck_assert_ptr_eq(quota_refuser(&leaf, 301, &state), &root);
    ck_assert_int_eq(state, QUOTA_ROOMY);
    quota_set_state(&root, QUOTA_TIGHT);
    ck_assert_ptr_eq(quota_refuser(&leaf, 301, &state), &root);
    ck_assert_int_eq(state, QUOTA_TIGHT);
    ck_assert_ptr_eq(quota_refuser(&leaf, 501, &state), &upper);
    ck_assert_int_eq(state, QUOTA_ROOMY);
}
END_TEST

START_TEST(a_quota_that_ends_leaves_its_charge_to_its_heir)
{
    start_tree();
    ck_assert(quota_charge(&leaf, 70));
    ck_assert(quota_charge(&upper, 30));
    expect(&root, 0, 100, 100);
    quota_end(&leaf, &upper);
    expect(&leaf, 0, 0, 70);
    expect(&upper, 30, 70, 100);
    /* The parent limits nothing, so it did not count the bytes till now. */
    quota_end(&upper, &middle);
    expect(&upper, 0, 0, 100);
    expect(&middle, 0, 100, 100);
    expect(&root, 0, 100, 100);
    /* The last of those that go gives all of it back. */
    quota_end(&middle, NULL);
    expect(&middle, 0, 0, 100);
    expect(&root, 0, 0, 100);
}
END_TEST

START_TEST(the_topmost_quota_is_known_before_there_is_a_tree)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert_ptr_null(quota_top(&quota));
    ck_assert_ptr_eq(quota_top_shared(&quota), &quota);
    ck_assert(quota_share(&quota));
    ck_assert_ptr_eq(quota_top(&quota), &quota);
    start_tree();
    ck_assert_ptr_eq(quota_top(&leaf), &root);
    ck_assert_ptr_eq(quota_top_shared(&leaf), &root);
    ck_assert(quota_is_below(&leaf, &root) && quota_is_below(&leaf, &leaf));
    ck_assert(!quota_is_below(&root, &leaf));
    ck_assert(!quota_is_below(&leaf, &middle)); /* which limits nothing */
}
END_TEST

/* A fork in another thread may hold them: then it drops them later. */
START_TEST(a_quota_started_again_keeps_its_locks)
{
    struct quota quota;

    quota_start(&quota, 100, NULL);
    ck_assert(quota_charge(&quota, 60));
    lock_take(&quota.recall);
    lock_take(&quota.lock);
    quota_restart(&quota, 50, NULL);
    ck_assert_uint_ne(quota.lock.word, 0);
    ck_assert_uint_ne(quota.recall.word, 0);
    lock_drop(&quota.lock);
    lock_drop(&quota.recall);
    expect(&quota, 0, 0, 0);
    ck_assert(!quota_charge(&quota, 51));
}
END_TEST

/* Three levels: a pool, two below it, and two threads' below each of these. */
static struct quota above[2];
static struct quota leaves[THREADS];

static void start_levels(size_t root_capacity, size_t capacity,
                         size_t leaf_capacity)
{
    quota_start(&root, root_capacity, NULL);
    ck_assert(quota_share(&root));
    for (unsigned i = 0; i < 2; i++) {
        quota_start(&above[i], capacity, &root);
        ck_assert(quota_share(&above[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        quota_start(&leaves[i], leaf_capacity, &above[i / 2]);
    }
    sync_put(&failures, 0);
}

static void run_threads(void *(*run)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = threads_start_one(run, &leaves[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads_join_one(threads[i]);
    }
}

/* Takes single bytes until there are none. */
static void *fill_by_bytes(void *argument)
{
    while (quota_charge(argument, 1)) {
    }
    return argument;
}

START_TEST(threads_fill_a_tree_to_the_byte)
{
    size_t held = 0;

    start_levels(10007, 8000, QUOTA_NONE);
    run_threads(fill_by_bytes);
    for (unsigned i = 0; i < THREADS; i++) {
        held += quota_held(&leaves[i]);
        expect(&leaves[i], quota_held(&leaves[i]), 0,
               quota_held(&leaves[i]));
    }
    ck_assert_uint_eq(held, 10007);
    expect(&root, 0, 10007, 10007);
    for (unsigned i = 0; i < 2; i++) {
        size_t below =
            quota_held(&leaves[2 * i]) + quota_held(&leaves[2 * i + 1]);
        expect(&above[i], 0, below, below);
        ck_assert_uint_le(below, 8000);
    }
}
END_TEST

/* All threads together hold 400 at most, so no charge of 100 is refused.  One
 * of 301 more is always refused, by root, where the thread has 100 already;
 * the level between would have room for it, and then none for its other
 * thread. */
static void *charge_and_overreach(void *argument)
{
    struct quota *own = argument;
    unsigned rounds = support_times(ROUNDS, 10);

    for (unsigned i = 0; i < rounds; i++) {
        if (!quota_charge(own, 100)) {
            sync_add(&failures, 1);
            continue;
        }
        for (unsigned j = 0; j < 8; j++) {
            if (quota_charge(own, 301)) {
                sync_add(&failures, 1);
            }
        }
        quota_uncharge(own, 100);
    }
    return argument;
}

START_TEST(no_thread_sees_full_by_a_charge_that_another_level_refuses)
{
    start_levels(400, 450, QUOTA_NONE);
    run_threads(charge_and_overreach);
    ck_assert_uint_eq(failures, 0);
    expect(&root, 0, 0, quota_peak(&root));
    expect(&above[0], 0, 0, quota_peak(&above[0]));
    ck_assert_uint_le(quota_peak(&above[0]), 200);
    ck_assert_uint_le(quota_peak(&root), 400);
}
END_TEST

/* Charges, and undoes, a number of bytes that fits only at times. */
static void *charge_and_undo(void *argument)
{
    struct quota *own = argument;
    unsigned rounds = support_times(ROUNDS, 10);
    size_t held = 0;

    for (unsigned i = 0; i < rounds; i++) {
        size_t bytes = 1 + i * 7 % 90;
        if (quota_charge(own, bytes)) {
            if (i % 3 == 0) {
                quota_undo(own, bytes);
            } else {
                held += bytes;
            }
        } else {
            quota_uncharge(own, held);
            held = 0;
        }
        if (!quota_is_sound(own, held) || quota_peak(&root) > 1000) {
            sync_add(&failures, 1);
        }
    }
    quota_uncharge(own, held);
    return argument;
}

START_TEST(threads_that_undo_leave_every_number_exact)
{
    start_levels(1000, 600, 400);
    run_threads(charge_and_undo);
    ck_assert_uint_eq(failures, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        expect(&leaves[i], 0, 0, quota_peak(&leaves[i]));
    }
    expect(&above[0], 0, 0, quota_peak(&above[0]));
    expect(&above[1], 0, 0, quota_peak(&above[1]));
    expect(&root, 0, 0, quota_peak(&root));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quota");
    TCase *one = support_case(suite, "one");
    TCase *tree = support_case(suite, "tree");
    TCase *threads = support_case(suite, "threads");

    tcase_add_test(one, a_quota_is_filled_to_the_byte);
    tcase_add_test(one, a_bump_stays_below_the_mark);
    tcase_add_test(one, a_climb_raises_the_mark_as_a_charge_does);
    tcase_add_test(one, an_undone_charge_leaves_no_mark);
    tcase_add_test(one, an_unlimited_quota_counts_and_never_refuses);
    tcase_add_test(one, a_capacity_changes_down_to_what_is_held);
    tcase_add_test(tree, a_charge_counts_at_each_capacity_above);
    tcase_add_test(tree, a_refused_charge_is_never_seen);
    tcase_add_test(tree, an_undone_charge_leaves_no_mark_above);
    tcase_add_test(tree, an_undo_keeps_the_mark_that_others_made);
    tcase_add_test(one, a_quota_started_again_keeps_its_locks);
    tcase_add_test(tree,
                   the_nearest_quota_that_refuses_is_found_with_its_state);
    tcase_add_test(tree, a_quota_that_ends_leaves_its_charge_to_its_heir);
    tcase_add_test(tree, the_topmost_quota_is_known_before_there_is_a_tree);
    tcase_add_test(tree, a_random_sequence_keeps_marks_above_the_truth);
    tcase_add_test(threads, threads_fill_a_tree_to_the_byte);
    tcase_add_test(threads,
                   no_thread_sees_full_by_a_charge_that_another_level_refuses);
    tcase_add_test(threads, threads_that_undo_leave_every_number_exact);
    return support_run(suite);
}
