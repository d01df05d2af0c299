/* SPDX-License-Identifier: MIT
 *
 * test_rows.c - rows of the range, which have a name in their first slot alone,
 * and how long free spans hold their memory.
 *
 * What it cannot do: test anything where the system has no range.  There each
 * test only shows that this is said.
 */
#include <string.h>
#include <unistd.h>

#include "owned.h"

static uint64_t now = 5000; /* what the clock says, in milliseconds */

static uint64_t clock_of_the_test(void)
{
    return now;
}

static void start(void)
{
    owned_start();
    range_clock = clock_of_the_test;
}

/* Spans in which all slots have another owner's name, and then a row. */
static unsigned char *take_row(size_t spans)
{
    unsigned char *at = range_take(spans, NULL);

    ck_assert_ptr_nonnull(at);
    range_own(at, spans * RANGE_SPAN, OTHER);
    range_own_row(at, spans * RANGE_SPAN, OWNER);
    return at;
}

/* Each slot is held by that pool. */
static void expect_holder(const unsigned char *at, size_t bytes,
                          const struct memory_pool *holder)
{
    for (size_t i = 0; i < bytes; i += RANGE_SLOT) {
        ck_assert_ptr_eq(range_holder(at + i), holder);
        ck_assert_ptr_eq(range_holder(at + i + RANGE_SLOT - 1), holder);
    }
}

START_TEST(a_row_is_its_owner_s_though_other_names_stand_in_it)
{
    static const size_t lengths[] = {1, 2, 63, 64, 65, 200};

    if (!able) {
        return;
    }
    const size_t spans = lengths[_i];
    unsigned char *before = range_take(1, NULL);
    range_own(before, RANGE_SPAN, OTHER);
    unsigned char *at = take_row(spans);
    unsigned char *behind = range_take(1, NULL);
    range_own(behind, RANGE_SPAN, OTHER);
    ck_assert_ptr_eq(range_owner(at + RANGE_SLOT), OTHER);
    ck_assert_ptr_eq(range_holder(at - 1), OTHER);
    expect_holder(at, spans * RANGE_SPAN, OWNER);
    ck_assert_ptr_eq(range_holder(behind), OTHER);
    range_spread(at, spans * RANGE_SPAN);
    expect_holder(at, spans * RANGE_SPAN, OWNER);
    for (size_t i = 0; i < spans * RANGE_SPAN; i += RANGE_SLOT) {
        ck_assert_ptr_eq(range_owner(at + i), OWNER);
    }
    ck_assert_ptr_eq(range_owner(behind), OTHER);
}
END_TEST

START_TEST(a_row_that_is_given_back_is_no_row)
{
    if (!able) {
        return;
    }
    unsigned char *at = take_row(5);
    range_give(at, 5);
    expect_holder(at + RANGE_SLOT, 5 * RANGE_SPAN - RANGE_SLOT, OTHER);
    ck_assert_ptr_eq(range_take(1, NULL), at);
    range_own(at, RANGE_SPAN, OTHER);
    expect_holder(at, 5 * RANGE_SPAN, OTHER);
}
END_TEST

START_TEST(a_row_grows_and_narrows_with_its_spans)
{
    if (!able) {
        return;
    }
    unsigned char *spare = range_take(9, NULL);
    range_own(spare, 9 * RANGE_SPAN, OTHER);
    range_give(spare, 9);
    unsigned char *at = take_row(2);
    ck_assert_ptr_eq(at, spare);
    ck_assert(range_extend(at, 2, 7));
    ck_assert_ptr_eq(range_owner(at + 8 * RANGE_SPAN), OTHER);
    expect_holder(at, 9 * RANGE_SPAN, OWNER);
    range_narrow(at, 9, 4);
    expect_holder(at, 5 * RANGE_SPAN, OWNER);
    expect_holder(at + 5 * RANGE_SPAN, 4 * RANGE_SPAN, OTHER);
    /* Without a row, what is added gets the name. */
    range_spread(at, 5 * RANGE_SPAN);
    ck_assert(range_extend(at, 5, 4));
    ck_assert_ptr_eq(range_owner(at + 8 * RANGE_SPAN), OWNER);
}
END_TEST

START_TEST(all_slots_get_the_name_apart_that_the_first_has)
{
    if (!able) {
        return;
    }
    unsigned char *at = take_row(2);
    range_rename(at, RANGE_SLOT, OWNER, true);
    ck_assert(range_is_named(at, OWNER, true));
    ck_assert(!range_is_named(at + RANGE_SPAN, OWNER, true));
    range_spread(at, 2 * RANGE_SPAN);
    for (size_t i = 0; i < 2 * RANGE_SPAN; i += RANGE_SLOT) {
        ck_assert(range_is_named(at + i, OWNER, true));
        ck_assert(!range_is_named(at + i, OWNER, false));
    }
}
END_TEST

