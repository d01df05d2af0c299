/* SPDX-License-Identifier: MIT
 *
 * check_forks.c - a fork beside threads that make, use and end pools.
 *
 * The threads of the process are gone in the child, wherever they were.  What
 * they were making or ending there must hold no lock, must not be charged to
 * any pool, must be on no list, and must not be in the way of the threads that
 * the child has.
 *
 * Some threads work without a pause while the process forks.  And one thread is
 * stopped in each of its calls of malloc(), free() and a backing in turn, so
 * that each of these moments is met for certain.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "pools.h"
#include "threads.h"

#define FORKS_THREADS 3
#define FORKS_CAPACITY ((size_t)1 << 20)

/* Pools of the whole process, with children of the threads below. */
static memory_pool_t *forks_limited;
static memory_pool_t *forks_plain;
static bool forks_threads; /* a child may start some */
static atomic_bool forks_end;
static atomic_uint forks_begun; /* threads that work */

/* An address in a pool that a thread has, or had some time ago. */
static void *_Atomic forks_seen[FORKS_THREADS + 1];

/* Without a lock, which the child would not get. */
static void *forks_acquire(void *context, size_t bytes, size_t alignment)
{
    (void)context;
    (void)alignment;
    return malloc(bytes);
}

static void forks_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static void forks_nothing(void *arg)
{
    (void)arg;
}

/* The compiler wants results to be looked at, and these may be none. */
static void forks_forget(const void *object)
{
    (void)object;
}

/* Uses a pool in all ways that leave something to be ended. */
static void forks_use(memory_pool_t *mp, void *_Atomic *seen)
{
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t mark = mp_mark(mp);

    for (size_t size = 20; size < 30000; size *= 7) {
        void *object = mp_allocate(mp, size);
        forks_forget(mp_allocate(mp, 2 * size));
        free_memory(mp, object);
        if (seen != NULL) {
            atomic_store(seen, object);
        }
    }
    forks_forget(mp_handle_allocate(handle, 100));
    (void)mp_add_cleanup(mp, forks_nothing, NULL);
    (void)mp_rewind(mp, mark);
    mark = mp_mark(mp); /* stays open */
    forks_forget(mp_allocate(mp, 100));
    forks_forget(mp_allocate(mp, 5000));
}

#define FORKS_KINDS 9

/* A pool of a kind, used, with a child, used too. */
static void forks_round(unsigned kind, void *_Atomic *seen)
{
    const mp_backing_t own = {forks_acquire, forks_release, NULL};
    const mp_options_t options[FORKS_KINDS] = {
        {.capacity = 0},
        {.parent = forks_limited},
        {.parent = forks_limited, .name = "a", .capacity = 200000},
        {.parent = forks_limited, .backing = &own},
        {.parent = forks_plain, .threads = MP_THREADS_LOCKED},
        {.parent = forks_plain, .name = "b"},
        {.parent = forks_limited, .flags = MP_PASSTHROUGH},
        {.parent = forks_plain, .backing = &mp_backing_mmap},
        {.parent = forks_limited, .threads = MP_THREADS_NONE,
         .backing = &own},
    };
    memory_pool_t *mp = mp_create(&options[kind]);

    if (mp == NULL) {
        return;
    }
    memory_pool_t *below = mp_create(&(mp_options_t){.parent = mp});
    forks_use(mp, seen);
    if (below != NULL) {
        forks_use(below, NULL);
    }
    if (kind % 2 == 0 && below != NULL) {
        destroy_memory_pool(below);
    } else {
        free_all_memory(mp);
    }
    forks_use(mp, NULL);
    destroy_memory_pool(mp);
}

static void *forks_work(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;

    atomic_fetch_add(&forks_begun, 1);
    for (unsigned n = number; !atomic_load(&forks_end); n++) {
        forks_round(n % FORKS_KINDS, &forks_seen[number]);
    }
    return NULL;
}

/* Another thread of the child makes and ends each kind. */
static void *forks_work_once(void *unused)
{
    for (unsigned kind = 0; kind < FORKS_KINDS; kind++) {
        forks_round(kind, NULL);
    }
    return unused;
}

/* Every pool of the process is whole; *arg counts them. */
static int forks_look(memory_pool_t *mp, void *arg)
{
    unsigned *count = arg;
    mp_stats_t stats;

    ++*count;
    if (mp_check(mp) != 0) {
        return 3;
    }
    return mp_stats(mp, &stats) == 0 ? 0 : 4;
}

/* The pool is empty, with nothing below, and nothing is charged to it. */
static bool forks_is_empty(memory_pool_t *mp)
{
    mp_stats_t stats;

    return mp_check(mp) == 0 && mp_stats(mp, &stats) == 0 &&
           stats.live_objects == 0 && stats.children == 0 &&
           (stats.capacity == 0 || stats.capacity_free == stats.capacity);
}

/* In the child: 0, or what is wrong.  kind: that one alone is made then; NULL:
 * all are, also by another thread. */
