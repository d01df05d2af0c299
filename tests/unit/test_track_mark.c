/* SPDX-License-Identifier: MIT
 *
 * test_track_mark.c - a tracked pool's marks are found in few steps, however
 * many are open.
 */
#include <stdlib.h>

#include "../support.h"
#include "depth.h"

#include "pool/track_mark.h"

#define MANY 9000u
#define OWNERS 3u
/* Treaps of so many nodes are some 35 deep, and a list is 9,000. */
#define DEPTH 100u

static struct track_mark many[MANY];
static struct treap_node *marks;

static void add_many(void)
{
    marks = NULL;
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = (struct track_mark){.owner = 1 + i % OWNERS, .number = i + 1};
        track_mark_add(&marks, &many[i]);
    }
}

START_TEST(no_way_to_a_mark_is_long)
{
    ck_assert_uint_le(depth(marks), DEPTH);
    unsigned count = 0;
    while (track_mark_take(&marks) != NULL) {
        count++;
    }
    ck_assert_uint_eq(count, MANY);
    ck_assert_ptr_null(marks);
}
END_TEST

START_TEST(each_owner_finds_its_own_marks)
{
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t owner = many[i].owner;
        ck_assert_ptr_eq(track_mark_get(marks, owner, i + 1), &many[i]);
        ck_assert_ptr_null(track_mark_get(marks, owner, i + 2));
        ck_assert_ptr_null(track_mark_get(marks, owner % OWNERS + 1, i + 1));
        ck_assert_ptr_eq(track_mark_search(marks, owner, i),
                         i < OWNERS ? NULL : &many[i - OWNERS]);
    }
    ck_assert_ptr_null(track_mark_search(marks, 0, UINT64_MAX));
    ck_assert_ptr_null(track_mark_search(marks, OWNERS + 1, UINT64_MAX));
    for (unsigned i = MANY; i-- > 0;) {
        ck_assert_ptr_eq(track_mark_search(marks, many[i].owner, UINT64_MAX),
                         &many[i]);
        track_mark_remove(&marks, &many[i]);
    }
    ck_assert_ptr_null(marks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("track_mark");
    TCase *tracked = support_case(suite, "tracked");

    tcase_add_checked_fixture(tracked, add_many, NULL);
    tcase_add_test(tracked, no_way_to_a_mark_is_long);
    tcase_add_test(tracked, each_owner_finds_its_own_marks);
    return support_run(suite);
}
