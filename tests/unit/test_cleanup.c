/* SPDX-License-Identifier: MIT
 *
 * test_cleanup.c - cleanups are found in few steps, however many there are.
 */
#include <stdlib.h>

#include "../support.h"
#include "depth.h"

#include "pool/cleanup.h"

#define MANY 10000u
/* Treaps of so many nodes are some 35 deep, and a list is 10,000. */
#define DEPTH 100u

static struct cleanup many[MANY];
static struct cleanups cleanups;

static void first(void *arg)
{
    (void)arg;
}

static void second(void *arg)
{
    (void)arg;
}

/* Every second one with an argument that hundreds have; three owners, whose
 * marks rise. */
static void add_many(void)
{
    cleanups = (struct cleanups){.same = NULL};
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = (struct cleanup){.fn = i % 4 < 2 ? first : second,
                                   .arg = &many[i % 2 == 0 ? i % 50 : i],
                                   .owner = i % 4,
                                   .mark = i % 4 == 0 ? 0 : 1 + i / 100,
                                   .number = i + 1};
        cleanup_add(&cleanups, &many[i]);
    }
}

START_TEST(no_way_to_a_cleanup_is_long)
{
    ck_assert(cleanup_are_sound(&cleanups));
    ck_assert_uint_le(depth(cleanups.same), DEPTH);
    ck_assert_uint_le(depth(cleanups.marked), DEPTH);
    ck_assert_uint_le(depth(cleanups.owned), DEPTH);
    /* Numbers only rise, and none is left but for the last hundred. */
    for (unsigned i = 0; i < MANY - 100; i++) {
        cleanup_remove(&cleanups, &many[i]);
    }
    ck_assert(cleanup_are_sound(&cleanups));
    ck_assert_ptr_eq(cleanup_newest(&cleanups), &many[MANY - 1]);
}
END_TEST

START_TEST(the_newest_that_is_equal_is_found)
{
    for (unsigned i = MANY; i-- > 0;) {
        struct cleanup *found =
            cleanup_find_same(&cleanups, many[i].fn, many[i].arg);
        ck_assert_ptr_eq(found, &many[i]);
        cleanup_remove(&cleanups, found);
    }
    ck_assert_ptr_null(cleanup_newest(&cleanups));
    ck_assert_ptr_null(cleanup_find_same(&cleanups, first, &many[0]));
    ck_assert(cleanups.same == NULL && cleanups.marked == NULL);
}
END_TEST

START_TEST(the_newest_of_an_owners_marks_is_found)
{
    ck_assert_ptr_null(cleanup_find_marked(&cleanups, 4, 1));
    for (unsigned i = MANY; i-- > 0;) {
        if (i % 4 != 0) {
            uint64_t mark = many[i].mark;
            ck_assert_ptr_eq(cleanup_find_marked(&cleanups, i % 4, mark),
                             &many[i]);
            ck_assert_ptr_eq(cleanup_find_marked(&cleanups, i % 4, 1),
                             &many[i]);
            ck_assert_ptr_null(
                cleanup_find_marked(&cleanups, i % 4, mark + 1));
            cleanup_remove(&cleanups, &many[i]);
        }
    }
    ck_assert_ptr_null(cleanup_find_marked(&cleanups, 1, 1));
    ck_assert(cleanups.marked == NULL && cleanups.owned == NULL);
}
END_TEST

START_TEST(what_is_added_to_older_marks_is_passed_over)
{
    struct cleanup inner = {.fn = first, .owner = 7, .mark = 9, .number = 1};
    struct cleanup outer = {.fn = first, .owner = 7, .mark = 8, .number = 2};

    cleanups = (struct cleanups){.same = NULL};
    cleanup_add(&cleanups, &inner);
    cleanup_add(&cleanups, &outer);
    ck_assert(cleanup_are_sound(&cleanups));
    ck_assert_ptr_eq(cleanup_find_marked(&cleanups, 7, 9), &inner);
    ck_assert_ptr_eq(cleanup_find_marked(&cleanups, 7, 8), &outer);
    ck_assert_ptr_null(cleanup_find_marked(&cleanups, 7, 10));
    ck_assert_ptr_eq(cleanup_newest(&cleanups), &outer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cleanup");
    TCase *found = support_case(suite, "found");

    tcase_add_checked_fixture(found, add_many, NULL);
    tcase_add_test(found, no_way_to_a_cleanup_is_long);
    tcase_add_test(found, the_newest_that_is_equal_is_found);
    tcase_add_test(found, the_newest_of_an_owners_marks_is_found);
    tcase_add_test(found, what_is_added_to_older_marks_is_passed_over);
    return support_run(suite);
}
