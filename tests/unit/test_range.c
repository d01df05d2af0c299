/* SPDX-License-Identifier: MIT
 *
 * test_range.c - spans, slots, their owners, and memory that is given back.
 *
 * What it cannot do: test anything where the system has no range.  There each
 * test only shows that this is said.
 */
#include <unistd.h>

#include "../threads.h"
#include "owned.h"

#define KEPT ((size_t)16 << 20) /* bytes of free spans that keep memory */
#define SLOTS 70u               /* more than two spans have */

START_TEST(spans_are_taken_first_fit_from_below)
{
    if (!able) {
        return;
    }
    unsigned char *first = take(1);
    unsigned char *second = take(3);
    unsigned char *third = take(1);
    ck_assert_ptr_eq(second, first + RANGE_SPAN);
    ck_assert_ptr_eq(third, second + 3 * RANGE_SPAN);
    range_give(second, 3);
    ck_assert_ptr_eq(take(4), third + RANGE_SPAN);
    ck_assert_ptr_eq(take(2), second);
    ck_assert_ptr_eq(take(1), second + 2 * RANGE_SPAN);
    range_give(first, 1);
    ck_assert_ptr_eq(take(1), first);
}
END_TEST

START_TEST(a_gap_across_words_is_found)
{
    unsigned char *spans[200];

    if (!able) {
        return;
    }
    for (unsigned i = 0; i < 200; i++) {
        spans[i] = take(1);
        ck_assert_ptr_eq(spans[i], spans[0] + i * RANGE_SPAN);
    }
    for (unsigned i = 60; i < 70; i++) {
        range_give(spans[i], 1);
    }
    unsigned char *behind = take(11);
    ck_assert_ptr_eq(behind, spans[199] + RANGE_SPAN);
    ck_assert_ptr_eq(take(10), spans[60]);
}
END_TEST

/* The range has no more spans than are mapped. */
static size_t stop_growth(void)
{
    extent.limit = extent_bytes();
    return extent_bytes() / RANGE_SPAN;
}

START_TEST(the_range_is_used_up_and_not_beyond)
{
    if (!able) {
        return;
    }
    size_t spans = stop_growth();
    ck_assert_ptr_null(range_take(spans + 1, NULL));
    ck_assert_ptr_null(range_take(SIZE_MAX, NULL));
    unsigned char *all = range_take(spans, NULL);
    ck_assert_ptr_eq(all, extent.base);
    ck_assert_ptr_null(range_take(1, NULL));
    ck_assert_ptr_null(range_take_slot());
    range_own(all + (spans - 1) * RANGE_SPAN, RANGE_SPAN, OWNER);
    range_give(all + (spans - 1) * RANGE_SPAN, 1);
    ck_assert_ptr_null(range_take(2, NULL));
    ck_assert_ptr_eq(range_take(1, NULL), all + (spans - 1) * RANGE_SPAN);
    ck_assert_ptr_null(range_take(1, NULL));
}
END_TEST

START_TEST(slots_are_cut_from_spans_and_used_again)
{
    unsigned char *slots[SLOTS];

    if (!able) {
        return;
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i] = range_take_slot();
        ck_assert_ptr_nonnull(slots[i]);
        ck_assert_ptr_eq(slots[i], slots[0] + i * RANGE_SLOT);
        range_own(slots[i], RANGE_SLOT, OWNER);
        memset(slots[i], 0xa5, RANGE_SLOT);
    }
    /* Two spans and a part of the third are cut. */
    ck_assert_ptr_eq(take(1), slots[0] + 3 * RANGE_SPAN);
    range_give_slot(slots[5]);
    range_give_slot(slots[50]);
    ck_assert_ptr_eq(range_take_slot(), slots[50]);
    ck_assert_ptr_eq(range_take_slot(), slots[5]);
    ck_assert_ptr_eq(range_take_slot(), slots[SLOTS - 1] + RANGE_SLOT);
}
END_TEST

START_TEST(a_span_whose_slots_are_all_free_is_a_span_again)
{
    unsigned char *slots[2 * SPANS_SLOTS];

    if (!able) {
        return;
    }
    for (unsigned i = 0; i < 2 * SPANS_SLOTS; i++) {
        slots[i] = range_take_slot();
        range_own(slots[i], RANGE_SLOT, OWNER);
    }
    unsigned char *behind = take(1);
    ck_assert_ptr_eq(behind, slots[0] + 2 * RANGE_SPAN);
    for (unsigned i = 0; i < SPANS_SLOTS; i++) {
        range_give_slot(slots[i]);
    }
    /* One stays cut for the next pool. */
    ck_assert_ptr_eq(take(1), behind + RANGE_SPAN);
    range_give_slot(slots[SPANS_SLOTS]);
    ck_assert_ptr_eq(range_take_slot(), slots[SPANS_SLOTS]);
    range_own(slots[SPANS_SLOTS], RANGE_SLOT, OWNER);
    range_give_slot(slots[SPANS_SLOTS]);
    for (unsigned i = SPANS_SLOTS + 1; i < 2 * SPANS_SLOTS; i++) {
        range_give_slot(slots[i]);
    }
    ck_assert_ptr_eq(take(1), slots[SPANS_SLOTS]);
    ck_assert_ptr_eq(take(1), behind + 2 * RANGE_SPAN);
    ck_assert_ptr_eq(range_take_slot(), slots[0]);
}
END_TEST

