/* SPDX-License-Identifier: MIT
 *
 * check_failure.c - failure functions, which are called when an object cannot
 * be had.
 *
 * A failure function may free objects and have the pool try again, give up, or
 * leave by longjmp().  Each call that allocates calls it, with the size that it
 * could not get.  If the failure function leaves, the allocating call has done
 * nothing.  check_hpp.cc has one that leaves by an exception.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <memory_pool_hooks.h>

#include "pools.h"
#include "threads.h"

/* What the function has to do, and what it was told. */
static struct {
    void *spare; /* frees this and asks for another try; NULL: says no */
    jmp_buf *jump;
    unsigned calls;
    memory_pool_t *mp;
    size_t size;
    int error;
} failure;

static bool failed(memory_pool_t *mp, size_t size, int error, void *context)
{
    POOLS_EXPECT(context == &failure);
    failure.calls++;
    failure.mp = mp;
    failure.size = size;
    failure.error = error;
    POOLS_EXPECT(mp_check(mp) == 0); /* hangs where a lock is held */
    if (failure.jump != NULL) {
        longjmp(*failure.jump, 1);
    }
    if (failure.spare == NULL) {
        return false;
    }
    mp_free(mp, failure.spare);
    failure.spare = NULL;
    errno = 7; /* as a function may */
    return true;
}

/* The calls that make an object of 500 bytes. */
enum {
    ALLOCATE, CALLOC, REALLOC, REALLOCARRAY, ALIGNED, ALIGNED_REALLOC, STRNDUP,
    MEMDUP, ASPRINTF, APPEND, HANDLE, HANDLE_CALLOC, HANDLE_REALLOC, HOOK,
    HOOK_CALLOC, HOOK_REALLOC, GROW, GROW_ALIGNED, WAYS
};

static char text[500];

/* small is an object that the last two may resize. */
static void *make(memory_pool_t *mp, mp_handle_t *handle, int way, void *small)
{
    mp_string_t string = {0};
    void *object = NULL;

    mp_use(mp);
    switch (way) {
    case ALLOCATE: object = mp_allocate(mp, 500); break;
    case CALLOC: object = mp_calloc(mp, 5, 100); break;
    case REALLOC: object = mp_realloc(mp, NULL, 500); break;
    case REALLOCARRAY: object = mp_reallocarray(mp, NULL, 100, 5); break;
    case ALIGNED: object = mp_aligned_alloc(mp, 64, 500); break;
    case ALIGNED_REALLOC:
        object = mp_aligned_realloc(mp, NULL, 64, 500);
        break;
    case STRNDUP: object = mp_strndup(mp, text, 499); break;
    case MEMDUP: object = mp_memdup(mp, text, 500); break;
    case ASPRINTF: object = mp_asprintf(mp, "%s", text); break;
    case APPEND:
        object = mp_append_printf(mp, &string, "%s", text) == 0 ? string.bytes
                                                                : NULL;
        break;
    case HANDLE: object = mp_handle_allocate(handle, 500); break;
    case HANDLE_CALLOC: object = mp_handle_calloc(handle, 1, 500); break;
    case HANDLE_REALLOC: object = mp_handle_realloc(handle, NULL, 500); break;
    case HOOK: object = mp_hook_malloc(500); break;
    case HOOK_CALLOC: object = mp_hook_calloc(50, 10); break;
    case HOOK_REALLOC: object = mp_hook_realloc(small, 500); break;
    case GROW: object = mp_realloc(mp, small, 500); break;
    default: object = mp_aligned_realloc(mp, small, 64, 500); break;
    }
    mp_use(NULL);
    return object;
}

/* A pool of 1090 bytes in which 500 cannot be had until spare is freed. */
struct full {
    memory_pool_t *mp;
    mp_handle_t *handle;
    void *spare;
    char *small;
};

static struct full fill(int i)
{
    mp_options_t options = {.capacity = 1090,
                            .report = pools_report,
                            .threads = (mp_threads_t)(i % 3)};
    struct full full = {.mp = mp_create(&options)};

