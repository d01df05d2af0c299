/* SPDX-License-Identifier: MIT
 *
 * check_hooks.c - a thread's current pool, and malloc()'s functions over it.
 *
 * On every kind of pool: an object is made in the current pool.  It is freed in
 * its own pool, whichever pool is current by then.  Without a current pool the
 * C library allocates.
 * hooks.sh has the libraries that these functions are for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <memory_pool_hooks.h>

#include "pools.h"
#include "threads.h"

static volatile size_t zero, most = SIZE_MAX;
static volatile unsigned much = 0xffffffffu;

START_TEST(uses_nest_and_tell_what_was_before)
{
    memory_pool_t *one = pools_make(_i);
    memory_pool_t *two = mp_create(NULL);

    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(mp_used());
    memory_pool_t *before = mp_use(one);
    ck_assert_ptr_null(before);
    ck_assert_ptr_eq(mp_used(), one);
    memory_pool_t *outer = mp_use(two);
    ck_assert_ptr_eq(outer, one);
    void *inner = mp_hook_malloc(10);
    ck_assert(mp_owns(two, inner));
    ck_assert_ptr_eq(mp_use(outer), two);
    void *object = mp_hook_malloc(10);
    ck_assert(mp_owns(one, object));
    mp_use(before);
    void *none = mp_hook_malloc(10);
    ck_assert_ptr_null(mp_owner(none));
    mp_hook_free(none);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    mp_destroy(two);
    pools_end(one, _i);
}
END_TEST

START_TEST(objects_are_resized_and_freed_where_they_are)
{
    memory_pool_t *mp = pools_make(_i);
    memory_pool_t *other = mp_create(NULL);
    memory_pool_t *const currents[] = {NULL, mp, other};

    errno = SUPPORT_ERRNO;
    for (size_t made = 0; made < 3; made++) {
        for (size_t size = 1; size < 300000; size = size * 3 + 1) {
            mp_use(currents[made]);
            unsigned char *at = mp_hook_malloc(size);
            POOLS_EXPECT(at != NULL && mp_owner(at) == currents[made]);
            support_fill(at, size, 3);
            for (size_t i = 0; i < 3; i++) {
                mp_use(currents[i]);
                at = mp_hook_realloc(at, size * (i + 2));
                POOLS_EXPECT(at != NULL && mp_owner(at) == currents[made]);
                POOLS_EXPECT(support_holds(at, size, 3));
            }
            mp_use(currents[size % 3]);
            mp_hook_free(at);
            POOLS_EXPECT(made == 0 || !mp_owns(currents[made], at));
        }
    }
    mp_use(NULL);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    ck_assert_uint_eq(pools_stats(other).live_objects, 0);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(other);
    pools_end(mp, _i);
}
END_TEST

START_TEST(they_are_what_the_c_library_has)
{
    memory_pool_t *mp = pools_make(_i);
    memory_pool_t *const currents[] = {NULL, mp};

    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < 2; i++) {
        mp_use(currents[i]);
        unsigned char *zeroed = mp_hook_calloc(100, 7);
        POOLS_EXPECT(zeroed != NULL);
        for (size_t k = 0; k < 700; k++) {
            POOLS_EXPECT(zeroed[k] == 0);
        }
        char *copy = mp_hook_strdup("text");
        ck_assert_str_eq(copy, "text");
        unsigned char *fresh = mp_hook_realloc(NULL, 50);
        void *empty[] = {mp_hook_malloc(zero), mp_hook_calloc(zero, 5),
                         mp_hook_calloc(5, zero), mp_hook_realloc(NULL, zero)};
        for (size_t k = 0; k < 4; k++) {
            POOLS_EXPECT(empty[k] != NULL);
            POOLS_EXPECT(mp_owner(empty[k]) == currents[i]);
            mp_hook_free(empty[k]);
        }
        /* It stays an object, unlike in some C libraries. */
        fresh = mp_hook_realloc(fresh, zero);
        POOLS_EXPECT(fresh != NULL);
        mp_hook_free(fresh);
        mp_hook_free(copy);
        mp_hook_free(zeroed);
        mp_hook_free(NULL);
    }
    mp_use(NULL);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(what_a_pool_has_not_is_refused)
{
    mp_options_t options = {.report = pools_report,
                            .capacity = 1000,
                            .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);

    mp_use(mp);
    char *at = mp_hook_malloc(600);
    ck_assert_ptr_nonnull(at);
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(mp_hook_malloc(500));
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_ptr_null(mp_hook_calloc(50, 10));
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_ptr_null(mp_hook_calloc(most, 10));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_hook_malloc(most));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_hook_realloc(at, 1001));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    mp_use(NULL);
    mp_hook_free(at + 16); /* in the pool, so not for free(3) */
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, at + 16,
                        EINVAL);
    ck_assert_ptr_null(mp_hook_realloc(at + 16, 20));
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, at + 16,
                        EINVAL);
    ck_assert(mp_owns(mp, at));
    ck_assert_uint_eq(pools_stats(mp).live_objects, 1);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_destroy(mp);
}
END_TEST

