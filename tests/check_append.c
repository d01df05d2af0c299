/* SPDX-License-Identifier: MIT
 *
 * check_append.c - strings of a pool that grow.
 *
 * On every kind of pool a string has the bytes of its pieces, whatever lies
 * behind its object.  It is copied a bounded number of times.  A call that is
 * refused leaves string and pool as they were.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "pools.h"

static void *volatile nothing;
static volatile size_t most = SIZE_MAX;

static void expect_string(memory_pool_t *mp, const mp_string_t *string,
                          const char *text, size_t length)
{
    POOLS_EXPECT(string->length == length);
    POOLS_EXPECT(mp_owns(mp, string->bytes));
    POOLS_EXPECT(string->room > length);
    POOLS_EXPECT(mp_usable_size(mp, string->bytes) >= string->room);
    POOLS_EXPECT(memcmp(string->bytes, text, length) == 0);
    POOLS_EXPECT(string->bytes[length] == '\0');
}

START_TEST(pieces_of_any_length_make_one_string)
{
    memory_pool_t *mp = pools_make(_i);
    size_t length = 0;
    char *right = malloc(300000);
    mp_string_t string = {0};
    uint64_t random = support_seed();

    POOLS_EXPECT(right != NULL);
    errno = SUPPORT_ERRNO;
    while (length < 200000) {
        size_t n = support_below(&random, length / 8 + 40);
        support_fill(right + length, n, (uint32_t)length);
        POOLS_EXPECT(mp_append_bytes(mp, &string, right + length, n) == 0);
        length += n;
        expect_string(mp, &string, right, length);
        if (n % 3 == 0) {
            int printed = sprintf(right + length, "%zu,%s", n, "text");
            POOLS_EXPECT(
                mp_append_printf(mp, &string, "%zu,%s", n, "text") == 0);
            length += (size_t)printed;
            expect_string(mp, &string, right, length);
        }
        if (n % 4 == 0) {
            POOLS_EXPECT(mp_allocate(mp, n + 1) != NULL); /* in its way */
        }
    }
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    free(right);
    pools_end(mp, _i);
}
END_TEST

