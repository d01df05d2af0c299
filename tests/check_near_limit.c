/* SPDX-License-Identifier: MIT
 *
 * check_near_limit.c - functions that are called when a pool is nearly full.
 *
 * A near-limit function is called once as use reaches the bytes that were set,
 * and again after use was less; for a pool and for those above it, by each call
 * that allocates, with no lock held.  It may free, allocate, change the limit
 * or leave by longjmp().  check_hpp.cc has one that leaves by an exception.
 */
#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include <memory_pool_hooks.h>

#include "pools.h"
#include "threads.h"

#define THREADS 4u

/* Bytes that a cache may have borrowed, and a bound on them for one user. */
#define BORROWED 65536u

static struct {
    unsigned calls;
    memory_pool_t *mp;
    size_t used;
    void *spare; /* freed */
    size_t raise; /* a new capacity; 0: none */
    jmp_buf *jump;
} near;

static void told(memory_pool_t *mp, size_t used, void *context)
{
    POOLS_EXPECT(context == &near);
    near.calls++;
    near.mp = mp;
    near.used = used;
    POOLS_EXPECT(mp_check(mp) == 0); /* hangs where a lock is held */
    mp_free(mp, near.spare);
    near.spare = NULL;
    if (near.raise != 0) {
        POOLS_EXPECT(mp_set_capacity(mp, near.raise) == 0);
    }
    errno = 7; /* as a function may */
    if (near.jump != NULL) {
        longjmp(*near.jump, 1);
    }
}

/* Without caches use is known to the byte. */
static const mp_options_t kinds[] = {
    {.capacity = 1000000, .report = pools_report},
    {.capacity = 1000000, .threads = MP_THREADS_LOCKED,
     .report = pools_report},
    {.capacity = 1000000, .threads = MP_THREADS_NONE, .report = pools_report},
    {.capacity = 1000000, .flags = MP_ZERO_ON_FREE, .report = pools_report},
    {.capacity = 1000000, .flags = MP_POISON, .report = pools_report},
    {.capacity = 1000000, .backing = &mp_backing_mmap,
     .report = pools_report},
};
#define KINDS (int)(sizeof kinds / sizeof kinds[0])

static memory_pool_t *make(int kind)
{
    memory_pool_t *mp = mp_create(&kinds[kind]);

    ck_assert_ptr_nonnull(mp);
    memset(&near, 0, sizeof near);
    pools_forget_reports();
    return mp;
}

START_TEST(it_is_called_once_and_armed_again_below)
{
    memory_pool_t *mp = make(_i);
    void *objects[16];

    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_set_near_limit(mp, 500000, told, &near), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < 16; i++) {
            objects[i] = mp_allocate(mp, 50000);
            POOLS_EXPECT(objects[i] != NULL);
            ck_assert_int_eq(errno, SUPPORT_ERRNO);
            size_t held = (i + 1) * 50000;
            POOLS_EXPECT(held < 500000 || near.calls == round);
            POOLS_EXPECT(held + BORROWED >= 500000 ||
                         near.calls == round - 1);
        }
        POOLS_EXPECT(near.mp == mp);
        POOLS_EXPECT(near.used >= 500000 && near.used <= 500000 + BORROWED);
        for (unsigned i = 0; i < 16; i++) {
            mp_free(mp, objects[i]);
        }
    }
    ck_assert_int_eq(mp_set_near_limit(mp, 0, NULL, NULL), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 900000));
    ck_assert_uint_eq(near.calls, 3);
    mp_destroy(mp);
}
END_TEST

/* Small objects come the short way, which asks nobody. */
START_TEST(small_objects_are_not_too_late)
{
    memory_pool_t *mp = make(_i);
    size_t held = 0;

    /* To the top and back, so that the high-water mark is above. */
    mp_free(mp, mp_allocate(mp, 900000));
    ck_assert_int_eq(mp_set_near_limit(mp, 300000, told, &near), 0);
    while (held < 400000) {
        POOLS_EXPECT(mp_allocate(mp, 16) != NULL);
        held += 16;
        POOLS_EXPECT(held < 300000 || near.calls == 1);
        POOLS_EXPECT(held + BORROWED >= 300000 || near.calls == 0);
    }
    mp_reset(mp);
    while (held < 800000) {
        POOLS_EXPECT(mp_allocate(mp, 16) != NULL);
        held += 16;
    }
    ck_assert_uint_eq(near.calls, 2);
    mp_destroy(mp);
}
END_TEST