/* Each thread has a current pool of its own; objects go round. */
#define THREADS 4
static memory_pool_t *shared_pool;

static void *use_both(void *argument)
{
    memory_pool_t *own = mp_create(NULL);
    void *objects[100] = {NULL};
    uint64_t random = (uintptr_t)&random;
    size_t wrong = own == NULL || mp_used() != NULL;

    (void)argument;
    for (unsigned n = support_times(20000, 10); n > 0; n--) {
        size_t i = support_below(&random, 100);
        memory_pool_t *mp = i % 3 == 0 ? own : i % 3 == 1 ? shared_pool : NULL;
        mp_hook_free(objects[i]);
        mp_use(mp);
        objects[i] = mp_hook_malloc(1 + support_below(&random, 2000));
        wrong += objects[i] == NULL;
        mp_use(n % 2 == 0 ? own : NULL);
    }
    mp_use(NULL);
    for (size_t i = 0; i < 100; i++) {
        mp_hook_free(objects[i]);
    }
    wrong += pools_stats(own).live_objects;
    mp_destroy(own);
    return (void *)wrong;
}

START_TEST(threads_have_current_pools_of_their_own)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};

    shared_pool = mp_create(&options);
    mp_use(shared_pool);
    ck_assert_uint_eq(threads_run(THREADS, use_both, NULL, 0), 0);
    ck_assert_ptr_eq(mp_use(NULL), shared_pool);
    ck_assert_uint_eq(pools_stats(shared_pool).live_objects, 0);
    ck_assert_int_eq(mp_check(shared_pool), 0);
    mp_destroy(shared_pool);
}
END_TEST

/* The functions that a pool is handed to, as their libraries call them. */
START_TEST(a_pool_that_is_handed_over_serves)
{
    memory_pool_t *mp = pools_make(_i);
    struct stream {
        void *(*zalloc)(void *opaque, unsigned count, unsigned size);
        void (*zfree)(void *opaque, void *ptr);
        void *opaque;
    } zlib;
    struct {
        void *mem_user_data;
        void *(*malloc)(size_t size, void *mp);
        void (*free)(void *ptr, void *mp);
        void *(*calloc)(size_t count, size_t size, void *mp);
        void *(*realloc)(void *ptr, size_t size, void *mp);
    } nghttp2 = MP_HOOKS_NGHTTP2(mp);

    MP_HOOKS_ZLIB(&zlib, mp);
    void *stream = zlib.zalloc(zlib.opaque, 10, 20);
    POOLS_EXPECT(mp_owns(mp, stream) && mp_usable_size(mp, stream) >= 200);
    POOLS_EXPECT(zlib.zalloc(zlib.opaque, much, much) == NULL);
    zlib.zfree(zlib.opaque, stream);
    zlib.zfree(zlib.opaque, NULL);
    char *bytes = nghttp2.calloc(zero, 7, mp);
    bytes = nghttp2.realloc(bytes, 5000, mp);
    POOLS_EXPECT(mp_usable_size(mp, bytes) >= 5000);
    nghttp2.free(bytes, mp);
    bytes = nghttp2.malloc(zero, mp);
    POOLS_EXPECT(mp_owns(mp, bytes));
    nghttp2.free(nghttp2.realloc(bytes, zero, mp), mp);
    char *state = mp_hooks_lua(mp, NULL, 5, 100);
    memset(state, 1, 100);
    state = mp_hooks_lua(mp, state, 100, 5000);
    POOLS_EXPECT(state[99] == 1);
    POOLS_EXPECT(mp_hooks_lua(mp, state, 5000, 10) != NULL);
    POOLS_EXPECT(mp_hooks_lua(mp, NULL, 0, 0) == NULL);
    mp_reset(mp);
    mp_use(mp);
    char *row = mp_hooks_sqlite_malloc(100);
    POOLS_EXPECT(mp_hooks_sqlite_size(row) == 100);
    row[99] = 7;
    row = mp_hooks_sqlite_realloc(row, 20000);
    POOLS_EXPECT(mp_hooks_sqlite_size(row) == 20000 && row[99] == 7);
    POOLS_EXPECT(mp_hooks_sqlite_roundup(9) == 16);
    POOLS_EXPECT(mp_hooks_sqlite_size(NULL) == 0);
    mp_hooks_sqlite_free(row);
    mp_hooks_sqlite_free(NULL);
    mp_use(NULL);
    ck_assert_uint_eq(pools_stats(mp).live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hooks");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, uses_nest_and_tell_what_was_before, 0,
                        pools_count);
    tcase_add_loop_test(kinds, objects_are_resized_and_freed_where_they_are, 0,
                        pools_count);
    tcase_add_loop_test(kinds, they_are_what_the_c_library_has, 0,
                        pools_count);
    tcase_add_loop_test(kinds, a_pool_that_is_handed_over_serves, 0,
                        pools_count);
    tcase_add_loop_test(single, what_a_pool_has_not_is_refused, 0, 3);
    tcase_add_loop_test(single, threads_have_current_pools_of_their_own, 0, 2);
    return support_run(suite);
}
