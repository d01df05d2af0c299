/* SPDX-License-Identifier: MIT
 *
 * check_growth.c - sizes given back, and objects that grow: mp_free_sized(),
 * mp_expand(), mp_reallocarray(), mp_aligned_realloc(), MP_NEW(), and the kin
 * of mp_calloc(), mp_realloc(), mp_aligned_alloc() and the strings on handles.
 *
 * On every kind of pool: what is made holds its bytes and its alignment.  What
 * is refused is refused with its error and leaves object and pool as they
 * were.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"

static void *volatile nothing;
static volatile size_t zero, most = SIZE_MAX;

static const size_t lengths[] = {1,    15,   16,    17,     100,    1008,
                                 1024, 1025, 40000, 262144, 300000, 1000000};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

/* A pool that reports, of each threads kind, with a capacity but for the
 * first. */
static memory_pool_t *reporting(int i)
{
    mp_options_t options = {.report = pools_report,
                            .threads = (mp_threads_t)(i % 3),
                            .capacity = i % 3 == 0 ? 0 : 10000,
                            .max_object = i % 3 == 0 ? 100000 : 9000};

    return pools_make_told(&options);
}

/* mp_free_sized() */

START_TEST(the_size_that_was_asked_for_frees_an_object)
{
    memory_pool_t *mp = pools_make(_i);

    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < LENGTHS; i++) {
        void *at = mp_allocate(mp, lengths[i]);
        POOLS_EXPECT(at != NULL);
        mp_free_sized(mp, at, lengths[i]);
        POOLS_EXPECT(!mp_owns(mp, at));
        /* So after it was resized, whichever way it went. */
        for (size_t k = 0; k < LENGTHS; k++) {
            at = mp_allocate(mp, lengths[i]);
            at = mp_realloc(mp, at, lengths[k]);
            POOLS_EXPECT(at != NULL);
            mp_free_sized(mp, at, lengths[k]);
            POOLS_EXPECT(!mp_owns(mp, at));
        }
        for (size_t k = 0; k < i; k++) {
            at = mp_allocate(mp, lengths[i]);
            POOLS_EXPECT(mp_expand(mp, at, lengths[k]) == 0);
            mp_free_sized(mp, at, lengths[k]);
            POOLS_EXPECT(!mp_owns(mp, at));
        }
        at = mp_aligned_alloc(mp, 4096, lengths[i]);
        POOLS_EXPECT(at != NULL);
        mp_free_sized(mp, at, lengths[i]);
        POOLS_EXPECT(!mp_owns(mp, at));
    }
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_wrong_size_is_reported_with_both_and_frees_nothing)
{
    memory_pool_t *mp = reporting(_i);
    bool cached = pools_cached(mp);

    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < 8; i++) {
        char *at = mp_allocate(mp, lengths[i]);
        ck_assert_ptr_nonnull(at);
        size_t held = mp_usable_size(mp, at);
        const size_t wrong[] = {held + 1, 0,          SIZE_MAX,
                                held * 2, lengths[i], lengths[i] - 1};
        memset(at, 7, lengths[i]);
        for (size_t k = 0; k < (cached ? 4 : 6); k++) {
            if (wrong[k] == lengths[i]) {
                continue;
            }
            char message[128];
            snprintf(message, sizeof message,
                     "wrong size: %zu bytes are given, the object has %zu",
                     wrong[k], held);
            mp_free_sized(mp, at, wrong[k]);
            pools_expect_report(mp, MP_EVENT_WRONG_SIZE, message, at, EINVAL);
            POOLS_EXPECT(mp_owns(mp, at) && at[lengths[i] - 1] == 7);
        }
        mp_free(mp, at);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(mp_free_sized_refuses_what_mp_free_refuses)
{
    memory_pool_t *mp = reporting(_i);
    char *at = mp_allocate(mp, 100);
    char *freed = mp_allocate(mp, 100);
    int local;

    mp_free(mp, freed);
    void *const wrong[] = {at + 1, at + 16, freed, &local};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mp_free_sized(mp, wrong[i], 100);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            wrong[i], EINVAL);
    }
    errno = 0;
    mp_free_sized(nothing, at, 100);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert(mp_owns(mp, at));
    ck_assert_uint_eq(pools_reported.count, 0);
    mp_destroy(mp);
}
END_TEST

/* mp_expand() */

