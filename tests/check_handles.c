/* SPDX-License-Identifier: MIT
 *
 * check_handles.c - handles, and marks among threads.
 *
 * The shadow of scopes.h does random work through handles that wander from
 * thread to thread, and through threads side by side that hand objects to
 * each other; besides, threads that end, processes that fork, and misuse.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scopes.h"

#define THREADS 8

/* By a handle, as check_scopes.c does by a thread; beside it the thread has a
 * mark and objects of its own. */
START_TEST(test_random)
{
    uint64_t seed = support_seed();
    memory_pool_t *mp = scopes_pool(_i);
    struct scopes *scopes = scopes_new(mp, _i, seed);
    struct scopes *thread = scopes_new(mp, _i, 1);
    bool base = _i == pools_count + SCOPES_BASE;

    if (base) {
        support_capture();
    }
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
    while (scopes->depth > 0) {
        scopes_rewind(scopes, scopes->depth - 1);
        scopes_verify(scopes);
    }
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
    if (base) {
        free(support_release());
    }
    free(thread);
    free(scopes);
    scopes_pool_end(mp, _i);
}
END_TEST

/* Handles wander: each thread takes one from the table, works with it for a
 * while and puts it back. */
#define WANDERERS 12
static _Atomic(struct scopes *) wanderers[WANDERERS];
static atomic_uint wandered;