START_TEST(rows_move_with_the_tables)
{
    if (!able) {
        return;
    }
    unsigned char *at = take_row(3);
    unsigned char *far = range_take(64 * MIB / RANGE_SPAN, NULL);
    if (far != NULL) {
        expect_holder(at, 3 * RANGE_SPAN, OWNER);
    }
}
END_TEST

/* Spans of that many bytes in all, each row with memory, given back. */
static unsigned char *give(size_t rows, size_t bytes)
{
    static unsigned char *row[64];

    ck_assert_uint_le(rows, 64);
    for (size_t i = 0; i < rows; i++) {
        row[i] = range_take(bytes / RANGE_SPAN, NULL);
        ck_assert_ptr_nonnull(row[i]);
        range_own(row[i], bytes, OWNER);
        *row[i] = 1;
    }
    for (size_t i = 0; i < rows; i++) {
        range_give(row[i], bytes / RANGE_SPAN);
    }
    return row[0];
}

/* Of so many rows, those whose first page has memory. */
static size_t held(unsigned char *at, size_t rows, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < rows; i++) {
        unsigned char page = 0;
        ck_assert(support_pages(at + i * bytes, (size_t)sysconf(_SC_PAGESIZE),
                                &page));
        count += page & 1;
    }
    return count;
}

START_TEST(what_is_soon_wanted_again_is_held_up_to_256_mib_for_a_second)
{
    if (!able || !SUPPORT_PAGES) {
        return;
    }
    unsigned char *at = give(40, 8 * MIB);
    ck_assert_uint_eq(held(at, 40, 8 * MIB), 2);
    now += 999;
    ck_assert_ptr_eq(give(40, 8 * MIB), at);
    ck_assert_uint_eq(held(at, 40, 8 * MIB), 32);
    now += 999;
    (void)give(1, RANGE_SPAN);
    ck_assert_uint_eq(held(at, 40, 8 * MIB), 32);
    now += 1;
    (void)give(1, RANGE_SPAN);
    ck_assert_uint_le(held(at, 40, 8 * MIB), 2);
    now += 1000;
    ck_assert_ptr_eq(give(40, 8 * MIB), at);
    ck_assert_uint_eq(held(at, 40, 8 * MIB), 2);
}
END_TEST

START_TEST(what_is_wanted_again_later_is_not_held)
{
    if (!able || !SUPPORT_PAGES) {
        return;
    }
    for (unsigned cycle = 0; cycle < 5; cycle++) {
        ck_assert_uint_eq(held(give(40, 2 * MIB), 40, 2 * MIB), 8);
        now += 1000;
    }
}
END_TEST

START_TEST(what_is_taken_and_given_all_the_time_is_held)
{
    if (!able || !SUPPORT_PAGES) {
        return;
    }
    for (unsigned cycle = 0; cycle < 5; cycle++) {
        ck_assert_uint_eq(held(give(30, 2 * MIB), 30, 2 * MIB),
                          cycle == 0 ? 8 : 30);
        now += 700;
    }
}
END_TEST

/* A program that lacked one row a moment ago may lack many the next. */
START_TEST(what_is_held_doubles_when_a_little_is_wanted_again)
{
    unsigned char *at = NULL;

    if (!able || !SUPPORT_PAGES) {
        return;
    }
    for (size_t i = 0; i < 60; i++) {
        unsigned char *row = range_take(MIB / RANGE_SPAN, NULL);
        ck_assert_ptr_nonnull(row);
        range_own(row, MIB, OWNER);
        *row = 1;
        at = i == 0 ? row : at;
    }
    for (size_t i = 0; i < 20; i++) {
        range_give(at + i * MIB, MIB / RANGE_SPAN);
    }
    ck_assert_uint_eq(held(at, 60, MIB), 16 + 40);
    ck_assert_ptr_eq(give(17, MIB), at);
    ck_assert_uint_eq(held(at, 60, MIB), 17 + 40);
    for (size_t i = 20; i < 60; i++) {
        range_give(at + i * MIB, MIB / RANGE_SPAN);
    }
    ck_assert_uint_eq(held(at, 60, MIB), 32);
}
END_TEST

/* Memory goes once, and then much is wanted, a little at a time: it doubles
 * once, and beyond that is what was wanted again. */