    POOLS_EXPECT(full.mp != NULL);
    full.handle = mp_attach(full.mp);
    memset(text, 'x', sizeof text - 1);
    full.spare = mp_allocate(full.mp, 600);
    full.small = mp_allocate(full.mp, 20);
    strcpy(full.small, "small");
    memset(&failure, 0, sizeof failure);
    ck_assert_int_eq(mp_set_failure(full.mp, failed, &failure), 0);
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    return full;
}

static void end(struct full *full)
{
    ck_assert_int_eq(mp_check(full->mp), 0);
    mp_detach(full->handle);
    mp_destroy(full->mp);
}

START_TEST(what_it_frees_makes_the_call_succeed)
{
    int way = _i / 3;
    struct full full = fill(_i);

    failure.spare = full.spare;
    char *object = make(full.mp, full.handle, way, full.small);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(failure.calls, 1);
    ck_assert_ptr_eq(failure.mp, full.mp);
    ck_assert_uint_eq(failure.size, 500);
    ck_assert_int_eq(failure.error, ENOBUFS);
    ck_assert_uint_eq(pools_reported.count, 0);
    mp_stats_t stats;
    mp_stats(full.mp, &stats);
    ck_assert_uint_eq(stats.refused_full, 0);
    if (way == GROW || way == GROW_ALIGNED || way == HOOK_REALLOC) {
        ck_assert_str_eq(object, "small");
    }
    end(&full);
}
END_TEST

START_TEST(where_it_says_no_the_call_fails_as_without_it)
{
    struct full full = fill(_i);

    ck_assert_ptr_null(make(full.mp, full.handle, _i / 3, full.small));
    pools_expect_report(full.mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_uint_eq(failure.calls, 1);
    mp_stats_t stats;
    mp_stats(full.mp, &stats);
    ck_assert_uint_eq(stats.refused_full, 1);
    ck_assert_uint_eq(stats.live_bytes, 620);
    ck_assert_str_eq(full.small, "small");
    /* Nobody is asked about what the pool never takes. */
    ck_assert_ptr_null(mp_allocate(full.mp, 1101));
    ck_assert_uint_eq(failure.calls, 1);
    ck_assert_int_eq(mp_set_failure(full.mp, NULL, NULL), 0);
    ck_assert_ptr_null(make(full.mp, full.handle, _i / 3, full.small));
    ck_assert_uint_eq(failure.calls, 1);
    end(&full);
}
END_TEST

START_TEST(a_call_that_it_jumps_out_of_has_done_nothing)
{
    struct full full = fill(_i);
    jmp_buf jump;

    failure.jump = &jump;
    if (setjmp(jump) == 0) {
        (void)make(full.mp, full.handle, _i / 3, full.small);
        ck_abort_msg("it did not jump");
    }
    mp_use(NULL);
    mp_stats_t stats;
    mp_stats(full.mp, &stats);
    ck_assert_uint_eq(stats.refused_full, 0);
    ck_assert_uint_eq(stats.live_bytes, 620);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_str_eq(full.small, "small");
    failure.jump = NULL;
    failure.spare = full.spare;
    ck_assert_ptr_nonnull(make(full.mp, full.handle, _i / 3, full.small));
    end(&full);
}
END_TEST

START_TEST(it_is_asked_for_an_expansion_that_is_too_much_for_the_pool)
{
    static _Alignas(16) unsigned char buffer[8192];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.capacity = 2000,
                            .backing = &backing, /* one block */
                            .report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    char *first = mp_allocate(mp, 100);
    char *object = mp_allocate(mp, 100);
    void *behind = mp_allocate(mp, 1400);

    memset(&failure, 0, sizeof failure);
    mp_set_failure(mp, failed, &failure);
    pools_forget_reports();
    strcpy(object, "text");
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_expand(mp, object, 1000), -1);
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_uint_eq(failure.calls, 1);
    ck_assert_uint_eq(failure.size, 1000);
    ck_assert_int_eq(failure.error, ENOBUFS);
    /* That what is behind an object is in use is no lack of anything. */
    ck_assert_int_eq(mp_expand(mp, first, 300), -1);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(failure.calls, 1);
    failure.spare = behind;
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_expand(mp, object, 1000), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(failure.calls, 2);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_str_eq(object, "text");
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_backing_without_memory_is_asked_about)
{
    static unsigned char buffer[8192];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    memset(&failure, 0, sizeof failure);
    mp_set_failure(mp, failed, &failure);
    failure.spare = mp_allocate(mp, 3000);
    ck_assert_ptr_nonnull(failure.spare);
    while (failure.calls == 0) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
    }
    ck_assert_int_eq(failure.error, ENOMEM);
    ck_assert_uint_eq(failure.size, 1000);
    mp_destroy(mp);
}
END_TEST

