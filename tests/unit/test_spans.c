/* SPDX-License-Identifier: MIT
 *
 * test_spans.c - free spans and slots, beside a model that searches one by
 * one.
 *
 * What it cannot do: reach as many spans as a range may have.
 */
#include "../support.h"
#include "store/spans.h"

#include <stdlib.h>
#include <string.h>


#define WORDS_MOST 64u
#define SPANS (WORDS_MOST * 64)
#define ROUNDS 4000u

static struct spans spans;
static void *memory;
static unsigned char model[SPANS]; /* FREE, DIRTY or TAKEN */
static uint64_t seed;

enum { TAKEN, FREE, DIRTY };

static void grow(size_t words)
{
    void *more = calloc(1, spans_bytes(words));

    ck_assert_ptr_nonnull(more);
    spans_move(&spans, more, words);
    free(memory);
    memory = more;
}

static void start(void)
{
    memset(&spans, 0, sizeof spans);
    memset(model, TAKEN, sizeof model);
    grow(1);
}

static void end(void)
{
    free(memory);
    memory = NULL;
}

static size_t model_find(size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < spans.words * 64; i++) {
        length = model[i] == TAKEN ? 0 : length + 1;
        if (length == count) {
            return i + 1 - count;
        }
    }
    return SPANS_NONE;
}

static size_t take(size_t count)
{
    size_t expected = model_find(count);

    ck_assert_uint_eq(spans_take(&spans, count), expected);
    if (expected != SPANS_NONE) {
        memset(model + expected, TAKEN, count);
    }
    return expected;
}

static void give(size_t first, size_t count, bool dirty)
{
    spans_give(&spans, first, count, dirty);
    memset(model + first, dirty ? DIRTY : FREE, count);
}

static void expect_dirty(void)
{
    size_t dirty = 0;

    for (size_t i = 0; i < SPANS; i++) {
        dirty += model[i] == DIRTY;
    }
    ck_assert_uint_eq(spans.dirty_count, dirty);
    ck_assert(spans_is_sound(&spans));
}

START_TEST(new_spans_are_taken)
{
    ck_assert_uint_eq(spans_take(&spans, 1), SPANS_NONE);
    grow(8);
    ck_assert_uint_eq(spans_take(&spans, 1), SPANS_NONE);
    ck_assert_uint_eq(spans_take_slot(&spans), SPANS_NONE);
    give(100, 3, false);
    ck_assert_uint_eq(take(3), 100);
}
END_TEST

START_TEST(the_first_row_that_is_long_enough_is_found)
{
    static struct {
        size_t first;
        size_t count;
    } rows[SPANS];
    size_t held = 0;

    seed = support_seed();
    give(0, 64, false);
    for (unsigned i = 0; i < ROUNDS; i++) {
        /* Short ones mostly, and some over many words. */
        size_t count = 1 + support_below(&seed, i % 8 == 0 ? 300 : 20);
        if (i % 500 == 499 && spans.words < WORDS_MOST) {
            size_t before = spans.words;
            grow(before * 2);
            give(before * 64, before * 64, false);
        }
        if (held > 0 && support_below(&seed, 5) < 2) {
            size_t which = support_below(&seed, held);
            give(rows[which].first, rows[which].count,
                 support_below(&seed, 2) == 0);
            rows[which] = rows[--held];
        } else {
            size_t first = take(count);
            if (first != SPANS_NONE) {
                rows[held].first = first;
                rows[held++].count = count;
            }
        }
        expect_dirty();
    }
    while (held > 0) {
        give(rows[held - 1].first, rows[held - 1].count, true);
        held--;
    }
    expect_dirty();
    ck_assert_uint_eq(take(spans.words * 64), 0);
    expect_dirty();
}
END_TEST

START_TEST(a_wrong_tree_is_seen)
{
    grow(4);
    give(10, 100, true);
    ck_assert(spans_is_sound(&spans));
    spans.free[0] ^= 1;
    ck_assert(!spans_is_sound(&spans));
    spans.free[0] ^= 1;
    spans.dirty_count++;
    ck_assert(!spans_is_sound(&spans));
    spans.dirty_count--;
    for (size_t i = 1; i < 2 * spans.words; i++) {
        spans.nodes[i].most++;
        ck_assert(!spans_is_sound(&spans));
        spans.nodes[i].most--;
    }
    spans.dirty[0] |= 1;
    ck_assert(!spans_is_sound(&spans));
    spans.dirty[0] &= ~(uint64_t)1;
    ck_assert(spans_is_sound(&spans));
}
END_TEST

/* Slots come from as few spans as hold them, and all come back. */
START_TEST(slots_are_given_once_and_spans_become_whole)
{
    enum { SLOTS = 40 * SPANS_SLOTS };
    static unsigned char live[SPANS * SPANS_SLOTS];
    static size_t slots[SLOTS];
    size_t held = 0;
    size_t whole = 0;

    seed = support_seed();
    memset(live, 0, sizeof live);
    grow(2);
    give(0, 128, false);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        /* Full at times, and empty at times. */
        bool more = support_below(&seed, 100) < (i / ROUNDS % 2 == 0 ? 70 : 30);
        if (more && held < SLOTS) {
            size_t slot = spans_take_slot(&spans);
            ck_assert_uint_lt(slot, 128 * SPANS_SLOTS);
            ck_assert(!live[slot]);
            live[slot] = true;
            slots[held++] = slot;
        } else if (!more && held > 0) {
            size_t which = support_below(&seed, held);
            size_t slot = slots[which];
            slots[which] = slots[--held];
            live[slot] = false;
            size_t span = spans_give_slot(&spans, slot);
            if (span != SPANS_NONE) {
                ck_assert_uint_eq(span, slot / SPANS_SLOTS);
                for (size_t s = 0; s < SPANS_SLOTS; s++) {
                    ck_assert(!live[span * SPANS_SLOTS + s]);
                }
                spans_give(&spans, span, 1, true);
                whole++;
            }
        }
    }
    ck_assert_uint_gt(whole, 0);
    while (held > 0) {
        size_t span = spans_give_slot(&spans, slots[--held]);
        if (span != SPANS_NONE) {
            spans_give(&spans, span, 1, true);
        }
    }
    /* One stays cut. */
    size_t cut = spans.cut - 1;
    ck_assert_uint_eq(spans.cuts[cut].free, UINT32_MAX);
    ck_assert_uint_eq(spans.cuts[cut].next, 0);
    spans_give(&spans, cut, 1, false);
    ck_assert_uint_eq(spans_take(&spans, 128), 0);
}
END_TEST

/* The range may be longer than what there was memory to know of. */
START_TEST(a_span_that_is_not_known_is_in_no_row)
{
    spans_give(&spans, 0, 64, false);
    ck_assert_uint_eq(spans_take(&spans, 64), 0);
    ck_assert_uint_eq(spans_set_row(&spans, 0, 64), 0);
    ck_assert_uint_eq(spans_row(&spans, 63), 0);
    ck_assert_uint_eq(spans_row(&spans, 64), SPANS_NONE);
    ck_assert_uint_eq(spans_row(&spans, 64000), SPANS_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spans");
    TCase *one = support_case(suite, "spans");

    tcase_add_checked_fixture(one, start, end);
    tcase_add_test(one, new_spans_are_taken);
    tcase_add_test(one, the_first_row_that_is_long_enough_is_found);
    tcase_add_test(one, a_wrong_tree_is_seen);
    tcase_add_test(one, a_span_that_is_not_known_is_in_no_row);
    tcase_add_test(one, slots_are_given_once_and_spans_become_whole);
    return support_run(suite);
}