START_TEST(an_object_grows_and_shrinks_where_it_stands)
{
    memory_pool_t *mp = pools_make(_i);
    unsigned char *at = mp_allocate(mp, 2000);
    size_t size = 2000;

    POOLS_EXPECT(at != NULL);
    support_fill(at, size, 5);
    errno = SUPPORT_ERRNO;
    while (size < 40000 && mp_expand(mp, at, size + 16) == 0) {
        size += 16;
        POOLS_EXPECT(mp_usable_size(mp, at) >= size);
        POOLS_EXPECT(errno == SUPPORT_ERRNO);
        memset(at + size - 16, 1, 16);
    }
    ck_assert_uint_ge(size, 2000);
    ck_assert(support_holds(at, 2000, 5));
    /* Whatever stands in its way, it can become shorter, and long again. */
    size_t longest = size;
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_expand(mp, at, 500), 0);
    ck_assert(support_holds(at, 500, 5));
    ck_assert_int_eq(mp_expand(mp, at, longest), 0);
    ck_assert(support_holds(at, 500, 5));
    ck_assert_uint_ge(mp_usable_size(mp, at), longest);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_free(mp, at);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(where_there_is_no_room_nothing_moves_and_nobody_is_told)
{
    mp_options_t options = {.report = pools_report,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    unsigned char *at = mp_allocate(mp, 3000);
    unsigned char *behind[20];

    for (size_t i = 0; i < 20; i++) {
        behind[i] = mp_allocate(mp, 3000);
        support_fill(behind[i], 3000, (uint32_t)i);
    }
    pools_forget_reports();
    support_fill(at, 3000, 99);
    mp_stats_t before = pools_stats(mp);
    errno = 0;
    ck_assert_int_eq(mp_expand(mp, at, 9000), -1);
    ck_assert_int_eq(errno, ENOMEM);
    mp_stats_t after = pools_stats(mp);
    ck_assert_int_eq(memcmp(&before, &after, sizeof after), 0);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert(support_holds(at, 3000, 99));
    for (size_t i = 0; i < 20; i++) {
        ck_assert(support_holds(behind[i], 3000, (uint32_t)i));
    }
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(mp_expand_refuses_what_mp_realloc_refuses)
{
    memory_pool_t *mp = reporting(_i);
    char *at = mp_allocate(mp, 100);
    char *freed = mp_allocate(mp, 100);
    int local;

    mp_free(mp, freed);
    void *const wrong[] = {at + 16, freed, &local};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(mp_expand(mp, wrong[i], 200), -1);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            wrong[i], EINVAL);
    }
    ck_assert_int_eq(mp_expand(mp, nothing, 200), -1);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    const size_t sizes[] = {0, 200000, SIZE_MAX, SIZE_MAX - 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert_int_eq(mp_expand(mp, at, sizes[i]), -1);
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    }
    SUPPORT_REFUSED(mp_expand(nothing, at, 200), -1);
    ck_assert(mp_owns(mp, at));
    if (_i != 0) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 9000 - 1));
        ck_assert_int_eq(mp_expand(mp, at, 2000), -1);
        pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
        ck_assert_uint_eq(pools_stats(mp).live_bytes, 9099);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

/* mp_reallocarray() */

START_TEST(an_array_grows_unless_its_size_is_no_number)
{
    memory_pool_t *mp = reporting(_i);
    unsigned char *at = mp_reallocarray(mp, NULL, 3, 100);

    ck_assert_ptr_nonnull(at);
    support_fill(at, 300, 1);
    at = mp_reallocarray(mp, at, 50, 100);
    ck_assert_ptr_nonnull(at);
    ck_assert(support_holds(at, 300, 1));
    ck_assert_uint_ge(mp_usable_size(mp, at), 5000);
    const size_t wrong[][2] = {{SIZE_MAX / 2, 3}, {most, most}, {2, most},
                               {zero, 5},         {5, zero},    {1, most}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_ptr_null(mp_reallocarray(mp, at, wrong[i][0], wrong[i][1]));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
        ck_assert_ptr_null(
            mp_reallocarray(mp, NULL, wrong[i][0], wrong[i][1]));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    }
    ck_assert_ptr_null(mp_reallocarray(mp, at + 1, 2, 10));
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, at + 1,
                        EINVAL);
    SUPPORT_REFUSED(mp_reallocarray(nothing, at, 2, 10), NULL);
    ck_assert(support_holds(at, 300, 1));
    ck_assert_uint_eq(pools_stats(mp).live_objects, 1);
    mp_destroy(mp);
}
END_TEST

/* mp_aligned_realloc() */