START_TEST(an_owner_is_named_for_just_its_slots)
{
    if (!able) {
        return;
    }
    unsigned char *at = take(2);
    unsigned char *end = at + 2 * RANGE_SPAN;
    ck_assert_ptr_eq(range_owner(at), OWNER);
    ck_assert_ptr_eq(range_owner(end - 1), OWNER);
    ck_assert_ptr_null(range_owner(end));
    range_rename(at + RANGE_SLOT, RANGE_SLOT, OTHER, false);
    ck_assert_ptr_eq(range_owner(at + RANGE_SLOT - 1), OWNER);
    ck_assert_ptr_eq(range_owner(at + RANGE_SLOT), OTHER);
    ck_assert_ptr_eq(range_owner(at + 2 * RANGE_SLOT - 1), OTHER);
    ck_assert_ptr_eq(range_owner(at + 2 * RANGE_SLOT), OWNER);
    range_give(at, 2);
    ck_assert_ptr_eq(range_owner(at), OWNER); /* the name stays */
    ck_assert_ptr_eq(range_take(2, NULL), at);
    range_own(at, 2 * RANGE_SPAN, OTHER);
    ck_assert_ptr_eq(range_owner(at), OTHER);
}
END_TEST

/* A pool lies in a slot of its own: that name goes with the slot, so that what
 * another pool writes there is never taken for a pool. */
START_TEST(a_pool_is_told_only_as_long_as_it_has_its_slot)
{
    if (!able) {
        return;
    }
    unsigned char *slot = range_take_slot();
    struct memory_pool *mp = (struct memory_pool *)(void *)slot;
    unsigned char *other = range_take_slot();
    range_own(other, RANGE_SLOT, mp);
    range_enter();
    ck_assert_ptr_null(range_pool(other)); /* it is being made */
    range_leave();
    range_own(slot, RANGE_SLOT, mp);
    range_enter();
    ck_assert_ptr_eq(range_pool(other), mp);
    ck_assert_ptr_eq(range_pool(slot + RANGE_SLOT - 1), mp);
    ck_assert_ptr_null(range_pool(other + RANGE_SPAN));
    ck_assert_ptr_null(range_pool(&mp));
    range_leave();
    range_give_slot(slot);
    range_enter();
    ck_assert_ptr_null(range_pool(slot));
    ck_assert_ptr_null(range_pool(other));
    range_leave();
    ck_assert_ptr_eq(range_owner(other), mp); /* that name stays */
    range_give_slot(other);
}
END_TEST

START_TEST(an_owner_apart_differs_from_its_pool)
{
    if (!able) {
        return;
    }
    unsigned char *at = take(1);
    size_t slot = (size_t)(at - extent.base) / RANGE_SLOT;
    ck_assert_ptr_eq(extent.owners[slot], OWNER);
    range_rename(at, RANGE_SPAN, OWNER, true);
    ck_assert_ptr_ne(extent.owners[slot], OWNER);
    ck_assert_ptr_eq(range_owner(at), OWNER);
    range_rename(at, RANGE_SPAN, OWNER, false);
    ck_assert_ptr_eq(extent.owners[slot], OWNER);
}
END_TEST

START_TEST(the_range_has_its_own_addresses_only)
{
    int local = 0;

    ck_assert(!range_has(&local) && !range_has(NULL));
    ck_assert_ptr_null(range_owner(&local));
    ck_assert_ptr_null(range_owner(NULL));
    if (!able) {
        return;
    }
    unsigned char *at = take(1);
    size_t bytes = extent_bytes();
    ck_assert(range_reaches(extent.base + bytes - 1));
    ck_assert(!range_reaches(extent.base - 1));
    ck_assert(!range_reaches((void *)((uintptr_t)extent.base + bytes)));
    ck_assert(range_has(at) && range_has(at + RANGE_SPAN - 1));
    /* A slot that never had an owner is mapped, and belongs to no pool. */
    ck_assert(!range_has(extent.base + bytes - 1));
    /* The three tables stand one behind the other. */
    ck_assert_ptr_eq((unsigned char *)extent.owners,
                     extent_map(extent.base) + extent.limit / SIZES_GRANULE);
    ck_assert_ptr_eq((unsigned char *)(extent.owners +
                                       extent.limit / RANGE_SLOT),
                     extent.base);
    ck_assert_ptr_eq(extent_map(at + RANGE_SPAN),
                     extent_map(at) + RANGE_SPAN / SIZES_GRANULE);
}
END_TEST