START_TEST(no_pool_has_one_that_another_was_given)
{
    errno = 0;
    ck_assert_int_eq(mp_set_failure(NULL, failed, &failure), -1);
    ck_assert_int_eq(errno, EINVAL);
    memset(&failure, 0, sizeof failure);
    /* One that is kept and made again is a new one. */
    for (int i = 0; i < 40; i++) {
        memory_pool_t *mp = mp_create(NULL);
        ck_assert_ptr_null(mp_allocate(mp, SIZE_MAX / 2));
        ck_assert_uint_eq(failure.calls, 0);
        mp_set_failure(mp, failed, &failure);
        ck_assert_ptr_null(mp_allocate(mp, SIZE_MAX / 2));
        ck_assert_uint_eq(failure.calls, 1);
        failure.calls = 0;
        mp_destroy(mp);
    }
    memory_pool_t *parent = mp_create(NULL);
    mp_set_failure(parent, failed, &failure);
    mp_options_t options = {.parent = parent};
    memory_pool_t *child = mp_create(&options);
    ck_assert_ptr_null(mp_allocate(child, SIZE_MAX / 2));
    ck_assert_uint_eq(failure.calls, 0);
    mp_destroy(parent);
}
END_TEST

/* Threads fill one pool, and each gives one of its own back when asked. */
#define THREADS 4
static _Thread_local void *own;

static bool give_own(memory_pool_t *mp, size_t size, int error, void *context)
{
    void *object = own;

    (void)size;
    (void)error;
    (void)context;
    own = NULL;
    mp_free(mp, object);
    return object != NULL;
}

static void *fill_and_give(void *argument)
{
    memory_pool_t *mp = argument;
    size_t wrong = 0;

    for (unsigned n = support_times(20000, 10); n > 0; n--) {
        void *object = mp_allocate(mp, 100);
        if (object != NULL && own == NULL) {
            own = object;
        } else {
            mp_free(mp, object);
        }
    }
    mp_free(mp, own);
    own = NULL;
    return (void *)wrong;
}

START_TEST(threads_are_asked_for_themselves)
{
    mp_options_t options = {.capacity = 450, .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);

    mp_set_failure(mp, give_own, NULL);
    ck_assert_uint_eq(threads_run(THREADS, fill_and_give, mp, 0), 0);
    mp_stats_t stats;
    mp_stats(mp, &stats);
    ck_assert_uint_eq(stats.live_objects, 0);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failure");
    TCase *ways = support_case(suite, "ways");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(ways, what_it_frees_makes_the_call_succeed, 0,
                        3 * WAYS);
    tcase_add_loop_test(ways, where_it_says_no_the_call_fails_as_without_it, 0,
                        3 * WAYS);
    tcase_add_loop_test(ways, a_call_that_it_jumps_out_of_has_done_nothing, 0,
                        3 * WAYS);
    tcase_add_test(single,
                   it_is_asked_for_an_expansion_that_is_too_much_for_the_pool);
    tcase_add_test(single, a_backing_without_memory_is_asked_about);
    tcase_add_test(single, no_pool_has_one_that_another_was_given);
    tcase_add_loop_test(single, threads_are_asked_for_themselves, 0, 2);
    return support_run(suite);
}