START_TEST(an_aligned_object_stays_aligned_as_it_grows)
{
    memory_pool_t *mp = pools_make(_i);

    errno = SUPPORT_ERRNO;
    for (size_t alignment = 1; alignment <= 65536; alignment *= 4) {
        unsigned char *at = mp_aligned_realloc(mp, NULL, alignment, 10);
        support_fill(at, 10, 3);
        for (size_t i = 0; i < LENGTHS; i++) {
            at = mp_aligned_realloc(mp, at, alignment, 10 + lengths[i]);
            POOLS_EXPECT(at != NULL && (uintptr_t)at % alignment == 0);
            POOLS_EXPECT(support_holds(at, 10, 3));
            POOLS_EXPECT(mp_usable_size(mp, at) >= 10 + lengths[i]);
            POOLS_EXPECT(mp_allocate(mp, 20) != NULL); /* in its way */
        }
        at = mp_aligned_realloc(mp, at, alignment, 5);
        POOLS_EXPECT(at != NULL && (uintptr_t)at % alignment == 0);
        POOLS_EXPECT(support_holds(at, 5, 3));
        mp_free(mp, at);
        mp_reset(mp);
    }
    /* One that was not aligned is from then on. */
    for (size_t i = 0; i < 20; i++) {
        unsigned char *at = mp_allocate(mp, 100);
        support_fill(at, 100, 4);
        at = mp_aligned_realloc(mp, at, 1024, 50);
        POOLS_EXPECT(at != NULL && (uintptr_t)at % 1024 == 0);
        POOLS_EXPECT(support_holds(at, 50, 4));
    }
    ck_assert_uint_eq(pools_stats(mp).live_objects, 20);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_aligned_realloc_refuses_and_leaves_the_object)
{
    memory_pool_t *mp = reporting(_i);
    unsigned char *at = mp_aligned_alloc(mp, 64, 100);
    unsigned char *freed = mp_allocate(mp, 100);
    int local;

    mp_free(mp, freed);
    support_fill(at, 100, 1);
    mp_stats_t before = pools_stats(mp);
    const size_t alignments[] = {0, 3, 65537, 131072, SIZE_MAX};
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        ck_assert_ptr_null(mp_aligned_realloc(mp, at, alignments[i], 200));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
        ck_assert_ptr_null(mp_aligned_realloc(mp, NULL, alignments[i], 200));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    }
    const size_t sizes[] = {0, 200000, SIZE_MAX, SIZE_MAX - 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert_ptr_null(mp_aligned_realloc(mp, at, 64, sizes[i]));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
        ck_assert_ptr_null(mp_aligned_realloc(mp, at, 8192, sizes[i]));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    }
    void *const wrong[] = {at + 16, freed, &local};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_ptr_null(mp_aligned_realloc(mp, wrong[i], 64, 200));
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            wrong[i], EINVAL);
    }
    SUPPORT_REFUSED(mp_aligned_realloc(nothing, at, 64, 200), NULL);
    if (_i != 0) {
        /* Both copies have to fit, or it stays. */
        ck_assert_ptr_nonnull(mp_allocate(mp, 9000 - 100));
        ck_assert_ptr_nonnull(mp_allocate(mp, 500));
        ck_assert_ptr_null(mp_aligned_realloc(mp, at, 64, 1500));
        pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
        ck_assert_uint_eq(pools_stats(mp).live_objects, 3);
        ck_assert_uint_eq(pools_stats(mp).live_bytes, 9500);
    } else {
        mp_stats_t after = pools_stats(mp);
        ck_assert_uint_eq(after.live_bytes, before.live_bytes);
        ck_assert_uint_eq(after.live_objects, before.live_objects);
    }
    ck_assert(mp_owns(mp, at) && support_holds(at, 100, 1));
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

/* MP_NEW() */

struct record {
    long number;
    double ratio[4];
    struct record *next;
};

START_TEST(a_new_object_has_its_type_and_is_zero)
{
    static const struct record empty;
    memory_pool_t *mp = pools_make(_i);
    struct record *one = MP_NEW(mp, struct record);
    struct record *many = MP_NEW_ARRAY(mp, 100, struct record);

    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_nonnull(many);
    ck_assert_int_eq(memcmp(one, &empty, sizeof empty), 0);
    for (size_t i = 0; i < 100; i++) {
        POOLS_EXPECT(memcmp(&many[i], &empty, sizeof empty) == 0);
    }
    errno = 0;
    ck_assert_ptr_null(MP_NEW_ARRAY(mp, most / 8, struct record));
    ck_assert_int_eq(errno, EINVAL);
    SUPPORT_REFUSED(MP_NEW((memory_pool_t *)nothing, struct record), NULL);
    pools_end(mp, _i);
}
END_TEST

/* Handles */