/* Bytes of those that have memory. */
static size_t resident(unsigned char *at, size_t bytes)
{
    static unsigned char pages[KEPT * 3 / 4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t count = 0;

    ck_assert_uint_le(bytes / page, sizeof pages);
    ck_assert(support_pages(at, bytes, pages));
    for (size_t i = 0; i < bytes / page; i++) {
        count += pages[i] & 1;
    }
    return count * page;
}

START_TEST(long_free_rows_keep_16_mib_of_memory_and_no_more)
{
    const size_t spans = KEPT / RANGE_SPAN;
    const size_t map = KEPT / SIZES_GRANULE;

    if (!able || !SUPPORT_PAGES) {
        return;
    }
    unsigned char *first = take(spans);
    unsigned char *second = take(spans);
    memset(first, 0xa5, KEPT);
    memset(second, 0xa5, KEPT);
    memset(extent_map(first), 0, map);
    memset(extent_map(second), 0, map);
    range_give(first, spans); /* keeps it */
    ck_assert_uint_eq(resident(first, KEPT), KEPT);
    ck_assert_uint_eq(first[0], 0xa5);
    range_give(second, spans); /* one too many */
    ck_assert_uint_eq(resident(second, KEPT), 0);
    ck_assert_uint_eq(resident(first, KEPT), KEPT);
    ck_assert_uint_eq(resident(extent_map(second), map), 0);
    ck_assert_uint_eq(resident(extent_map(first), map), map);
    /* What is taken again is no longer kept: there is room for others. */
    ck_assert_ptr_eq(take(spans), first);
    ck_assert_ptr_eq(take(spans), second);
    memset(second, 0xa5, KEPT);
    range_give(second, spans);
    ck_assert_uint_eq(resident(second, KEPT), KEPT);
}
END_TEST

#define THREADS 4u

static unsigned failures; /* atomic */

/* Takes spans and slots, and sees that nobody else writes to them. */
static void *take_and_give(void *argument)
{
    unsigned rounds = support_times(3000, 10);
    unsigned char mark = *(unsigned char *)argument;

    for (unsigned i = 0; i < rounds; i++) {
        size_t spans = 1 + i % 3;
        unsigned char *span = range_take(spans, NULL);
        unsigned char *slot = range_take_slot();
        if (span == NULL || slot == NULL) {
            sync_add(&failures, 1);
            break;
        }
        range_own(span, spans * RANGE_SPAN, OWNER);
        range_own(slot, RANGE_SLOT, OWNER);
        memset(slot, mark, RANGE_SLOT);
        memset(span + (spans - 1) * RANGE_SPAN, mark, 256);
        for (unsigned j = 0; j < RANGE_SLOT; j++) {
            if (slot[j] != mark) {
                sync_add(&failures, 1);
                break;
            }
        }
        if (span[(spans - 1) * RANGE_SPAN + 255] != mark) {
            sync_add(&failures, 1);
        }
        range_give(span, spans);
        range_give_slot(slot);
    }
    return argument;
}

START_TEST(threads_never_get_the_same_span_or_slot)
{
    pthread_t threads[THREADS];
    unsigned char marks[THREADS];

    if (!able) {
        return;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        marks[i] = (unsigned char)(i + 1);
        threads[i] = threads_start_one(take_and_give, &marks[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads_join_one(threads[i]);
    }
    ck_assert_uint_eq(failures, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("range");
    TCase *range = support_case(suite, "range");

    tcase_add_checked_fixture(range, owned_start, NULL);
    tcase_add_test(range, spans_are_taken_first_fit_from_below);
    tcase_add_test(range, a_gap_across_words_is_found);
    tcase_add_test(range, the_range_is_used_up_and_not_beyond);
    tcase_add_test(range, slots_are_cut_from_spans_and_used_again);
    tcase_add_test(range, a_span_whose_slots_are_all_free_is_a_span_again);
    tcase_add_test(range, an_owner_is_named_for_just_its_slots);
    tcase_add_test(range, a_pool_is_told_only_as_long_as_it_has_its_slot);
    tcase_add_test(range, an_owner_apart_differs_from_its_pool);
    tcase_add_test(range, the_range_has_its_own_addresses_only);
    tcase_add_test(range, long_free_rows_keep_16_mib_of_memory_and_no_more);
    tcase_add_test(range, threads_never_get_the_same_span_or_slot);
    return support_run(suite);
}
