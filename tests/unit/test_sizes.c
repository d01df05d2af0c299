/* SPDX-License-Identifier: MIT
 *
 * test_sizes.c - granules, bins, middle classes and batches.
 *
 * What it cannot do: try all lengths.  It tries all up to a bound, and those
 * about each power of two beyond it.
 */
#include "store/sizes.h"

#include "../support.h"

/* Lengths that are all tried; bins become wide below it. */
#define ALL_TRIED 5000u

/* Lengths about a power of two that are tried. */
#define ABOUT 3u

START_TEST(granules_cover_every_byte_and_no_more)
{
    for (size_t n = 0; n <= 4096; n++) {
        size_t granules = sizes_granules(n);
        ck_assert_uint_ge(granules * SIZES_GRANULE, n);
        ck_assert_uint_lt(granules * SIZES_GRANULE, n + SIZES_GRANULE);
    }
    ck_assert_uint_eq(sizes_granules(SIZE_MAX - 15),
                      SIZE_MAX / SIZES_GRANULE);
}
END_TEST

START_TEST(short_lengths_have_a_bin_each)
{
    for (uint32_t granules = 1; granules <= 16; granules++) {
        ck_assert_uint_eq(sizes_bin(granules), granules - 1);
    }
    ck_assert_uint_eq(sizes_bin(17), 16);
}
END_TEST

/* A longer chunk is never in a lower bin, and no bin is left out. */
static void expect_step(uint32_t granules)
{
    unsigned below = sizes_bin(granules - 1);
    unsigned bin = sizes_bin(granules);

    ck_assert_msg(bin == below || bin == below + 1,
                  "bins %u and %u for %u granules and one less", below, bin,
                  granules);
}

START_TEST(bins_never_fall_and_none_is_skipped)
{
    for (uint32_t granules = 2; granules <= ALL_TRIED; granules++) {
        expect_step(granules);
    }
    for (unsigned power = 12; power < 32; power++) {
        for (uint32_t i = 0; i < 2 * ABOUT; i++) {
            expect_step(((uint32_t)1 << power) - ABOUT + i);
        }
    }
}
END_TEST

/* The longest length of a bin and the shortest of the next one, as heap.h
 * tells them: four bins to a doubling, then one. */
START_TEST(bins_end_where_heaps_say)
{
    unsigned bin = 16;

    for (uint32_t power = 16; power < 1024; power *= 2) {
        for (uint32_t quarter = 1; quarter <= 4; quarter++, bin++) {
            uint32_t last = power + power / 4 * quarter;
            ck_assert_uint_eq(sizes_bin(last), bin);
            ck_assert_uint_eq(sizes_bin(last + 1), bin + 1);
        }
    }
    for (uint64_t last = 2048; last <= SIZES_GRANULES_MOST; last *= 2, bin++) {
        ck_assert_uint_eq(sizes_bin((uint32_t)last), bin);
        ck_assert_uint_eq(sizes_bin((uint32_t)last + 1), bin + 1);
    }
}
END_TEST

START_TEST(the_longest_chunk_is_in_the_last_bin)
{
    if (SIZE_MAX > UINT32_MAX) {
        ck_assert_uint_eq(sizes_bin((uint32_t)SIZES_GRANULES_MOST),
                          SIZES_BINS - 1);
    }
    ck_assert_uint_lt(sizes_bin((uint32_t)SIZES_GRANULES_MOST), SIZES_BINS);
    ck_assert_uint_le(SIZES_BINS, 64); /* a word has a bit for each */
}
END_TEST

/* The longest class that is no longer, and the shortest that is no shorter, by
 * looking at each. */
START_TEST(a_middle_length_lies_between_two_classes)
{
    for (uint32_t n = SIZES_SHORT + 1; n <= SIZES_MIDDLE; n++) {
        unsigned below = sizes_middle_below(n);
        unsigned above = sizes_middle_above(n);
        ck_assert_uint_lt(above, SIZES_MIDDLE_CLASSES);
        ck_assert_uint_le(sizes_middle_length(below), n);
        ck_assert_uint_ge(sizes_middle_length(above), n);
        ck_assert(above == below ? sizes_middle_length(above) == n
                                 : above == below + 1 &&
                                       sizes_middle_length(above) > n);
        ck_assert_uint_ge(above, 1); /* class 0 is a short length */
    }
    ck_assert_uint_eq(sizes_middle_length(0), SIZES_SHORT);
    ck_assert_uint_eq(sizes_middle_length(SIZES_MIDDLE_CLASSES - 1),
                      SIZES_MIDDLE);
}
END_TEST

START_TEST(rounding_to_a_class_wastes_3_percent_and_is_done_once)
{
    for (size_t n = 1; n <= 2 * SIZES_MIDDLE; n++) {
        size_t rounded = sizes_middle_round(n);
        if (n <= SIZES_SHORT || n > SIZES_MIDDLE) {
            ck_assert_uint_eq(rounded, n);
            continue;
        }
        ck_assert_uint_ge(rounded, n);
        ck_assert_uint_lt((rounded - n) * 32, n);
        ck_assert_uint_eq(sizes_middle_round(rounded), rounded);
        /* A chunk of that length serves a request of it. */
        ck_assert_uint_eq(sizes_middle_below((uint32_t)rounded),
                          sizes_middle_above((uint32_t)n));
    }
    ck_assert_uint_eq(sizes_middle_round(0), 0);
}
END_TEST

START_TEST(a_batch_is_8_kib_or_120_chunks)
{
    for (size_t granules = 1; granules <= SIZES_SHORT; granules++) {
        unsigned chunks = sizes_batch(granules);
        size_t bytes = chunks * granules * SIZES_GRANULE;
        ck_assert_uint_ge(chunks, 1);
        ck_assert_uint_le(chunks, 120);
        ck_assert_uint_le(bytes, 8192);
        ck_assert(chunks == 120 || bytes + granules * SIZES_GRANULE > 8192);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sizes");
    TCase *sizes = support_case(suite, "sizes");

    tcase_add_test(sizes, granules_cover_every_byte_and_no_more);
    tcase_add_test(sizes, short_lengths_have_a_bin_each);
    tcase_add_test(sizes, bins_never_fall_and_none_is_skipped);
    tcase_add_test(sizes, bins_end_where_heaps_say);
    tcase_add_test(sizes, the_longest_chunk_is_in_the_last_bin);
    tcase_add_test(sizes, a_middle_length_lies_between_two_classes);
    tcase_add_test(sizes,
                   rounding_to_a_class_wastes_3_percent_and_is_done_once);
    tcase_add_test(sizes, a_batch_is_8_kib_or_120_chunks);
    return support_run(suite);
}