START_TEST(a_handle_has_the_kin_of_all_that_a_thread_has)
{
    memory_pool_t *mp = pools_make(_i);
    mp_handle_t *handle = mp_attach(mp);
    static const char text[] = "some text";

    ck_assert_ptr_nonnull(handle);
    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < LENGTHS; i++) {
        unsigned char *at = mp_handle_calloc(handle, 1, lengths[i]);
        POOLS_EXPECT(at != NULL);
        for (size_t k = 0; k < lengths[i]; k++) {
            POOLS_EXPECT(at[k] == 0);
        }
        at[0] = 9;
        at = mp_handle_realloc(handle, at, lengths[i] * 2);
        POOLS_EXPECT(at != NULL && at[0] == 9 && mp_owns(mp, at));
        mp_handle_free(handle, at);
        POOLS_EXPECT(!mp_owns(mp, at));
        at = mp_handle_aligned_alloc(handle, 512, lengths[i]);
        POOLS_EXPECT(at != NULL && (uintptr_t)at % 512 == 0);
        at = mp_handle_aligned_realloc(handle, at, 1024, lengths[i] * 3);
        POOLS_EXPECT(at != NULL && (uintptr_t)at % 1024 == 0);
        mp_free(mp, at);
    }
    unsigned char *fresh = mp_handle_realloc(handle, NULL, 40);
    char *strings[] = {
        mp_handle_strdup(handle, text), mp_handle_strndup(handle, text, 99),
        mp_handle_memdup(handle, text, sizeof text),
        mp_handle_asprintf(handle, "%s %s", "some", "text")};
    ck_assert_ptr_nonnull(fresh);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(strings[i]);
        ck_assert_str_eq(strings[i], text);
        ck_assert(mp_owns(mp, strings[i]));
    }
    char *shorter = mp_handle_strndup(handle, text, 4);
    ck_assert_str_eq(shorter, "some");
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    mp_detach(handle);
    pools_end(mp, _i);
}
END_TEST

MP_ATTRIBUTE_FORMAT(2, 3)
static char *print(mp_handle_t *handle, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *string = mp_handle_vasprintf(handle, format, arguments);
    va_end(arguments);
    return string;
}

START_TEST(what_a_handle_makes_goes_with_its_mark_and_no_other)
{
    memory_pool_t *mp = pools_make(_i);
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t own = mp_mark(mp);
    mp_mark_t mark = mp_handle_mark(handle);

    /* The thread's cache has what would do as well, under the thread's mark. */
    static const size_t sizes[] = {3, 5, 100, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *first = mp_allocate(mp, sizes[i]);
        void *second = mp_allocate(mp, sizes[i]);
        mp_free(mp, first);
        mp_free(mp, second);
    }
    void *made[] = {mp_handle_calloc(handle, 10, 10),
                    mp_handle_realloc(handle, NULL, 5000),
                    mp_handle_realloc(handle, NULL, 100),
                    mp_handle_realloc(handle, mp_handle_calloc(handle, 1, 20),
                                      100),
                    mp_handle_aligned_alloc(handle, 64, 100),
                    mp_handle_aligned_realloc(handle, NULL, 64, 100),
                    mp_handle_strdup(handle, "text"),
                    mp_handle_strndup(handle, "text", 2),
                    mp_handle_memdup(handle, "text", 5),
                    mp_handle_asprintf(handle, "%d", 12),
                    print(handle, "%d", 12)};
    size_t count = sizeof made / sizeof made[0];

    ck_assert_uint_ne(mark.number, 0);
    ck_assert_int_eq(mp_rewind(mp, own), 0);
    for (size_t i = 0; i < count; i++) {
        POOLS_EXPECT(mp_owns(mp, made[i]));
    }
    ck_assert_int_eq(mp_handle_rewind(handle, mark), 0);
    for (size_t i = 0; i < count; i++) {
        POOLS_EXPECT(!mp_owns(mp, made[i]));
    }
    mp_detach(handle);
    pools_end(mp, _i);
}
END_TEST