START_TEST(what_is_held_doubles_once_each_time_that_memory_goes)
{
    unsigned char *at = NULL;

    if (!able || !SUPPORT_PAGES) {
        return;
    }
    (void)give(20, MIB);
    for (size_t i = 0; i < 60; i++) {
        unsigned char *row = range_take(MIB / RANGE_SPAN, NULL);
        ck_assert_ptr_nonnull(row);
        range_own(row, MIB, OWNER);
        *row = 1;
        at = i == 0 ? row : at;
        now += i == 20 ? 1000 : 0; /* what comes now was not dropped */
    }
    for (size_t i = 0; i < 60; i++) {
        range_give(at + i * MIB, MIB / RANGE_SPAN);
    }
    ck_assert_uint_eq(held(at, 60, MIB), 36);
}
END_TEST

START_TEST(one_long_row_is_held_as_many_short_ones)
{
    if (!able || !SUPPORT_PAGES) {
        return;
    }
    unsigned char *at = give(1, 64 * MIB);
    ck_assert_uint_eq(held(at, 1, 64 * MIB), 0);
    ck_assert_ptr_eq(give(1, 64 * MIB), at);
    ck_assert_uint_eq(held(at, 1, 64 * MIB), 1);
}
END_TEST

static bool all_are(const unsigned char *at, const unsigned char *to,
                    unsigned char value)
{
    return at == to ||
           (*at == value && memcmp(at, at + 1, (size_t)(to - at) - 1) == 0);
}

/* From the first byte to the last, and none beside them. */
START_TEST(the_system_makes_a_long_stretch_zero)
{
    static const size_t edges[] = {0, 16, 4096, 5000};

    if (!able || !SUPPORT_PAGES) {
        return;
    }
    unsigned char *at = range_take(9 * MIB / RANGE_SPAN, NULL);
    ck_assert_ptr_nonnull(at);
    range_own(at, 9 * MIB, OWNER);
    memset(at, 1, 9 * MIB);
    unsigned char *start = at + edges[_i];
    size_t bytes = 8 * MIB - edges[3 - _i];
    ck_assert(range_zero(start, bytes));
    ck_assert_uint_eq(held(at + MIB, 6, MIB), 0);
    ck_assert(all_are(at, start, 1));
    ck_assert(all_are(start, start + bytes, 0));
    ck_assert(all_are(start + bytes, at + 9 * MIB, 1));
    ck_assert(!range_zero(start, 1 * MIB));
}
END_TEST

START_TEST(slots_of_small_pools_are_not_held)
{
    enum { SLOTS = 40 * 1024 * 1024 / RANGE_SLOT };
    static unsigned char *slots[SLOTS];
    size_t kept = 0;

    if (!able || !SUPPORT_PAGES) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        slots[i] = range_take_slot();
        ck_assert_ptr_nonnull(slots[i]);
        range_own(slots[i], RANGE_SLOT, OWNER);
        *slots[i] = 1;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        range_give_slot(slots[i]);
    }
    for (size_t i = 0; i < SLOTS; i += RANGE_SPAN / RANGE_SLOT) {
        kept += held(slots[i], 1, RANGE_SPAN);
    }
    ck_assert_uint_gt(kept, 0);
    /* One span stays cut. */
    ck_assert_uint_le(kept, 16 * MIB / RANGE_SPAN + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *rows = support_case(suite, "rows");
    TCase *hold = support_case(suite, "held memory");

    tcase_add_checked_fixture(rows, start, NULL);
    tcase_add_checked_fixture(hold, start, NULL);
    tcase_add_loop_test(rows,
                        a_row_is_its_owner_s_though_other_names_stand_in_it, 0,
                        6);
    tcase_add_test(rows, a_row_that_is_given_back_is_no_row);
    tcase_add_test(rows, a_row_grows_and_narrows_with_its_spans);
    tcase_add_test(rows, all_slots_get_the_name_apart_that_the_first_has);
    tcase_add_test(rows, rows_move_with_the_tables);
    tcase_add_test(
        hold, what_is_soon_wanted_again_is_held_up_to_256_mib_for_a_second);
    tcase_add_test(hold, what_is_wanted_again_later_is_not_held);
    tcase_add_test(hold, what_is_taken_and_given_all_the_time_is_held);
    tcase_add_test(hold, what_is_held_doubles_when_a_little_is_wanted_again);
    tcase_add_test(hold, what_is_held_doubles_once_each_time_that_memory_goes);
    tcase_add_test(hold, one_long_row_is_held_as_many_short_ones);
    tcase_add_loop_test(hold, the_system_makes_a_long_stretch_zero, 0, 4);
    tcase_add_test(hold, slots_of_small_pools_are_not_held);
    return support_run(suite);
}
