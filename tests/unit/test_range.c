/* SPDX-License-Identifier: MIT
 *
 * test_range.c - spans, slots, their owners, how the range grows, and memory
 * that is given back.
 *
 * What it cannot do: test anything where the system has no range.  There each
 * test only shows that this is said.
 */
#include "store/range.h"
#include "store/spans.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../inject.h"
#include "../sanitizer.h"
#include "../support.h"
#include "../threads.h"

#define KEPT ((size_t)16 << 20) /* bytes of free spans that keep memory */
#define MIB ((size_t)1 << 20)
#define SLOTS 70u               /* more than two spans have */

#define OWNER ((struct memory_pool *)(void *)&owned)
#define OTHER ((struct memory_pool *)(void *)&owned[1])

static uint64_t owned[2];

static bool able; /* there is a range */

static void start(void)
{
    errno = SUPPORT_ERRNO;
    able = range_start();
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert(able == (extent_bytes() != 0));
    ck_assert(range_start() == able);
}

/* Takes spans and names their owner, as is done with all that is taken. */
static unsigned char *take(size_t spans)
{
    unsigned char *at = range_take(spans, NULL);

    if (at != NULL) {
        ck_assert_uint_eq((uintptr_t)(at - extent.base) % RANGE_SPAN, 0);
        range_own(at, spans * RANGE_SPAN, OWNER);
    }
    return at;
}

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

START_TEST(the_first_piece_is_short)
{
    if (able) {
        ck_assert_uint_eq(extent_bytes(), MIB);
    }
}
END_TEST

/* The range's spans, with a byte in each of its tables. */
static void expect_whole(const unsigned char *at, size_t spans)
{
    size_t first = (size_t)(at - extent.base) / RANGE_SLOT;
    size_t end = first + spans * RANGE_SPAN / RANGE_SLOT;

    ck_assert_ptr_nonnull(at);
    ck_assert(range_reaches(at) && range_reaches(at + spans * RANGE_SPAN - 1));
    ck_assert_uint_eq(at[0], 0);
    ck_assert_uint_eq(at[spans * RANGE_SPAN - 1], 0);
    ck_assert_uint_eq(*extent_map(at), 0);
    ck_assert_uint_eq(*extent_map(at + spans * RANGE_SPAN - 1), 0);
    ck_assert_uint_eq(*extent_map(at + spans * RANGE_SPAN), 0); /* behind */
    ck_assert_ptr_eq(extent.owners[first], OWNER);
    ck_assert_ptr_eq(extent.owners[end - 1], OWNER);
}

START_TEST(the_range_grows_with_what_is_taken)
{
    if (!able) {
        return;
    }
    size_t taken = 0;
    size_t most = extent.limit / 2; /* 128 MiB at least, with 32 bits */
    for (size_t spans = 1;
         spans <= 4096 && taken + spans * RANGE_SPAN <= most;
         spans += spans / 3 + 1) {
        size_t before = extent_bytes();
        expect_whole(take(spans), spans);
        taken += spans * RANGE_SPAN;
        size_t more = extent_bytes() - before;
        ck_assert_uint_ge(extent_bytes(), taken);
        /* No more than was needed, or half of what there was, or 1 MiB. */
        ck_assert(more <= spans * RANGE_SPAN || more <= before / 2 ||
                  more <= MIB);
    }
    ck_assert_uint_gt(taken, most / 4 < 128 * MIB ? most / 4 : 128 * MIB);
}
END_TEST

START_TEST(a_long_piece_is_mapped_at_once)
{
    const size_t spans = (KEPT * 5) / RANGE_SPAN;

    if (!able) {
        return;
    }
    unsigned char *at = take(spans);
    expect_whole(at, spans);
    ck_assert_ptr_eq(at, extent.base);
}
END_TEST

/* The most that the system gives at once. */
static size_t most;

static bool refuse_long(struct inject_call *call)
{
    if (call->function == INJECT_MMAP && call->size > most) {
        call->error = errno = ENOMEM;
        return true;
    }
    return false;
}