enum {
    ALLOCATE, CALLOC, REALLOC, GROW, EXPAND, ALIGNED, MEMDUP, APPEND, HANDLE,
    HOOK, WAYS
};

START_TEST(each_call_that_allocates_calls_it)
{
    static char bytes[200000];
    memory_pool_t *mp = make(_i % 2);
    mp_handle_t *handle = mp_attach(mp);
    mp_string_t string = {0};
    void *small = mp_allocate(mp, 300000);

    ck_assert_int_eq(mp_set_near_limit(mp, 450000, told, &near), 0);
    mp_use(mp);
    switch (_i / 2) {
    case ALLOCATE: (void)!mp_allocate(mp, 200000); break;
    case CALLOC: (void)!mp_calloc(mp, 1, 200000); break;
    case REALLOC: (void)!mp_realloc(mp, NULL, 200000); break;
    case GROW: (void)!mp_realloc(mp, small, 500000); break;
    case EXPAND: (void)mp_expand(mp, small, 500000); break;
    case ALIGNED: (void)!mp_aligned_alloc(mp, 64, 200000); break;
    case MEMDUP: (void)!mp_memdup(mp, bytes, 200000); break;
    case APPEND:
        ck_assert_int_eq(mp_append_bytes(mp, &string, bytes, 200000), 0);
        break;
    case HANDLE: (void)!mp_handle_allocate(handle, 200000); break;
    default: (void)!mp_hook_malloc(200000); break;
    }
    mp_use(NULL);
    mp_stats_t stats;
    mp_stats(mp, &stats);
    ck_assert_uint_eq(near.calls, stats.live_bytes >= 450000);
    ck_assert(stats.live_bytes >= 450000 || _i / 2 == EXPAND);
    mp_destroy(mp);
}
END_TEST

START_TEST(it_may_free_and_raise_the_limit)
{
    memory_pool_t *mp = make(_i);

    near.spare = mp_allocate(mp, 100000);
    ck_assert_int_eq(mp_set_near_limit(mp, 900000, told, &near), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 850000));
    ck_assert_uint_eq(near.calls, 1);
    /* What it freed is there, and it is armed again. */
    near.raise = 2000000;
    ck_assert_ptr_nonnull(mp_allocate(mp, 150000));
    ck_assert_uint_eq(near.calls, 2);
    ck_assert_ptr_nonnull(mp_allocate(mp, 1000000));
    ck_assert_uint_eq(near.calls, 2);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_call_that_it_jumps_out_of_leaves_a_sound_pool)
{
    memory_pool_t *mp = make(_i);
    jmp_buf jump;

    near.jump = &jump;
    ck_assert_int_eq(mp_set_near_limit(mp, 500000, told, &near), 0);
    if (setjmp(jump) == 0) {
        (void)!mp_allocate(mp, 600000);
        ck_abort_msg("it did not jump");
    }
    mp_stats_t stats;
    mp_stats(mp, &stats);
    ck_assert_uint_eq(stats.live_bytes, 600000);
    ck_assert_int_eq(mp_check(mp), 0);
    near.jump = NULL;
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_uint_eq(near.calls, 1);
    mp_destroy(mp);
}
END_TEST

