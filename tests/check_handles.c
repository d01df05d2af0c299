/* SPDX-License-Identifier: MIT
 *
 * check_handles.c - handles, and their marks.
 *
 * The shadow of scopes.h does random work through handles that wander from
 * thread to thread; besides, handles that come and go, processes that fork,
 * and misuse.  Marks of threads among each other: check_marks.c.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "scopes.h"
#include "threads.h"

#define THREADS 8

/* By a handle, as check_scopes.c does by a thread; beside it the thread has a
 * mark and objects of its own. */
START_TEST(random_work_through_a_handle_agrees_with_the_shadow)
{
    uint64_t seed = support_seed();
    struct scopes *scopes = scopes_start(_i, seed);
    memory_pool_t *mp = scopes->mp;
    struct scopes *thread = scopes_new(mp, _i, 1);

    scopes_capture(_i);
    thread->alone = scopes->alone = false;
    scopes->handle = mp_attach(mp);
    POOLS_EXPECT(scopes->handle != NULL);
    scopes_allocate_size(thread, 1);
    scopes_mark(thread);
    scopes->stays = true;
    for (unsigned i = 0; i < 10; i++) {
        scopes_allocate_size(thread, 2);
    }
    if (scopes->capacity != 0) {
        scopes->capacity -= thread->bytes;
        scopes->longest -= thread->bytes;
    }
    for (unsigned n = support_times(8000, 30); n > 0; n--) {
        scopes_step(scopes);
        if (n % 256 == 0) {
            scopes_verify(scopes);
            scopes_verify(thread);
        }
    }
    scopes_rewind(thread, 0);
    scopes_verify(scopes);
    scopes_verify(thread);
    scopes_unwind(scopes);
    scopes_clear(thread);
    /* Alone now, and then without the handle. */
    scopes->alone = true;
    scopes->stays = false;
    if (scopes->capacity != 0) {
        scopes->capacity += 21;
    }
    for (unsigned n = support_times(4000, 40); n > 0; n--) {
        scopes_step(scopes);
    }
    scopes_verify(scopes);
    errno = SUPPORT_ERRNO;
    mp_detach(scopes->handle);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    scopes->handle = NULL;
    scopes->depth = 0;
    scopes_verify(scopes);
    scopes_clear(scopes);
    scopes_verify(scopes);
    scopes_release(_i);
    free(thread);
    scopes_end(scopes, _i);
}
END_TEST

/* Handles wander: each thread takes one from the table, works with it for a
 * while and puts it back.  There are more than threads, so some are there. */
#define WANDERERS (THREADS + 4)
static _Atomic(struct scopes *) wanderers[WANDERERS];

static void *wander(void *argument)
{
    uint64_t random = (uintptr_t)argument;

    for (unsigned n = support_times(200, 10); n > 0; n--) {
        struct scopes *scopes;
        while ((scopes = atomic_exchange(
                    &wanderers[support_below(&random, WANDERERS)], NULL)) ==
               NULL) {
            sched_yield();
        }
        for (size_t k = support_below(&random, 60); k > 0; k--) {
            scopes_step(scopes);
        }
        if (n % 64 == 0) {
            scopes_verify(scopes);
        }
        if (n % 100 == 0) {
            mp_detach(scopes->handle);
            scopes->handle = mp_attach(scopes->mp);
            POOLS_EXPECT(scopes->handle != NULL);
            scopes->depth = 0;
            for (size_t k = 0; k < scopes->count; k++) {
                scopes->objects[k].depth = 0;
            }
        }
        while (scopes != NULL) { /* its own place may be taken */
            scopes = atomic_exchange(
                &wanderers[support_below(&random, WANDERERS)], scopes);
        }
    }
    return NULL;
}

START_TEST(handles_wander_from_thread_to_thread)
{
    static struct scopes *all[WANDERERS];
    uint64_t seed = support_seed();
    memory_pool_t *mp = scopes_pool(_i);
    mp_stats_t stats;
    size_t live = 0;

    if (scopes_is_shared(_i)) {
        for (unsigned i = 0; i < WANDERERS; i++) {
            all[i] = scopes_new(mp, _i, seed + i);
            all[i]->alone = false;
            all[i]->longest = 20000;
            all[i]->handle = mp_attach(mp);
            ck_assert_ptr_nonnull(all[i]->handle);
            atomic_store(&wanderers[i], all[i]);
        }
        threads_run(THREADS, wander, (void *)(uintptr_t)seed, 1);
        for (unsigned i = 0; i < WANDERERS; i++) {
            scopes_verify(all[i]);
            live += all[i]->count;
        }
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_objects, live);
        ck_assert_uint_eq(stats.allocations - stats.frees, live);
        for (unsigned i = 0; i < WANDERERS; i++) {
            if (i % 2 == 0) { /* the others end with the pool */
                mp_detach(all[i]->handle);
            }
            free(all[i]);
        }
    }
    scopes_pool_end(mp, _i);
}
END_TEST

