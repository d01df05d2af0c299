/* SPDX-License-Identifier: MIT
 *
 * check_wrong_marks.c - a rewind to what is no open mark of the caller's.
 *
 * Marks of another pool, thread or handle, marks that are gone, and numbers
 * that never were one: each is refused, reported, and changes nothing.
 */
#include <stdlib.h>

#include "scopes.h"

/* Refused, reported, and nothing is changed. */
static void expect_no_mark(struct scopes *scopes, mp_handle_t *handle,
                           mp_mark_t mark)
{
    pools_forget_reports();
    scopes_refused(scopes->mp, handle, mark);
    pools_expect_report(scopes->mp, MP_EVENT_MARK, "no such mark", NULL,
                        EINVAL);
    scopes_verify(scopes);
}

static void *mark_in_thread(void *argument)
{
    struct scopes *scopes = argument;
    mp_mark_t *mark = malloc(sizeof *mark);

    POOLS_EXPECT(mark != NULL);
    *mark = mp_mark(scopes->mp);
    return mark;
}

START_TEST(a_wrong_mark_is_refused_and_changes_nothing)
{
    mp_options_t options = {.threads = _i < 2 ? (mp_threads_t)_i : 0,
                            .capacity = _i == 2 ? SCOPES_CAPACITY : 0,
                            .report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(&options);
    struct scopes *scopes = scopes_new(mp, 0, 6);
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t elsewhere = mp_mark(other);
    mp_mark_t handles, none = {0};
    void *threads;

    ck_assert(mp != NULL && other != NULL && handle != NULL);
    scopes_allocate_size(scopes, 20);
    expect_no_mark(scopes, NULL, none); /* before there is any */
    expect_no_mark(scopes, handle, none);
    expect_no_mark(scopes, NULL, elsewhere);
    scopes_mark(scopes);
    scopes_allocate_size(scopes, 30);
    scopes_mark(scopes);
    scopes_allocate_size(scopes, 40);
    handles = mp_handle_mark(handle);
    ck_assert_int_eq(pthread_join(support_start(mark_in_thread, scopes),
                                  &threads), 0);
    expect_no_mark(scopes, NULL, none);
    expect_no_mark(scopes, NULL, handles);
    expect_no_mark(scopes, NULL, *(mp_mark_t *)threads);
    expect_no_mark(scopes, handle, *(mp_mark_t *)threads);
    expect_no_mark(scopes, handle, scopes->marks[0]);
    for (unsigned bit = 0; bit < 64; bit++) {
        mp_mark_t wrong = scopes->marks[0];
        wrong.number ^= (uint64_t)1 << bit;
        if (wrong.number != scopes->marks[1].number) {
            expect_no_mark(scopes, NULL, wrong);
        }
    }
    mp_mark_t used = scopes->marks[1];
    scopes_rewind(scopes, 1);
    expect_no_mark(scopes, NULL, used);
    used = scopes->marks[0];
    scopes_rewind(scopes, 0);
    expect_no_mark(scopes, NULL, used);
    ck_assert_int_eq(mp_handle_rewind(handle, handles), 0);
    expect_no_mark(scopes, handle, handles);
    scopes_mark(scopes);
    used = scopes->marks[0];
    handles = mp_handle_mark(handle);
    scopes_reset(scopes);
    scopes_mark(scopes);
    expect_no_mark(scopes, NULL, used);
    expect_no_mark(scopes, handle, handles);
    mp_detach(handle);
    free(threads);
    free(scopes);
    destroy_memory_pool(other);
    destroy_memory_pool(mp);
}
END_TEST

/* A silent pool says nothing but errno; and without a pool nothing is said. */
START_TEST(a_silent_pool_refuses_a_wrong_mark_by_errno_alone)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_mark_t mark = mp_mark(mp), none = {0};

    support_capture();
    scopes_refused(mp, NULL, none);
    scopes_refused(NULL, NULL, mark);
    scopes_refused(NULL, NULL, none);
    SUPPORT_REFUSED(mp_mark(NULL).number, 0);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    scopes_refused(mp, NULL, mark);
    support_release_lines("", 0);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wrong marks");
    TCase *marks = support_case(suite, "marks");

    tcase_add_loop_test(marks, a_wrong_mark_is_refused_and_changes_nothing, 0,
                        3);
    tcase_add_test(marks, a_silent_pool_refuses_a_wrong_mark_by_errno_alone);
    return support_run(suite);
}