static int forks_child(void *kind)
{
    unsigned pools = 0;
    pthread_t thread;

    atomic_store(&inject_hook, NULL);
    for (unsigned i = 0; i <= FORKS_THREADS; i++) {
        (void)mp_owner(atomic_load(&forks_seen[i]));
    }
    int answer = mp_each_pool(forks_look, &pools);
    if (answer != 0) {
        return answer;
    }
    free_all_memory(forks_limited);
    free_all_memory(forks_plain);
    if (!forks_is_empty(forks_limited)) {
        return 5;
    }
    if (!forks_is_empty(forks_plain)) {
        return 6;
    }
    if (kind != NULL) {
        forks_round(*(unsigned *)kind, NULL);
    } else if (!forks_threads) {
        (void)forks_work_once(NULL);
    } else if (pthread_create(&thread, NULL, forks_work_once, NULL) != 0 ||
               pthread_join(thread, NULL) != 0) {
        return 7;
    }
    destroy_memory_pool(forks_limited);
    destroy_memory_pool(forks_plain);
    /* One of no parent for each thread may be left, with the one below. */
    pools = 0;
    answer = mp_each_pool(forks_look, &pools);
    return answer != 0 ? 20 + answer : pools <= 2 * FORKS_THREADS ? 0 : 8;
}

static void forks_start(void)
{
    forks_limited =
        mp_create(&(mp_options_t){.capacity = FORKS_CAPACITY});
    forks_plain = mp_create(NULL);
    POOLS_EXPECT(forks_limited != NULL && forks_plain != NULL);
    atomic_store(&forks_end, false);
    forks_threads = support_child_has_threads();
}

static void forks_finish(void)
{
    POOLS_EXPECT(forks_is_empty(forks_limited));
    POOLS_EXPECT(forks_is_empty(forks_plain));
    destroy_memory_pool(forks_limited);
    destroy_memory_pool(forks_plain);
}

START_TEST(a_child_is_whole_beside_threads_that_make_and_end_pools)
{
    struct threads threads;

    forks_start();
    threads_start(&threads, FORKS_THREADS, forks_work, NULL, 1);
    /* The C library asks for memory as a thread begins.  A sanitizer's malloc()
     * may hold a lock then, which the child would have for good. */
    while (atomic_load(&forks_begun) < FORKS_THREADS) {
        sched_yield();
    }
    for (unsigned n = support_times(150, 20); n > 0; n--) {
        support_fork(forks_child, NULL);
    }
    atomic_store(&forks_end, true);
    threads_join(&threads);
    forks_finish();
}
END_TEST

/* The thread that is stopped, at which of its calls, and whether it is. */
static atomic_uint forks_calls;
static atomic_uint forks_stop_at;
static atomic_bool forks_stopped;
static atomic_bool forks_done;
static _Thread_local bool forks_is_victim;

static bool forks_hook(struct inject_call *call)
{
    /* The range maps under its lock, for which a fork would wait. */
    if (forks_is_victim && call->function != INJECT_MMAP &&
        call->function != INJECT_MUNMAP &&
        atomic_fetch_add(&forks_calls, 1) + 1 == atomic_load(&forks_stop_at)) {
        atomic_store(&forks_stopped, true);
        while (atomic_load(&forks_stopped)) {
            sched_yield();
        }
    }
    return false;
}

static void *forks_victim(void *argument)
{
    forks_is_victim = true;
    forks_round((unsigned)(uintptr_t)argument, &forks_seen[FORKS_THREADS]);
    return NULL;
}

/* The end of a thread has such calls, too, so another one tells of it. */
static void *forks_run_victim(void *argument)
{
    threads_join_one(threads_start_one(forks_victim, argument));
    atomic_store(&forks_done, true);
    return NULL;
}

START_TEST(a_child_is_whole_wherever_a_thread_calls_the_system)
{
    unsigned kind = (unsigned)_i;
    bool stopped = true;

    forks_start();
    for (unsigned at = 1; stopped; at++) {
        atomic_store(&forks_calls, 0);
        atomic_store(&forks_stop_at, at);
        atomic_store(&forks_stopped, false);
        atomic_store(&forks_done, false);
        atomic_store(&inject_hook, forks_hook);
        pthread_t thread =
            threads_start_one(forks_run_victim, (void *)(uintptr_t)kind);
        while (!atomic_load(&forks_stopped) && !atomic_load(&forks_done)) {
            sched_yield();
        }
        stopped = atomic_load(&forks_stopped);
        if (stopped) {
            support_fork(forks_child, &kind);
            atomic_store(&forks_stopped, false);
        }
        threads_join_one(thread);
        atomic_store(&inject_hook, NULL);
    }
    forks_finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forks");
    TCase *forks = support_case(suite, "forks");

    tcase_add_test(forks,
                   a_child_is_whole_beside_threads_that_make_and_end_pools);
    tcase_add_loop_test(forks,
                        a_child_is_whole_wherever_a_thread_calls_the_system,
                        0, FORKS_KINDS);
    return support_run(suite);
}