static void *wander(void *argument)
{
    uint64_t random = (uintptr_t)argument;

    for (unsigned n = support_times(400, 20); n > 0; n--) {
        size_t i = support_below(&random, WANDERERS);
        struct scopes *scopes = atomic_exchange(&wanderers[i], NULL);
        if (scopes == NULL) {
            sched_yield();
            continue;
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
        atomic_fetch_add(&wandered, 1);
        while (scopes != NULL) { /* its own place may be taken */
            scopes = atomic_exchange(
                &wanderers[support_below(&random, WANDERERS)], scopes);
        }
    }
    return NULL;
}

START_TEST(test_wandering)
{
    static struct scopes *all[WANDERERS];
    uint64_t seed = support_seed();
    memory_pool_t *mp = scopes_pool(_i);
    pthread_t threads[THREADS];
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
        for (uintptr_t i = 0; i < THREADS; i++) {
            threads[i] = support_start(wander, (void *)(uintptr_t)(seed + i));
        }
        for (unsigned i = 0; i < THREADS; i++) {
            support_join(threads[i]);
        }
        ck_assert_uint_gt(atomic_load(&wandered), 10);
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

/* An object on its way from who made it to who will free it. */
struct parcel {
    unsigned char *at;
    size_t size;
    uint32_t tag;
    atomic_uint *out; /* parcels of one sender that would go with a rewind */
};

#define PARCELS 256
static _Atomic(struct parcel *) parcels[PARCELS];
static memory_pool_t *parcels_pool;

static uintptr_t parcel_open(struct parcel *parcel)
{
    uintptr_t wrong = 0;

    if (parcel != NULL) {
        wrong = !support_holds(parcel->at, parcel->size, parcel->tag);
        errno = 0;
        free_memory(parcels_pool, parcel->at);
        wrong += errno != 0;
        if (parcel->out != NULL) {
            atomic_fetch_sub(parcel->out, 1);
        }
        free(parcel);
    }
    return wrong;
}

/* Makes an object and puts it in the table, or keeps it until the rewind. */
static uintptr_t parcel_send(uint64_t *random, atomic_uint *out, bool marked)
{
    size_t size = 1 + support_below(random, (size_t)16
                                                << support_below(random, 8));
    unsigned char *at = mp_allocate(parcels_pool, size);
    uint32_t tag = (uint32_t)support_random(random);

    if (at == NULL) {
        return 1;
    }
    support_fill(at, size, tag);
    if (marked && support_below(random, 3) == 0) {
        return 0; /* left to the rewind */
    }
    struct parcel *parcel = malloc(sizeof *parcel);
    if (parcel == NULL) {
        return 1;
    }
    *parcel = (struct parcel){at, size, tag, marked ? out : NULL};
    if (marked) {
        atomic_fetch_add(out, 1);
    }
    return parcel_open(atomic_exchange(
        &parcels[support_below(random, PARCELS)], parcel));
}

static void *send_and_open(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    mp_mark_t marks[8];
    size_t depth = 0;
    uintptr_t wrong = 0;
    atomic_uint out = 0;

    for (unsigned n = support_times(3000, 20); n > 0; n--) {
        size_t choice = support_below(&random, 100);
        if (choice < 4 && depth < 8) {
            marks[depth] = mp_mark(parcels_pool);
            wrong += marks[depth++].number == 0;
        } else if (choice < 6 && depth > 0) {
            /* What is on its way must have come home before it goes. */
            while (atomic_load(&out) > 0) {
                for (unsigned i = 0; i < PARCELS; i++) {
                    wrong += parcel_open(atomic_exchange(&parcels[i], NULL));
                }
                sched_yield();
            }
            depth = choice == 4 ? depth - 1 : 0;
            wrong += mp_rewind(parcels_pool, marks[depth]) != 0;
        } else if (choice < 60) {
            wrong += parcel_send(&random, &out, depth > 0);
        } else {
            wrong += parcel_open(atomic_exchange(
                &parcels[support_below(&random, PARCELS)], NULL));
        }
        wrong += n % 4096 == 0 && mp_check(parcels_pool) != 0;
    }
    while (atomic_load(&out) > 0) {
        for (unsigned i = 0; i < PARCELS; i++) {
            wrong += parcel_open(atomic_exchange(&parcels[i], NULL));
        }
    }
    wrong += depth > 0 && mp_rewind(parcels_pool, marks[0]) != 0;
    return (void *)wrong;
}

START_TEST(test_side_by_side)
{
    uint64_t seed = support_seed();
    pthread_t threads[THREADS];
    mp_stats_t stats;

    parcels_pool = scopes_pool(_i);
    if (scopes_is_shared(_i)) {
        for (uintptr_t i = 0; i < THREADS; i++) {
            threads[i] =
                support_start(send_and_open, (void *)(uintptr_t)(seed + i));
        }
        for (unsigned i = 0; i < THREADS; i++) {
            void *wrong;
            ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
            ck_assert_ptr_null(wrong);
        }
        for (unsigned i = 0; i < PARCELS; i++) {
            POOLS_EXPECT(parcel_open(atomic_exchange(&parcels[i], NULL)) ==
                         0);
        }
        ck_assert_int_eq(mp_stats(parcels_pool, &stats), 0);
        ck_assert_uint_eq(stats.live_objects, 0);
        ck_assert_uint_eq(stats.allocations, stats.frees);
    }
    scopes_pool_end(parcels_pool, _i);
}
END_TEST

/* Another thread frees what lies in a scope and allocates the like: its own
 * objects stay when the scope goes. */
#define LIKE 500
struct neighbour {
    memory_pool_t *mp;
    void *given[LIKE];
    unsigned char *own[LIKE];
    size_t size;
};

static void *free_and_take(void *argument)
{
    struct neighbour *neighbour = argument;

    for (unsigned i = 0; i < LIKE; i++) {
        free_memory(neighbour->mp, neighbour->given[i]);
    }
    for (unsigned i = 0; i < LIKE; i++) {
        neighbour->own[i] = mp_allocate(neighbour->mp, neighbour->size);
        POOLS_EXPECT(neighbour->own[i] != NULL);
        support_fill(neighbour->own[i], neighbour->size, i);
    }
    return NULL;
}

START_TEST(test_others_stay)
{
    static const size_t sizes[] = {16, 100, 1024, 3000, 300000};
    struct neighbour neighbour = {.mp = scopes_pool(_i)};
    memory_pool_t *mp = neighbour.mp;
    mp_stats_t before, after;

    for (unsigned k = 0; k < 5 && scopes_is_shared(_i);
         k++) {
        unsigned like = sizes[k] > 100000 ? 3 : LIKE;
        mp_mark_t mark = mp_mark(mp);
        void *left = mp_allocate(mp, sizes[k]);
        ck_assert(mark.number != 0 && left != NULL);
        for (unsigned i = 0; i < LIKE; i++) {
            neighbour.given[i] = mp_allocate(mp, i < like ? sizes[k] : 8);
            POOLS_EXPECT(neighbour.given[i] != NULL);
        }
        neighbour.size = like == LIKE ? sizes[k] : 8;
        ck_assert_int_eq(mp_stats(mp, &before), 0);
        support_join(support_start(free_and_take, &neighbour));
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &after), 0);
        /* Each was counted once. */
        ck_assert_uint_eq(after.frees - before.frees, LIKE + 1);
        ck_assert_uint_eq(after.allocations - before.allocations, LIKE);
        ck_assert_uint_eq(after.live_objects, LIKE);
        for (unsigned i = 0; i < LIKE; i++) {
            POOLS_EXPECT(mp_locate(mp, neighbour.own[i]) == MP_LIVE);
            POOLS_EXPECT(support_holds(neighbour.own[i], neighbour.size, i));
            free_memory(mp, neighbour.own[i]);
        }
    }
    scopes_pool_end(mp, _i);
}
END_TEST

