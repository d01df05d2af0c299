/* SPDX-License-Identifier: MIT
 *
 * check_mark_cleanups.c - cleanups that belong to a mark.
 *
 * On every kind of pool: a rewind calls those of its mark and of the ones
 * within it, the newest first and with all objects live, and no others; what
 * comes before the rewind calls them, too; each is called once.
 */
#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include "pools.h"

/* What was called, in its order. */
static char called[64];
static size_t count;

static void note(void *arg)
{
    POOLS_EXPECT(count < sizeof called - 1);
    called[count++] = *(const char *)arg;
    errno = 5; /* as a function may */
}

/* Each cleanup notes a letter; what was noted is compared and forgotten. */
static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static void add(memory_pool_t *mp, mp_mark_t mark, char letter)
{
    POOLS_EXPECT(mp_add_mark_cleanup(mp, mark, note,
                                     &letters[letter - 'a']) == 0);
}

static void expect_called(const char *right)
{
    called[count] = '\0';
    ck_assert_str_eq(called, right);
    count = 0;
}

START_TEST(a_rewind_calls_the_cleanups_of_its_mark_and_those_within)
{
    memory_pool_t *mp = pools_make(_i);

    errno = SUPPORT_ERRNO;
    mp_mark_t outer = mp_mark(mp);
    ck_assert(!MP_MARK_FAILED(outer));
    add(mp, outer, 'a');
    POOLS_EXPECT(mp_add_cleanup(mp, note, &letters[25]) == 0);
    mp_mark_t middle = mp_mark(mp);
    add(mp, middle, 'b');
    mp_mark_t inner = mp_mark(mp);
    add(mp, inner, 'c');
    add(mp, outer, 'd');
    add(mp, middle, 'e');
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_rewind(mp, middle), 0);
    expect_called("ecb");
    ck_assert_int_eq(mp_rewind(mp, outer), 0);
    expect_called("da");
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_reset(mp);
    expect_called("z");
    pools_end(mp, _i);
    expect_called("");
}
END_TEST

START_TEST(a_reset_or_the_end_calls_them_where_it_comes_first)
{
    memory_pool_t *mp = pools_make(_i);
    mp_mark_t mark = mp_mark(mp);

    add(mp, mark, 'a');
    POOLS_EXPECT(mp_add_cleanup(mp, note, &letters[1]) == 0);
    add(mp, mark, 'c');
    mp_reset(mp);
    expect_called("cba");
    SUPPORT_REFUSED(mp_rewind(mp, mark), -1);
    expect_called("");
    mark = mp_mark(mp);
    add(mp, mark, 'd');
    ck_assert_int_eq(mp_remove_cleanup(mp, note, &letters[3]), 0);
    add(mp, mark, 'e');
    add(mp, mark, 'f');
    pools_end(mp, _i);
    expect_called("fe");
}
END_TEST

/* Threads and handles have marks of their own. */
static void *other_thread(void *argument)
{
    memory_pool_t *mp = argument;
    mp_mark_t mark = mp_mark(mp);

    add(mp, mark, 'x');
    return (void *)(size_t)(mp_rewind(mp, mark) != 0);
}

START_TEST(the_marks_of_others_keep_their_cleanups)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t own = mp_mark(mp);
    mp_mark_t handles = mp_handle_mark(handle);

    add(mp, own, 'a');
    POOLS_EXPECT(mp_handle_add_mark_cleanup(handle, handles, note,
                                            &letters[1]) == 0);
    pthread_t thread = support_start(other_thread, mp);
    support_join(thread);
    expect_called("x");
    ck_assert_int_eq(mp_rewind(mp, own), 0);
    expect_called("a");
    ck_assert_int_eq(mp_handle_rewind(handle, handles), 0);
    expect_called("b");
    mp_detach(handle);
    mp_destroy(mp);
    expect_called("");
}
END_TEST

static struct {
    memory_pool_t *mp;
    void *object;
    jmp_buf jump;
} used;

static void use_pool(void *arg)
{
    note(arg);
    POOLS_EXPECT(mp_owns(used.mp, used.object)); /* still live */
    POOLS_EXPECT(mp_allocate(used.mp, 100) != NULL);
    POOLS_EXPECT(mp_check(used.mp) == 0);
}

static void jump_away(void *arg)
{
    note(arg);
    longjmp(used.jump, 1);
}

