/* SPDX-License-Identifier: MIT
 *
 * check_leaks.c - the report of leaks comes when the pool's memory has gone, and
 * needs little: not the end of the thread's work, and little of its stack.
 *
 * What the lines say is check_view.c's.
 */
#include <pthread.h>

#include "pools.h"
#include "sanitizer.h"

/* That of a thread with little of it. */
#define STACK ((size_t)20 << 10)

/* Pools that lose memory in a way of their own. */
static const mp_options_t kinds[] = {
    {.threads = MP_THREADS_LOCKED},
    {.threads = MP_THREADS_NONE},
    {.flags = MP_ZERO_ON_FREE},
    {.capacity = 100000},
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

static memory_pool_t *make(int kind, const mp_backing_t *backing,
                           mp_report_fn *report)
{
    mp_options_t options = kinds[kind];

    options.flags |= MP_LEAK_CHECK;
    options.report = report;
    options.backing = backing;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    for (size_t size = 1; size < 3000; size *= 3) {
        ck_assert_ptr_nonnull(mp_allocate(mp, size));
    }
    return mp;
}

/* Acts at the first call that is a cancellation point. */
static void *destroy_cancelled(void *mp)
{
    pthread_cancel(pthread_self());
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(a_thread_cancelled_in_a_leak_report_has_freed_all)
{
    mp_backing_t backing = pools_backing_of(&pools_own);
    pthread_t thread;

    pools_backing_start(&pools_own);
    memory_pool_t *mp = make(_i, &backing, mp_report_stderr);
    ck_assert_uint_gt(pools_own.count, 0);
    support_capture();
    ck_assert_int_eq(pthread_create(&thread, NULL, destroy_cancelled, mp), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    free(support_release());
    ck_assert_uint_eq(pools_own.count, 0);
}
END_TEST

#if !SANITIZER_ON
static atomic_size_t leaks;

static void note(memory_pool_t *mp, mp_event_t event, const char *message,
                 const void *ptr, void *context)
{
    (void)mp, (void)message, (void)ptr, (void)context;
    atomic_fetch_add(&leaks, event == MP_EVENT_LEAK);
}

static void *destroy(void *mp)
{
    destroy_memory_pool(mp);
    return NULL;
}

/* Destroys the pool in a thread with that much stack; false: the system wants
 * more for any thread, and the pool is destroyed in this one. */
static bool destroy_on(size_t bytes, memory_pool_t *mp)
{
    pthread_attr_t attributes;
    pthread_t thread;

    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    bool starts =
        pthread_attr_setstacksize(&attributes, bytes) == 0 &&
        pthread_create(&thread, &attributes, destroy, mp) == 0;
    if (starts) {
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    } else {
        destroy_memory_pool(mp);
    }
    pthread_attr_destroy(&attributes);
    return starts;
}

START_TEST(a_leak_report_needs_little_stack)
{
    atomic_store(&leaks, 0);
    if (destroy_on(STACK, make(_i, NULL, note))) {
        ck_assert_uint_gt(atomic_load(&leaks), 1);
    }
    memory_pool_t *mp = make(_i, NULL, mp_report_stderr);
    support_capture();
    (void)destroy_on(STACK, mp);
    char *lines = support_release();
    ck_assert_ptr_nonnull(strstr(lines, "leak: "));
    free(lines);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("leaks");
    TCase *leaks_case = support_case(suite, "leaks");

    tcase_add_loop_test(leaks_case,
                        a_thread_cancelled_in_a_leak_report_has_freed_all, 0,
                        KINDS);
#if !SANITIZER_ON
    tcase_add_loop_test(leaks_case, a_leak_report_needs_little_stack, 0,
                        KINDS);
#endif
    return support_run(suite);
}
