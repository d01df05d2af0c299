/* SPDX-License-Identifier: MIT
 *
 * check_names.c - the base functions by their names with a prefix.
 *
 * On every kind of pool they do what the base functions do; where something is
 * NULL they print nothing, and mp_free() takes NULL for nothing to do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"

/* The compiler may know what NULL is not for. */
static void *volatile nothing;

START_TEST(a_pool_lives_by_the_prefixed_names_alone)
{
    memory_pool_t *mp = pools_make(_i);
    char *objects[100];

    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < 100; i++) {
        objects[i] = mp_allocate(mp, i * 40 + 1);
        POOLS_EXPECT(objects[i] != NULL && mp_owns(mp, objects[i]));
        POOLS_EXPECT(!mp_owns(mp, objects[i] + 1));
    }
    for (size_t i = 0; i < 100; i += 2) {
        mp_free(mp, objects[i]);
        POOLS_EXPECT(!mp_owns(mp, objects[i]));
        POOLS_EXPECT(mp_owns(mp, objects[i + 1]));
    }
    mp_reset(mp);
    POOLS_EXPECT(!mp_owns(mp, objects[1]));
    mp_stats_t stats;
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    ck_assert_uint_eq(stats.resets, 1);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_free_of_null_does_nothing)
{
    memory_pool_t *mp = pools_make(_i);
    char *object = mp_allocate(mp, 10);

    pools_forget_reports();
    support_capture();
    errno = SUPPORT_ERRNO;
    mp_free(mp, nothing);
    mp_free(nothing, nothing);
    mp_free_sized(mp, nothing, 10);
    ck_assert(!mp_owns(mp, nothing));
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    support_release_lines("", 0);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert(mp_owns(mp, object));
    ck_assert_int_eq(mp_check(mp), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(where_there_is_no_pool_errno_says_so_and_nothing_is_printed)
{
    int local;

    support_capture();
    errno = 0;
    mp_free(nothing, &local);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_destroy(nothing);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_reset(nothing);
    ck_assert_int_eq(errno, EINVAL);
    SUPPORT_REFUSED(mp_owns(nothing, &local), false);
    SUPPORT_REFUSED(mp_owns(nothing, nothing), false);
    support_release_lines("", 0);
}
END_TEST

START_TEST(a_wrong_address_is_reported_and_changes_nothing)
{
    mp_options_t options = {.report = pools_report,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(&options);
    int local;
    char *object = mp_allocate(mp, 50);
    char *freed = mp_allocate(mp, 50);
    char *foreign = mp_allocate(other, 50);

    mp_free(mp, freed);
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    void *const wrong[] = {&local, object + 16, object + 1, freed, foreign};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mp_free(mp, wrong[i]);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                            wrong[i], EINVAL);
        ck_assert(!mp_owns(mp, wrong[i]));
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
    }
    ck_assert(mp_owns(mp, object) && mp_owns(other, foreign));
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(other);
    mp_destroy(mp);
}
END_TEST

/* A cleanup that would end its own pool is refused by these names, too. */
static memory_pool_t *cleaned;
static int cleanup_error[2];

static void end_own_pool(void *arg)
{
    (void)arg;
    errno = 0;
    mp_reset(cleaned);
    cleanup_error[0] = errno;
    errno = 0;
    mp_destroy(cleaned);
    cleanup_error[1] = errno;
}

START_TEST(cleanups_run_and_cannot_end_their_own_pool)
{
    cleaned = mp_create(NULL);
    ck_assert_int_eq(mp_add_cleanup(cleaned, end_own_pool, NULL), 0);
    mp_reset(cleaned);
    ck_assert_int_eq(cleanup_error[0], EBUSY);
    ck_assert_int_eq(cleanup_error[1], EBUSY);
    memset(cleanup_error, 0, sizeof cleanup_error);
    ck_assert_int_eq(mp_add_cleanup(cleaned, end_own_pool, NULL), 0);
    mp_destroy(cleaned);
    ck_assert_int_eq(cleanup_error[0], EBUSY);
    ck_assert_int_eq(cleanup_error[1], EBUSY);
}
END_TEST

START_TEST(the_base_pool_takes_both_kinds_of_name)
{
    memory_pool_t *mp = init_memory_pool();
    int local;

    ck_assert_ptr_nonnull(mp);
    void *one = mp_allocate(mp, 8);
    void *two = mp_allocate(mp, 8);
    mp_free(mp, one);
    free_memory(mp, two);
    support_capture();
    mp_free(mp, &local);
    support_release_lines(SUPPORT_NOT_IN_POOL, 1);
    support_capture();
    mp_free(mp, nothing);
    ck_assert(!mp_owns(mp, nothing));
    support_release_lines("", 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, MAX_BLOCK_SIZE));
    mp_reset(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, MAX_BLOCK_SIZE));
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, a_pool_lives_by_the_prefixed_names_alone, 0,
                        pools_count);
    tcase_add_loop_test(kinds, mp_free_of_null_does_nothing, 0, pools_count);
    tcase_add_test(
        single, where_there_is_no_pool_errno_says_so_and_nothing_is_printed);
    tcase_add_loop_test(single, a_wrong_address_is_reported_and_changes_nothing,
                        0, 3);
    tcase_add_test(single, cleanups_run_and_cannot_end_their_own_pool);
    tcase_add_test(single, the_base_pool_takes_both_kinds_of_name);
    return support_run(suite);
}