START_TEST(without_a_handle_or_with_a_wrong_size_nothing_is_made)
{
    memory_pool_t *mp = reporting(_i);
    mp_handle_t *handle = mp_attach(mp);
    static const char *const volatile none;

    ck_assert_ptr_nonnull(handle);
    support_capture();
    SUPPORT_REFUSED(mp_handle_calloc(nothing, 1, 1), NULL);
    SUPPORT_REFUSED(mp_handle_realloc(nothing, mp, 1), NULL);
    SUPPORT_REFUSED(mp_handle_aligned_alloc(nothing, 16, 1), NULL);
    SUPPORT_REFUSED(mp_handle_aligned_realloc(nothing, mp, 16, 1), NULL);
    SUPPORT_REFUSED(mp_handle_strdup(nothing, "a"), NULL);
    SUPPORT_REFUSED(mp_handle_strndup(nothing, "a", 1), NULL);
    SUPPORT_REFUSED(mp_handle_memdup(nothing, "a", 1), NULL);
    SUPPORT_REFUSED(mp_handle_asprintf(nothing, "a"), NULL);
    SUPPORT_REFUSED(print(nothing, "a%d", 1), NULL);
    support_release_lines("", 0);
    ck_assert_uint_eq(pools_reported.count, 0);
    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(mp_handle_calloc(handle, most, 2));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_realloc(handle, NULL, zero));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_realloc(handle, mp, 10));
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, mp,
                        EINVAL);
    ck_assert_ptr_null(mp_handle_aligned_alloc(handle, 3, 10));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_strdup(handle, none));
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    ck_assert_ptr_null(mp_handle_memdup(handle, "", zero));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    char *string = print(handle, "%s %d", "number", 7);
    ck_assert_str_eq(string, "number 7");
    mp_free(mp, string);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    mp_detach(handle);
    mp_destroy(mp);
}
END_TEST

/* A report of missing memory begins with the name of the call. */
START_TEST(a_lack_of_memory_is_told_with_the_name_of_the_call)
{
    static _Alignas(16) unsigned char buffer[16384];
    static char text[9000];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing,
                            .report = pools_report,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    mp_handle_t *handle = mp_attach(mp);
    char *at = mp_allocate(mp, 9000);
    char message[100];

    ck_assert(handle != NULL && at != NULL);
    memset(text, 'x', sizeof text - 1);
#define UNTOLD(call, name)                                                 \
    do {                                                                   \
        pools_forget_reports();                                            \
        snprintf(message, sizeof message, "%s: malloc: %s", name,          \
                 strerror(ENOMEM));                                        \
        ck_assert_ptr_null(call);                                          \
        pools_expect_report(mp, MP_EVENT_NO_MEMORY, message, NULL,         \
                            ENOMEM);                                       \
    } while (0)
    UNTOLD(mp_allocate(mp, 9000), "mp_allocate");
    UNTOLD(mp_calloc(mp, 9, 1000), "mp_calloc");
    UNTOLD(mp_realloc(mp, at, 20000), "mp_realloc");
    UNTOLD(mp_reallocarray(mp, at, 20, 1000), "mp_reallocarray");
    UNTOLD(mp_aligned_alloc(mp, 64, 9000), "mp_aligned_alloc");
    UNTOLD(mp_aligned_realloc(mp, at, 64, 20000), "mp_aligned_realloc");
    UNTOLD(mp_strdup(mp, text), "mp_allocate");
    UNTOLD(mp_handle_allocate(handle, 9000), "mp_handle_allocate");
    UNTOLD(mp_handle_calloc(handle, 9, 1000), "mp_handle_calloc");
    UNTOLD(mp_handle_realloc(handle, at, 20000), "mp_handle_realloc");
    UNTOLD(mp_handle_aligned_alloc(handle, 64, 9000),
           "mp_handle_aligned_alloc");
    UNTOLD(mp_handle_aligned_realloc(handle, at, 64, 20000),
           "mp_handle_aligned_realloc");
    UNTOLD(mp_handle_strdup(handle, text), "mp_handle_allocate");
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growth");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

#define KINDS(test) tcase_add_loop_test(kinds, test, 0, pools_count)
#define THREE(test) tcase_add_loop_test(single, test, 0, 3)
    KINDS(the_size_that_was_asked_for_frees_an_object);
    THREE(a_wrong_size_is_reported_with_both_and_frees_nothing);
    THREE(mp_free_sized_refuses_what_mp_free_refuses);
    KINDS(an_object_grows_and_shrinks_where_it_stands);
    THREE(where_there_is_no_room_nothing_moves_and_nobody_is_told);
    THREE(mp_expand_refuses_what_mp_realloc_refuses);
    THREE(an_array_grows_unless_its_size_is_no_number);
    KINDS(an_aligned_object_stays_aligned_as_it_grows);
    THREE(mp_aligned_realloc_refuses_and_leaves_the_object);
    KINDS(a_new_object_has_its_type_and_is_zero);
    KINDS(a_handle_has_the_kin_of_all_that_a_thread_has);
    KINDS(what_a_handle_makes_goes_with_its_mark_and_no_other);
    THREE(a_lack_of_memory_is_told_with_the_name_of_the_call);
    THREE(without_a_handle_or_with_a_wrong_size_nothing_is_made);
    return support_run(suite);
}