/* The pool that is near its limit is one above, or two of them. */
START_TEST(a_child_calls_those_of_the_pools_above)
{
    memory_pool_t *root = make(_i % KINDS);
    const mp_options_t middle = {.capacity = 800000, .parent = root};
    memory_pool_t *mid = mp_create(&middle);
    const mp_options_t leaf = {.parent = mid};
    memory_pool_t *mp = mp_create(&leaf);

    ck_assert_int_eq(mp_set_near_limit(root, 500000, told, &near), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 400000));
    ck_assert_uint_eq(near.calls, 0);
    ck_assert_ptr_nonnull(mp_allocate(mid, 100000));
    ck_assert_uint_eq(near.calls, 1);
    ck_assert_ptr_eq(near.mp, root);
    ck_assert_int_eq(mp_set_near_limit(mid, 600000, told, &near), 0);
    void *object = mp_allocate(mp, 150000);
    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(near.calls, 2);
    ck_assert_ptr_eq(near.mp, mid);
    /* The end of a pool below arms, too. */
    mp_destroy(mp);
    ck_assert_ptr_nonnull(mp_allocate(mid, 500000));
    ck_assert_uint_eq(near.calls, 4);
    mp_destroy(root);
}
END_TEST

static atomic_uint told_threads;
static struct threads_barrier filled;

static void count_told(memory_pool_t *mp, size_t used, void *context)
{
    (void)mp;
    (void)used;
    (void)context;
    told_threads++;
}

/* A thread that ends gives back what its cache borrowed.  Then the pool may
 * hold less than the limit again, and call once more as others go on.  So no
 * thread ends before all have their objects. */
static void *fill(void *argument)
{
    size_t wrong = 0;

    for (unsigned n = 0; n < 3000; n++) {
        wrong += mp_allocate(argument, 50) == NULL;
    }
    threads_barrier_wait(&filled);
    return (void *)wrong;
}

/* The pool itself, or one below it for all. */
START_TEST(of_several_threads_one_calls_it)
{
    memory_pool_t *mp = make(_i % 2);
    const mp_options_t options = {.parent = mp};
    memory_pool_t *used = _i < 2 ? mp : mp_create(&options);

    threads_barrier_start(&filled, THREADS);
    for (unsigned round = 1; round <= 3; round++) {
        ck_assert_int_eq(mp_set_near_limit(mp, 400000, count_told, NULL), 0);
        ck_assert_uint_eq(threads_run(THREADS, fill, used, 0), 0);
        ck_assert_uint_eq(told_threads, round);
        mp_reset(used);
    }
    threads_barrier_end(&filled);
    mp_destroy(mp);
}
END_TEST

START_TEST(what_has_no_capacity_is_refused)
{
    const mp_options_t options = {.report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *limited = make(0);

    SUPPORT_REFUSED(mp_set_near_limit(NULL, 5, told, &near), -1);
    pools_forget_reports();
    ck_assert_int_eq(mp_set_near_limit(mp, 5, told, &near), -1);
    pools_expect_report(mp, MP_EVENT_OPTION,
                        "the memory pool has no capacity", NULL, EINVAL);
    ck_assert_int_eq(mp_set_near_limit(limited, 0, told, &near), -1);
    pools_expect_report(limited, MP_EVENT_OPTION, "the near limit is 0", NULL,
                        EINVAL);
    /* No pool has one that another was given: this one is made again. */
    ck_assert_int_eq(mp_set_near_limit(limited, 5, told, &near), 0);
    mp_destroy(limited);
    limited = make(0);
    ck_assert_ptr_nonnull(mp_allocate(limited, 999999));
    ck_assert_uint_eq(near.calls, 0);
    mp_destroy(limited);
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("near limit");
    TCase *each = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(each, it_is_called_once_and_armed_again_below, 0,
                        KINDS);
    tcase_add_loop_test(each, small_objects_are_not_too_late, 0, KINDS);
    tcase_add_loop_test(each, it_may_free_and_raise_the_limit, 0, KINDS);
    tcase_add_loop_test(each,
                        a_call_that_it_jumps_out_of_leaves_a_sound_pool, 0,
                        KINDS);
    tcase_add_loop_test(each, a_child_calls_those_of_the_pools_above, 0,
                        KINDS);
    tcase_add_loop_test(single, each_call_that_allocates_calls_it, 0,
                        2 * WAYS);
    tcase_add_loop_test(single, of_several_threads_one_calls_it, 0, 4);
    tcase_add_test(single, what_has_no_capacity_is_refused);
    return support_run(suite);
}