/* Handles that come and go leave nothing but their objects. */
START_TEST(handles_that_come_and_go_leave_only_their_objects)
{
    enum { MANY = 200 };
    memory_pool_t *mp = scopes_pool(_i);
    mp_handle_t *handles[MANY];
    void *objects[MANY];
    mp_stats_t stats;

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            handles[i] = mp_attach(mp);
            POOLS_EXPECT(handles[i] != NULL);
            objects[i] = mp_handle_allocate(handles[i], 1);
            POOLS_EXPECT(objects[i] != NULL);
            POOLS_EXPECT(i % 7 != 0 || mp_handle_mark(handles[i]).number != 0);
        }
        for (unsigned i = 0; i < MANY; i++) {
            unsigned j = (i * 77) % MANY;
            mp_detach(handles[j]);
            POOLS_EXPECT(mp_locate(mp, objects[j]) == MP_LIVE);
        }
        POOLS_EXPECT(mp_check(mp) == 0);
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        ck_assert_uint_eq(stats.live_objects, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            free_memory(mp, objects[i]);
        }
    }
    scopes_pool_end(mp, _i);
}
END_TEST

static size_t hide(size_t size)
{
    volatile size_t hidden = size;

    return hidden;
}

/* Each refusal, and that nothing changes. */
#define VISITORS 700u

/* Counts a visit in the object; stops where arg is 0. */
static int visit_once(void *object, size_t size, void *arg)
{
    size_t *left = arg;

    (void)size;
    ++*(unsigned char *)object;
    return --*left == 0 ? 7 : 0;
}

/* More objects are met at a time than in a pool with few handles. */
START_TEST(a_walk_of_a_pool_with_many_handles_meets_each_object_once)
{
    static mp_handle_t *handles[VISITORS];
    static unsigned char *objects[3 * VISITORS];
    memory_pool_t *mp = mp_create(NULL);
    size_t count = 0;

    for (size_t i = 0; i < VISITORS; i++) {
        handles[i] = mp_attach(mp);
        for (size_t k = 0; k < 3; k++) {
            objects[count] = mp_handle_calloc(handles[i], 1, 40);
            POOLS_EXPECT(objects[count] != NULL);
            count++;
        }
    }
    size_t left = SIZE_MAX;
    ck_assert_int_eq(mp_walk(mp, visit_once, &left), 0);
    ck_assert_uint_eq(SIZE_MAX - left, count);
    left = 1000;
    ck_assert_int_eq(mp_walk(mp, visit_once, &left), 7);
    size_t twice = 0;
    for (size_t i = 0; i < count; i++) {
        POOLS_EXPECT(*objects[i] == 1 || *objects[i] == 2);
        twice += *objects[i] == 2;
    }
    ck_assert_uint_eq(twice, 1000);
    for (size_t i = 0; i < VISITORS; i++) {
        mp_detach(handles[i]);
    }
    mp_destroy(mp);
}
END_TEST

START_TEST(each_misuse_of_a_handle_is_reported_and_changes_nothing)
{
    mp_options_t options = {.capacity = 1000,
                            .max_object = 500,
                            .report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    struct scopes *scopes = scopes_new(mp, pools_count, 1);
    mp_handle_t *handle = mp_attach(mp);
    int outside = 0;

    ck_assert(mp != NULL && handle != NULL);
    scopes->handle = handle;
    scopes_allocate_size(scopes, 500);
    unsigned char *object = scopes_allocate_size(scopes, 400);
    pools_forget_reports();
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(0)));
    pools_expect_report(mp, MP_EVENT_SIZE, NULL, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(501)));
    pools_expect_report(mp, MP_EVENT_SIZE, NULL, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(SIZE_MAX)));
    pools_expect_report(mp, MP_EVENT_SIZE, NULL, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(101)));
    pools_expect_report(mp, MP_EVENT_FULL, NULL, NULL, ENOBUFS);
    mp_handle_free(handle, NULL);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, NULL, NULL, EINVAL);
    mp_handle_free(handle, &outside);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, &outside,
                        EINVAL);
    mp_handle_free(handle, object + 16);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, object + 16,
                        EINVAL);
    scopes_verify(scopes);
    scopes_free(scopes, 1);
    mp_handle_free(handle, object);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, object, EINVAL);
    scopes_verify(scopes);
    mp_detach(handle);
    free(scopes);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_null_handle_is_refused_in_silence)
{
    mp_mark_t none = {0};
    int object = 0;

    support_capture();
    SUPPORT_REFUSED(mp_attach(NULL), NULL);
    for (unsigned i = 0; i < 3; i++) {
        SUPPORT_REFUSED(mp_handle_allocate(NULL, hide(i * 10)), NULL);
    }
    SUPPORT_REFUSED(mp_handle_mark(NULL).number, 0);
    SUPPORT_REFUSED(mp_handle_rewind(NULL, none), -1);
    errno = 0;
    mp_detach(NULL);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_handle_free(NULL, &object);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_handle_free(NULL, NULL);
    ck_assert_int_eq(errno, EINVAL);
    support_release_lines("", 0);
}
END_TEST