START_TEST(a_growth_that_is_refused_asks_for_less)
{
    if (!able) {
        return;
    }
    take(16 * MIB / RANGE_SPAN);
    size_t before = extent_bytes();
    most = 2 * RANGE_SPAN;
    atomic_store(&inject_hook, refuse_long);
    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(range_take(3 + (before - 16 * MIB) / RANGE_SPAN, NULL));
    ck_assert_uint_eq(extent_bytes(), before);
    while (extent_bytes() == before) {
        expect_whole(take(1), 1);
    }
    ck_assert_uint_le(extent_bytes() - before, most);
    most = RANGE_SPAN - 1; /* not even one */
    while (range_take(1, NULL) != NULL) {
    }
    ck_assert_ptr_null(range_take_slot());
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    atomic_store(&inject_hook, NULL);
    expect_whole(take(1), 1);
    ck_assert_ptr_nonnull(range_take_slot());
}
END_TEST

static bool is_mapped(void *at)
{
    unsigned char page;

    return support_pages(at, (size_t)sysconf(_SC_PAGESIZE), &page);
}

/* The first mmap() of a growth maps spans, the others the tables. */
START_TEST(spans_without_their_tables_are_given_back)
{
    if (!able || !SUPPORT_PAGES) {
        return;
    }
    size_t before = extent_bytes();
    size_t spans = 2 * before / RANGE_SPAN;
    for (unsigned refused = 2; refused <= 3; refused++) {
        errno = SUPPORT_ERRNO;
        inject_start(refused, true);
        void *got = range_take(spans, NULL);
        inject_stop();
        ck_assert(got == NULL && inject.failed && errno == SUPPORT_ERRNO);
        ck_assert(!is_mapped(extent.base + before));
        ck_assert_uint_eq(extent_bytes(), before);
    }
    expect_whole(take(spans), spans);
}
END_TEST

static unsigned char *map_at(void *at, size_t bytes)
{
    unsigned char *got = mmap(at, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANON, -1, 0);

    ck_assert_ptr_eq(got, at);
    memset(got, 0xa5, bytes);
    return got;
}

/* Something is at the end of the extent, or further on: short, or long. */
START_TEST(the_range_goes_on_behind_a_foreign_mapping)
{
    static const size_t away[] = {0, RANGE_SPAN, 3 * MIB};
    static const size_t longs[] = {RANGE_SPAN, 100 * MIB};

    if (!able) {
        return;
    }
    size_t bytes = longs[_i % 2];
    size_t before = extent_bytes();
    unsigned char *foreign =
        map_at(extent.base + before + away[_i / 2], bytes);
    for (unsigned i = 0; i < 4 * MIB / RANGE_SPAN; i++) {
        unsigned char *at = take(3);
        expect_whole(at, 3);
        ck_assert(at + 3 * RANGE_SPAN <= foreign || at >= foreign + bytes);
        memset(at, 0x11, 3 * RANGE_SPAN);
    }
    ck_assert_uint_gt(extent_bytes(), before + away[_i / 2] + bytes);
    for (size_t i = 0; i < bytes; i += RANGE_SLOT) {
        ck_assert(foreign[i] == 0xa5 && !range_has(&foreign[i]));
    }
    munmap(foreign, bytes);
}
END_TEST

START_TEST(a_foreign_mapping_among_the_tables_ends_the_growth)
{
    if (!able) {
        return;
    }
    size_t spans = 3 * MIB / RANGE_SPAN;
    unsigned char *foreign =
        map_at(extent_map(extent.base + extent_bytes() + 2 * MIB), RANGE_SPAN);
    ck_assert_ptr_null(range_take(spans, NULL));
    ck_assert(!is_mapped(extent.base + extent_bytes()));
    ck_assert_uint_eq(foreign[0], 0xa5);
    expect_whole(take(1), 1);
    munmap(foreign, RANGE_SPAN);
    expect_whole(take(spans), spans);
}
END_TEST

/* A system that takes an address for a hint, and has another opinion. */
static bool answer_elsewhere(struct inject_call *call)
{
    if (call->function == INJECT_MMAP) {
        call->got = mmap(NULL, call->size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANON, -1, 0);
        return call->got != MAP_FAILED;
    }
    return false;
}