/* A thread ends with marks open: what it allocated stays. */
struct leaver {
    memory_pool_t *mp;
    unsigned char *objects[20];
    mp_mark_t mark;
};

static void *leave(void *argument)
{
    struct leaver *leaver = argument;

    for (unsigned i = 0; i < 20; i++) {
        mp_mark_t mark = i % 5 == 0 ? mp_mark(leaver->mp) : leaver->mark;
        POOLS_EXPECT(mark.number != 0);
        leaver->mark = mark;
        leaver->objects[i] = mp_allocate(leaver->mp, 1 + i * 100);
        POOLS_EXPECT(leaver->objects[i] != NULL);
        support_fill(leaver->objects[i], 1 + i * 100, i);
        free_memory(leaver->mp, mp_allocate(leaver->mp, 200));
    }
    return NULL;
}

static void *rewind_anothers(void *argument)
{
    struct leaver *leaver = argument;

    scopes_refused(leaver->mp, NULL, leaver->mark);
    return NULL;
}

START_TEST(test_thread_ends)
{
    struct leaver leaver = {.mp = scopes_pool(_i)};
    memory_pool_t *mp = leaver.mp;
    mp_stats_t stats;

    for (unsigned n = support_times(200, 30);
         n > 0 && scopes_is_shared(_i); n--) {
        support_join(support_start(leave, &leaver));
        POOLS_EXPECT(mp_check(mp) == 0);
        scopes_refused(mp, NULL, leaver.mark);
        support_join(support_start(rewind_anothers, &leaver));
        for (unsigned i = 0; i < 20; i++) {
            unsigned char *at = leaver.objects[i];
            POOLS_EXPECT(mp_locate(mp, at) == MP_LIVE);
            POOLS_EXPECT(support_holds(at, 1 + i * 100, i));
            free_memory(mp, at);
        }
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    mp_trim(mp, 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    if (pools_kinds[_i].source != POOLS_BUFFER) {
        ck_assert_uint_lt(stats.backing_bytes, (size_t)4 << 20);
    }
    scopes_pool_end(mp, _i);
}
END_TEST

/* Handles that come and go leave nothing but their objects. */
START_TEST(test_many)
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

static void expect_report(mp_event_t event, const void *ptr, int error)
{
    ck_assert_int_eq(errno, error);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, event);
    ck_assert_ptr_eq(pools_reported.ptr, ptr);
    pools_reported.count = 0;
    errno = 0;
}

static size_t hide(size_t size)
{
    volatile size_t hidden = size;

    return hidden;
}

/* Each refusal, and that nothing changes. */
START_TEST(test_misuse)
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
    pools_reported.count = 0;
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(0)));
    expect_report(MP_EVENT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(501)));
    expect_report(MP_EVENT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(SIZE_MAX)));
    expect_report(MP_EVENT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_handle_allocate(handle, hide(101)));
    expect_report(MP_EVENT_FULL, NULL, ENOBUFS);
    mp_handle_free(handle, NULL);
    expect_report(MP_EVENT_NO_POINTER, NULL, EINVAL);
    mp_handle_free(handle, &outside);
    expect_report(MP_EVENT_NOT_IN_POOL, &outside, EINVAL);
    mp_handle_free(handle, object + 16);
    expect_report(MP_EVENT_NOT_IN_POOL, object + 16, EINVAL);
    scopes_verify(scopes);
    scopes_free(scopes, 1);
    mp_handle_free(handle, object);
    expect_report(MP_EVENT_NOT_IN_POOL, object, EINVAL);
    scopes_verify(scopes);
    mp_detach(handle);
    free(scopes);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(test_no_handle)
{
    mp_mark_t none = {0};
    int object = 0;

    support_capture();
    errno = 0;
    ck_assert_ptr_null(mp_attach(NULL));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_detach(NULL);
    ck_assert_int_eq(errno, EINVAL);
    for (unsigned i = 0; i < 3; i++) {
        errno = 0;
        ck_assert_ptr_null(mp_handle_allocate(NULL, hide(i * 10)));
        ck_assert_int_eq(errno, EINVAL);
    }
    errno = 0;
    mp_handle_free(NULL, &object);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    mp_handle_free(NULL, NULL);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_uint_eq(mp_handle_mark(NULL).number, 0);
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_int_eq(mp_handle_rewind(NULL, none), -1);
    ck_assert_int_eq(errno, EINVAL);
    support_release_lines("", 0);
}
END_TEST