static atomic_bool reserved;

static void *attach_meanwhile(void *argument)
{
    while (!atomic_load_explicit(&reserved, memory_order_relaxed)) {
        mp_handle_t *handle = mp_attach(argument);
        POOLS_EXPECT(handle != NULL);
        mp_detach(handle);
    }
    return NULL;
}

/* Another thread makes the first pool with caches of the process, which
 * reserves the range of addresses.  ThreadSanitizer would see the race. */
START_TEST(a_handle_is_made_while_the_range_is_reserved)
{
    mp_options_t options = {.threads = MP_THREADS_LOCKED};
    memory_pool_t *locked = mp_create(&options);
    ck_assert_ptr_nonnull(locked);
    pthread_t thread = support_start(attach_meanwhile, locked);

    memory_pool_t *mp = mp_create(NULL);
    ck_assert_ptr_nonnull(mp);
    atomic_store_explicit(&reserved, true, memory_order_relaxed);
    support_join(thread);
    destroy_memory_pool(mp);
    destroy_memory_pool(locked);
}
END_TEST

static struct scopes *fork_scopes;
static atomic_bool fork_ends;

/* Works with handles and marks of its own while the main thread forks. */
static void *work_beside_fork(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    memory_pool_t *mp = fork_scopes->mp;
    uintptr_t wrong = 0;

    while (!atomic_load(&fork_ends)) {
        mp_handle_t *handle = mp_attach(mp);
        mp_mark_t mark = mp_mark(mp);
        mp_mark_t second = mp_handle_mark(handle);
        wrong += handle == NULL || mark.number == 0 || second.number == 0;
        for (unsigned i = 0; i < 30; i++) {
            size_t size = 1 + support_below(&random, 2000);
            void *one = mp_allocate(mp, size);
            wrong += one == NULL || mp_handle_allocate(handle, size) == NULL;
            if (i % 3 == 0) {
                free_memory(mp, one);
            }
        }
        wrong += mp_rewind(mp, mark) != 0;
        wrong += mp_handle_rewind(handle, second) != 0;
        mp_detach(handle);
    }
    return (void *)wrong;
}

START_TEST(a_handle_and_its_marks_live_on_in_the_child_of_a_fork)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    struct threads threads;

    fork_scopes = scopes_new(mp, 0, support_seed());
    fork_scopes->alone = false;
    fork_scopes->longest = 20000;
    fork_scopes->handle = mp_attach(mp);
    ck_assert_ptr_nonnull(fork_scopes->handle);
    atomic_store(&fork_ends, false);
    threads_start(&threads, 3, work_beside_fork, NULL, 1);
    for (unsigned n = support_times(60, 20); n > 0; n--) {
        for (unsigned i = 0; i < 50; i++) {
            scopes_step(fork_scopes);
        }
        support_fork(scopes_in_child, fork_scopes);
        scopes_verify(fork_scopes);
    }
    atomic_store(&fork_ends, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    free(fork_scopes);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handles");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");
    int count = scopes_kinds();

    tcase_add_loop_test(kinds,
                        random_work_through_a_handle_agrees_with_the_shadow, 0,
                        count);
    tcase_add_loop_test(kinds, handles_wander_from_thread_to_thread, 0,
                        pools_count);
    tcase_add_loop_test(kinds,
                        handles_that_come_and_go_leave_only_their_objects, 0,
                        pools_count + SCOPES_BASE);
    tcase_add_test(
        single, a_walk_of_a_pool_with_many_handles_meets_each_object_once);
    tcase_add_test(single,
                   each_misuse_of_a_handle_is_reported_and_changes_nothing);
    tcase_add_test(single, a_null_handle_is_refused_in_silence);
    tcase_add_test(single, a_handle_is_made_while_the_range_is_reserved);
    tcase_add_loop_test(single,
                        a_handle_and_its_marks_live_on_in_the_child_of_a_fork,
                        0, 2);
    return support_run(suite);
}