START_TEST(an_answer_elsewhere_is_given_back)
{
    if (!able) {
        return;
    }
    size_t before = extent_bytes();
    size_t spans = before / RANGE_SPAN + 1;
    atomic_store(&inject_hook, answer_elsewhere);
    long held = inject.held;
    inject_start(0, false);
    void *got = range_take(spans, NULL);
    inject_stop();
    atomic_store(&inject_hook, NULL);
    ck_assert_ptr_null(got);
    ck_assert_uint_gt(inject.calls[INJECT_MMAP], 0);
    ck_assert_int_eq(inject.held, held);
    ck_assert_uint_eq(extent_bytes(), before);
    expect_whole(take(spans), spans);
}
END_TEST

/* Nothing is given for the range; how often it was asked for. */
static unsigned asked;

static bool refuse_all(struct inject_call *call)
{
    if (call->function == INJECT_MMAP) {
        asked++;
        call->error = errno = ENOMEM;
        return true;
    }
    return false;
}

/* Without the fixture: there is no range yet. */
START_TEST(a_range_that_is_refused_is_tried_again_but_seldom)
{
    if (extent_bytes() != 0) {
        return;
    }
    unsigned tries = 0;
    atomic_store(&inject_hook, refuse_all);
    for (unsigned i = 0; i < 100; i++) {
        unsigned before = asked;
        errno = SUPPORT_ERRNO;
        ck_assert(!range_start());
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        tries += asked != before;
    }
    ck_assert_uint_eq(tries, 7); /* 1, 2, 4 ... 64 */
    atomic_store(&inject_hook, NULL);
    for (unsigned i = 100; i < 127; i++) {
        ck_assert(!range_start());
    }
    ck_assert(range_start());
    ck_assert_uint_eq(extent_bytes(), MIB);
}
END_TEST

/* At none of the places that it tries: all is given back, and said. */
START_TEST(there_is_no_range_where_no_address_is_given)
{
    if (extent_bytes() != 0) {
        return;
    }
    atomic_store(&inject_hook, answer_elsewhere);
    long held = inject.held;
    inject_start(0, false);
    bool started = range_start();
    inject_stop();
    atomic_store(&inject_hook, NULL);
    ck_assert(!started);
    ck_assert_int_eq(inject.held, held);
    ck_assert(!range_has(&held) && range_owner(&held) == NULL);
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
    TCase *before = support_case(suite, "before there is a range");

    tcase_add_checked_fixture(range, start, NULL);
    tcase_add_test(range, spans_are_taken_first_fit_from_below);
    tcase_add_test(range, a_gap_across_words_is_found);
    tcase_add_test(range, the_range_is_used_up_and_not_beyond);
    tcase_add_test(range, slots_are_cut_from_spans_and_used_again);
    tcase_add_test(range, a_span_whose_slots_are_all_free_is_a_span_again);
    tcase_add_test(range, an_owner_is_named_for_just_its_slots);
    tcase_add_test(range, an_owner_apart_differs_from_its_pool);
    tcase_add_test(range, the_range_has_its_own_addresses_only);
    tcase_add_test(range, long_free_rows_keep_16_mib_of_memory_and_no_more);
    tcase_add_test(range, the_first_piece_is_short);
    tcase_add_test(range, the_range_grows_with_what_is_taken);
    tcase_add_test(range, a_long_piece_is_mapped_at_once);
    tcase_add_test(range, a_growth_that_is_refused_asks_for_less);
    tcase_add_test(range, spans_without_their_tables_are_given_back);
    tcase_add_loop_test(range, the_range_goes_on_behind_a_foreign_mapping, 0,
                        6);
    tcase_add_test(range, a_foreign_mapping_among_the_tables_ends_the_growth);
    tcase_add_test(range, an_answer_elsewhere_is_given_back);
    tcase_add_test(before, a_range_that_is_refused_is_tried_again_but_seldom);
    tcase_add_test(before, there_is_no_range_where_no_address_is_given);
    tcase_add_test(range, threads_never_get_the_same_span_or_slot);
    return support_run(suite);
}
