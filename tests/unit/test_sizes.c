/* SPDX-License-Identifier: MIT
 *
 * test_sizes.c - granules, middle classes and batches.
 *
 * What it cannot do: try all sizes.  It tries all up to a bound.
 */
#include "store/sizes.h"

#include "../support.h"

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
    tcase_add_test(sizes, a_middle_length_lies_between_two_classes);
    tcase_add_test(sizes,
                   rounding_to_a_class_wastes_3_percent_and_is_done_once);
    tcase_add_test(sizes, a_batch_is_8_kib_or_120_chunks);
    return support_run(suite);
}