/* In the child the handle and its marks are what they were. */
static int use_in_child(struct scopes *scopes)
{
    if (mp_check(scopes->mp) != 0) {
        return 1;
    }
    scopes_verify(scopes);
    for (unsigned n = 0; n < 500; n++) {
        scopes_step(scopes);
    }
    scopes_verify(scopes);
    while (scopes->depth > 0) {
        scopes_rewind(scopes, scopes->depth - 1);
        scopes_verify(scopes);
    }
    mp_detach(scopes->handle);
    scopes->handle = NULL;
    scopes_clear(scopes);
    int status = mp_check(scopes->mp) == 0 ? 0 : 2;
    destroy_memory_pool(scopes->mp);
    return status;
}

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

START_TEST(test_fork)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    pthread_t threads[3];

    fork_scopes = scopes_new(mp, 0, support_seed());
    fork_scopes->alone = false;
    fork_scopes->longest = 20000;
    fork_scopes->handle = mp_attach(mp);
    ck_assert_ptr_nonnull(fork_scopes->handle);
    atomic_store(&fork_ends, false);
    for (uintptr_t i = 0; i < 3; i++) {
        threads[i] = support_start(work_beside_fork, (void *)i);
    }
    for (unsigned n = support_times(60, 20); n > 0; n--) {
        for (unsigned i = 0; i < 50; i++) {
            scopes_step(fork_scopes);
        }
        pid_t child = fork();
        POOLS_EXPECT(child >= 0);
        if (child == 0) {
            alarm(60);
            _exit(use_in_child(fork_scopes));
        }
        int status;
        POOLS_EXPECT(waitpid(child, &status, 0) == child);
        POOLS_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        scopes_verify(fork_scopes);
    }
    atomic_store(&fork_ends, true);
    for (unsigned i = 0; i < 3; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
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

    tcase_add_loop_test(kinds, test_random, 0, count);
    tcase_add_loop_test(kinds, test_wandering, 0, pools_count);
    tcase_add_loop_test(kinds, test_side_by_side, 0, pools_count);
    tcase_add_loop_test(kinds, test_others_stay, 0, pools_count);
    tcase_add_loop_test(kinds, test_thread_ends, 0, pools_count);
    tcase_add_loop_test(kinds, test_many, 0, pools_count + SCOPES_BASE);
    tcase_add_test(single, test_misuse);
    tcase_add_test(single, test_no_handle);
    tcase_add_loop_test(single, test_fork, 0, 2);
    return support_run(suite);
}