START_TEST(a_cleanup_uses_its_pool_and_may_leave_by_longjmp)
{
    memory_pool_t *mp = pools_make(_i);
    mp_mark_t mark = mp_mark(mp);

    used.mp = mp;
    used.object = mp_allocate(mp, 500);
    POOLS_EXPECT(mp_add_mark_cleanup(mp, mark, use_pool, letters) == 0);
    POOLS_EXPECT(mp_add_mark_cleanup(mp, mark, jump_away, letters + 1) == 0);
    if (setjmp(used.jump) == 0) {
        mp_rewind(mp, mark);
        ck_abort_msg("it did not jump");
    }
    expect_called("b");
    ck_assert(mp_owns(mp, used.object)); /* the mark is still open */
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    expect_called("a");
    mp_stats_t stats;
    mp_stats(mp, &stats);
    ck_assert_uint_eq(stats.live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

/* What a cleanup may add in one rewind. */
#define ENDLESS 65536u

static memory_pool_t *adding;
static mp_mark_t added_to;
static unsigned added;

static void add_itself(void *arg)
{
    added++;
    POOLS_EXPECT(added <= 3 * ENDLESS);
    POOLS_EXPECT(mp_add_mark_cleanup(adding, added_to, add_itself, arg) == 0);
}

START_TEST(cleanups_that_add_cleanups_without_end_are_stopped)
{
    const mp_options_t options = {.threads = (mp_threads_t)_i,
                                  .report = pools_report};

    adding = mp_create(&options);
    mp_mark_t outer = mp_mark(adding);
    add(adding, outer, 'o');
    added_to = mp_mark(adding);
    add(adding, added_to, 'z');
    add_itself(NULL);
    added = 0;
    pools_reported.count = 0;
    ck_assert_int_eq(mp_rewind(adding, added_to), 0);
    ck_assert_uint_eq(added, ENDLESS + 1);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_CLEANUP);
    ck_assert_str_eq(pools_reported.message,
                     "cleanups add cleanups without end");
    /* What was there before is called all the same. */
    expect_called("z");
    ck_assert_int_eq(mp_rewind(adding, outer), 0);
    expect_called("o");
    ck_assert_int_eq(mp_check(adding), 0);
    mp_destroy(adding);
    expect_called("");
}
END_TEST

START_TEST(what_is_no_mark_of_the_callers_is_refused)
{
    mp_options_t options = {.report = pools_report,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(&options);
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t gone = mp_mark(mp);
    mp_mark_t foreign = mp_mark(other);
    mp_mark_t handles = mp_handle_mark(handle);
    mp_mark_t mark = mp_mark(mp);

    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert_int_eq(mp_rewind(mp, gone), 0);
    ck_assert(MP_MARK_FAILED((mp_mark_t){0}));
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    const mp_mark_t wrong[] = {{0}, gone, foreign, handles, {UINT64_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(mp_add_mark_cleanup(mp, wrong[i], note, letters), -1);
        pools_expect_report(mp, MP_EVENT_MARK, "no such mark", NULL, EINVAL);
    }
    ck_assert_int_eq(mp_handle_add_mark_cleanup(handle, mark, note, letters),
                     -1);
    pools_expect_report(mp, MP_EVENT_MARK, "no such mark", NULL, EINVAL);
    ck_assert_int_eq(mp_add_mark_cleanup(other, foreign, NULL, letters), -1);
    pools_expect_report(other, MP_EVENT_CLEANUP, "the cleanup is NULL", NULL,
                        EINVAL);
    SUPPORT_REFUSED(mp_add_mark_cleanup(NULL, mark, note, letters), -1);
    SUPPORT_REFUSED(mp_handle_add_mark_cleanup(NULL, mark, note, letters), -1);
    /* A rewind that is refused calls nothing, also of later marks. */
    mp_mark_t later = mp_mark(mp);
    add(mp, later, 'a');
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(mp_rewind(mp, wrong[i]), -1);
        pools_expect_report(mp, MP_EVENT_MARK, "no such mark", NULL, EINVAL);
    }
    expect_called("");
    mp_destroy(other);
    mp_destroy(mp);
    expect_called("a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mark_cleanups");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(
        kinds, a_rewind_calls_the_cleanups_of_its_mark_and_those_within, 0,
        pools_count);
    tcase_add_loop_test(kinds,
                        a_reset_or_the_end_calls_them_where_it_comes_first, 0,
                        pools_count);
    tcase_add_loop_test(kinds,
                        a_cleanup_uses_its_pool_and_may_leave_by_longjmp, 0,
                        pools_count);
    tcase_add_loop_test(single, the_marks_of_others_keep_their_cleanups, 0, 2);
    tcase_add_loop_test(single,
                        cleanups_that_add_cleanups_without_end_are_stopped, 0,
                        2);
    tcase_add_loop_test(single, what_is_no_mark_of_the_callers_is_refused, 0,
                        3);
    return support_run(suite);
}