START_TEST(nothing_appended_to_nothing_is_the_empty_string)
{
    memory_pool_t *mp = pools_make(_i);
    mp_string_t string = {0};
    static const char empty[] = "";

    ck_assert_int_eq(mp_append_bytes(mp, &string, nothing, 0), 0);
    expect_string(mp, &string, "", 0);
    mp_free(mp, string.bytes);
    memset(&string, 0, sizeof string);
    ck_assert_int_eq(mp_append_printf(mp, &string, "%s", empty), 0);
    expect_string(mp, &string, "", 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_part_of_the_string_itself_can_be_appended)
{
    memory_pool_t *mp = pools_make(_i);
    mp_string_t string = {0};

    ck_assert_int_eq(mp_append_bytes(mp, &string, "abcd", 4), 0);
    for (size_t length = 4; length < 100000; length *= 2) {
        void *behind = mp_allocate(mp, 16);
        POOLS_EXPECT(behind != NULL);
        POOLS_EXPECT(
            mp_append_bytes(mp, &string, string.bytes, length) == 0);
        POOLS_EXPECT(string.length == 2 * length);
    }
    for (size_t i = 0; i < string.length; i++) {
        POOLS_EXPECT(string.bytes[i] == "abcd"[i % 4]);
    }
    pools_end(mp, _i);
}
END_TEST

/* How often the address changes says how often the bytes were copied. */
START_TEST(a_string_of_many_pieces_moves_a_few_times_only)
{
    memory_pool_t *mp = pools_make(_i);
    mp_string_t string = {0};
    const char *at = NULL;
    unsigned moves = 0;
    size_t room = 0;
    unsigned resized = 0;

    for (unsigned i = 0; i < 65536; i++) {
        POOLS_EXPECT(
            mp_append_bytes(mp, &string, "sixteen  letters", 16) == 0);
        moves += string.bytes != at;
        at = string.bytes;
        resized += string.room != room;
        room = string.room;
        POOLS_EXPECT(resized <= 17); /* here, and not after minutes */
    }
    ck_assert_uint_eq(string.length, 1u << 20);
    ck_assert_uint_le(moves, 17);
    ck_assert_uint_le(string.room, 4u << 20);
    pools_end(mp, _i);
}
END_TEST

static memory_pool_t *limited(int i, size_t capacity)
{
    mp_options_t options = {.report = pools_report,
                            .capacity = capacity,
                            .threads = (mp_threads_t)(i % 3)};

    return pools_make_told(&options);
}

START_TEST(a_string_fills_a_capacity_to_its_last_byte)
{
    memory_pool_t *mp = limited(_i, 1000);
    mp_string_t string = {0};

    for (size_t i = 0; i < 999; i++) {
        POOLS_EXPECT(mp_append_bytes(mp, &string, "x", 1) == 0);
    }
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_int_eq(mp_append_bytes(mp, &string, "y", 1), -1);
    /* It may have all of the pool and no more, or is longer than any object of
     * it. */
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert(errno == ENOBUFS || errno == EINVAL);
    ck_assert_uint_eq(string.length, 999);
    ck_assert_int_eq(mp_append_printf(mp, &string, "%d", 12345), -1);
    ck_assert_uint_eq(strlen(string.bytes), 999);
    ck_assert_uint_eq(strspn(string.bytes, "x"), 999);
    ck_assert(mp_owns(mp, string.bytes));
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(what_does_not_fit_leaves_string_and_pool)
{
    memory_pool_t *mp = limited(_i, 1000);
    mp_string_t string = {0};

    ck_assert_ptr_nonnull(mp_allocate(mp, 600));
    ck_assert_int_eq(mp_append_bytes(mp, &string, "some text", 9), 0);
    mp_string_t before = string;
    ck_assert_int_eq(mp_append_printf(mp, &string, "%*d", 500, 1), -1);
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_int_eq(mp_append_bytes(mp, &string, mp, most), -1);
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_int_eq(mp_append_bytes(mp, &string, mp, most - 9), -1);
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_int_eq(memcmp(&before, &string, sizeof string), 0);
    ck_assert_str_eq(string.bytes, "some text");
    /* Twice what is needed is not to be had, but what is needed is. */
    ck_assert_int_eq(mp_append_printf(mp, &string, "%*d", 250, 1), 0);
    ck_assert_uint_eq(string.length, 259);
    ck_assert_uint_eq(pools_reported.count, 0);
    mp_string_t other = {0};
    ck_assert_int_eq(mp_append_printf(mp, &other, "%*d", 500, 1), -1);
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_ptr_null(other.bytes);
    ck_assert_uint_eq(other.room, 0);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(what_is_no_string_of_the_pool_is_refused)
{
    memory_pool_t *mp = limited(_i, 100000);
    memory_pool_t *other = limited(_i, 100000);
    static const char *const volatile none;
    char local[100] = "local";
    mp_string_t string = {0};

    ck_assert_int_eq(mp_append_bytes(mp, &string, "text", 4), 0);
    ck_assert_int_eq(mp_append_bytes(mp, nothing, "text", 4), -1);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    ck_assert_int_eq(mp_append_bytes(mp, &string, none, 4), -1);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    ck_assert_int_eq(mp_append_printf(mp, &string, none, 4), -1);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    SUPPORT_REFUSED(mp_append_bytes(nothing, &string, "text", 4), -1);
    SUPPORT_REFUSED(mp_append_printf(nothing, &string, "text"), -1);
    errno = SUPPORT_ERRNO;
    mp_string_t wrong[] = {{NULL, 1, 0},
                           {NULL, 0, 1},
                           {local, 100, 100},
                           {local, 5, 100},
                           {string.bytes, string.room, string.room},
                           {string.bytes, 4, string.room + 5000},
                           {string.bytes + 16, 4, 16}};
    static const char much[6000];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mp_string_t given = wrong[i];
        ck_assert_int_eq(mp_append_bytes(mp, &wrong[i], much, 6000), -1);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            given.bytes, EINVAL);
        ck_assert_int_eq(memcmp(&given, &wrong[i], sizeof given), 0);
    }
    /* Those that show it are also refused a piece for which they have room. */
    mp_string_t odd[] = {{NULL, 0, 64},
                         {NULL, 1, 64},
                         {local, 64, 32},
                         {string.bytes, string.room, string.room - 1}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        mp_string_t given = odd[i];
        ck_assert_int_eq(mp_append_bytes(mp, &odd[i], "piece", 5), -1);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            given.bytes, EINVAL);
        ck_assert_int_eq(memcmp(&given, &odd[i], sizeof given), 0);
    }
    /* Another pool's, and one that was freed. */
    ck_assert_int_eq(mp_append_bytes(other, &string, much, 6000), -1);
    pools_expect_report(other, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                        string.bytes, EINVAL);
    ck_assert_str_eq(string.bytes, "text");
    mp_free(mp, string.bytes);
    ck_assert_int_eq(mp_append_bytes(mp, &string, much, 6000), -1);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                        string.bytes, EINVAL);
    ck_assert_str_eq(local, "local");
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(other);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_format_that_fails_leaves_the_string)
{
    static const wchar_t wrong[] = {(wchar_t)0x7fffffff, 0};
    memory_pool_t *mp = pools_make(_i);
    mp_string_t string = {0};

    ck_assert_int_eq(mp_append_bytes(mp, &string, "text", 4), 0);
    errno = 0;
    ck_assert_int_eq(mp_append_printf(mp, &string, "a %ls", wrong), -1);
    ck_assert_int_eq(errno, EILSEQ);
    ck_assert_str_eq(string.bytes, "text");
    ck_assert_uint_eq(string.length, 4);
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_string_goes_with_its_mark)
{
    memory_pool_t *mp = pools_make(_i);
    mp_string_t string = {0};
    mp_mark_t mark = mp_mark(mp);

    for (int i = 0; i < 1000; i++) {
        POOLS_EXPECT(mp_append_printf(mp, &string, "%d,", i) == 0);
    }
    ck_assert_int_eq(strncmp(string.bytes, "0,1,2,3,", 8), 0);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert(!mp_owns(mp, string.bytes));
    pools_end(mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("append");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

#define KINDS(test) tcase_add_loop_test(kinds, test, 0, pools_count)
#define THREE(test) tcase_add_loop_test(single, test, 0, 3)
    KINDS(pieces_of_any_length_make_one_string);
    KINDS(nothing_appended_to_nothing_is_the_empty_string);
    KINDS(a_part_of_the_string_itself_can_be_appended);
    KINDS(a_string_of_many_pieces_moves_a_few_times_only);
    THREE(a_string_fills_a_capacity_to_its_last_byte);
    THREE(what_does_not_fit_leaves_string_and_pool);
    THREE(what_is_no_string_of_the_pool_is_refused);
    KINDS(a_format_that_fails_leaves_the_string);
    KINDS(a_string_goes_with_its_mark);
    return support_run(suite);
}
