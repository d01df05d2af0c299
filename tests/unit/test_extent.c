/* SPDX-License-Identifier: MIT
 *
 * test_extent.c - how the range grows, and what it does where it cannot.
 *
 * What it cannot do: test anything where the system has no range.  There each
 * test only shows that this is said.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../inject.h"
#include "owned.h"

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
    const size_t spans = 80 * MIB / RANGE_SPAN;

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

int main(void)
{
    Suite *suite = suite_create("extent");
    TCase *growth = support_case(suite, "extent");
    TCase *before = support_case(suite, "before there is a range");

    tcase_add_checked_fixture(growth, owned_start, NULL);
    tcase_add_test(growth, the_first_piece_is_short);
    tcase_add_test(growth, the_range_grows_with_what_is_taken);
    tcase_add_test(growth, a_long_piece_is_mapped_at_once);
    tcase_add_test(growth, a_growth_that_is_refused_asks_for_less);
    tcase_add_test(growth, spans_without_their_tables_are_given_back);
    tcase_add_loop_test(growth, the_range_goes_on_behind_a_foreign_mapping, 0,
                        6);
    tcase_add_test(growth, a_foreign_mapping_among_the_tables_ends_the_growth);
    tcase_add_test(growth, an_answer_elsewhere_is_given_back);
    tcase_add_test(before, a_range_that_is_refused_is_tried_again_but_seldom);
    tcase_add_test(before, there_is_no_range_where_no_address_is_given);
    return support_run(suite);
}
