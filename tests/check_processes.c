/* SPDX-License-Identifier: MIT
 *
 * check_processes.c - fork, exit and reset under load, and a library that
 * is let go.
 *
 * Some threads use three kinds of pool without a pause; meanwhile the process
 * forks, ends, or resets the pools.  A child has a watchdog of its own.
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "pools.h"
#include "threads.h"

#define LOAD 4
static memory_pool_t *load_pools[3];
static struct threads load_threads;
static atomic_uint load_begun;
static atomic_bool load_ends;

static void *load(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    void *held[3][50] = {{NULL}};
    bool begun = false;

    while (!atomic_load(&load_ends)) {
        size_t p = support_below(&random, 3);
        size_t i = support_below(&random, 50);
        if (held[p][i] != NULL) {
            free_memory(load_pools[p], held[p][i]);
        }
        held[p][i] = mp_allocate(load_pools[p],
                                 1 + support_below(&random, 3000));
        if (!begun) {
            begun = true;
            atomic_fetch_add(&load_begun, 1);
        }
    }
    return NULL;
}

static void load_start(void)
{
    mp_options_t locked = {.threads = MP_THREADS_LOCKED};
    mp_options_t limited = {.capacity = 10000000};

    load_pools[0] = mp_create(NULL);
    load_pools[1] = mp_create(&locked);
    load_pools[2] = mp_create(&limited);
    atomic_store(&load_ends, false);
    atomic_store(&load_begun, 0);
    threads_start(&load_threads, LOAD, load, (void *)1, 1);
    /* The C library asks for memory as a thread begins.  A sanitizer's malloc()
     * may hold a lock then, which a child would have for good. */
    while (atomic_load(&load_begun) < LOAD) {
        sched_yield();
    }
}

static void load_end(void)
{
    atomic_store(&load_ends, true);
    threads_join(&load_threads);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(mp_check(load_pools[i]), 0);
        destroy_memory_pool(load_pools[i]);
    }
}

/* In a child: each pool is whole, usable, and goes; 0 or what is wrong. */
static int use_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        memory_pool_t *mp = load_pools[i];
        void *object = mp_allocate(mp, 100);
        if (object == NULL || mp_check(mp) != 0) {
            return 1 + i;
        }
        free_memory(mp, object);
        free_all_memory(mp);
        if (mp_check(mp) != 0 || mp_allocate(mp, 5000) == NULL) {
            return 11 + i;
        }
        destroy_memory_pool(mp);
    }
    return 0;
}

START_TEST(a_child_of_a_fork_under_load_uses_its_pools)
{
    load_start();
    for (unsigned n = support_times(500, 20); n > 0; n--) {
        support_fork(use_all, NULL);
    }
    load_end();
}
END_TEST

static atomic_int handled;

static void use_in_handler(void)
{
    for (int i = 0; i < 3; i++) {
        void *object = mp_allocate(load_pools[i], 70);
        if (object != NULL && is_mp_ptr(load_pools[i], object)) {
            free_memory(load_pools[i], object);
            atomic_fetch_add(&handled, 1);
        }
    }
}

static int use_after_handlers(void *unused)
{
    return atomic_load(&handled) == 6 ? use_all(unused) : 77;
}

START_TEST(handlers_of_fork_use_pools)
{
    load_start();
    ck_assert_int_eq(pthread_atfork(use_in_handler, use_in_handler,
                                    use_in_handler),
                     0);
    unsigned count = support_times(100, 10);
    for (unsigned n = 0; n < count; n++) {
        atomic_store(&handled, 0);
        support_fork(use_after_handlers, NULL);
        POOLS_EXPECT(atomic_load(&handled) == 6);
    }
    load_end();
}
END_TEST

static int exit_under_load(void *argument)
{
    load_start();
    usleep(*(unsigned *)argument * 100);
    exit(0);
}

START_TEST(a_process_exits_while_threads_use_pools)
{
    for (unsigned n = support_times(50, 5); n > 0; n--) {
        support_fork(exit_under_load, &n);
    }
}
END_TEST

struct hand {
    memory_pool_t *mp;
    void *objects[64];
};

static void *use_keyless(void *argument)
{
    struct hand *hand = argument;

    for (unsigned i = 0; i < 64; i++) {
        hand->objects[i] = mp_allocate(hand->mp, 1 + i * 20);
        if (i % 2 == 0) {
            free_memory(hand->mp, hand->objects[i]);
        }
    }
    return NULL;
}

/* No key is left for the library. */
static int work_without_keys(void *unused)
{
    pthread_key_t key;
    pthread_t thread;

    (void)unused;
    while (pthread_key_create(&key, NULL) == 0) {
    }
    struct hand hand = {.mp = mp_create(NULL)};
    if (hand.mp == NULL ||
        pthread_create(&thread, NULL, use_keyless, &hand) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    bool live = is_mp_ptr(hand.mp, hand.objects[1]);
    bool whole = mp_check(hand.mp) == 0;
    destroy_memory_pool(hand.mp);
    return !live ? 2 : !whole ? 3 : 0;
}

START_TEST(a_thread_works_without_a_thread_key)
{
    support_fork(work_without_keys, NULL);
}
END_TEST

static void *use_loaded(void *argument)
{
    struct hand *hand = argument;
    void *library = dlopen(PROCESSES_LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        return NULL;
    }
    memory_pool_t *(*create)(const mp_options_t *, size_t);
    void *(*allocate)(memory_pool_t *, size_t);
    void (*destroy)(memory_pool_t *);
    *(void **)&create = dlsym(library, "mp_create_sized");
    *(void **)&allocate = dlsym(library, "mp_allocate");
    *(void **)&destroy = dlsym(library, "destroy_memory_pool");
    memory_pool_t *mp = create(NULL, sizeof(mp_options_t));
    hand->objects[0] = allocate(mp, 100);
    destroy(mp);
    dlclose(library);
    return NULL; /* the key's destructor is to be there yet */
}

START_TEST(a_library_closed_by_dlclose_outlives_its_threads)
{
    struct hand hand = {0};

    if (access(PROCESSES_LIBRARY, R_OK) != 0) {
        return; /* built without a shared library */
    }
    for (unsigned n = 0; n < 20; n++) {
        support_join(support_start(use_loaded, &hand));
        ck_assert_ptr_nonnull(hand.objects[0]);
        hand.objects[0] = NULL;
    }
}
END_TEST

static atomic_uint load_round;

/* A thread that has many objects waits for the next reset.  Else the pool would
 * grow while it is checked, and take longer to check each time. */
static void *only_allocate(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    unsigned round = 0;
    unsigned objects = 0;

    while (!atomic_load(&load_ends)) {
        unsigned now = atomic_load(&load_round);
        objects = now == round ? objects + 1 : 0;
        round = now;
        if (objects > 1000 ||
            mp_allocate(load_pools[0], 1 + support_below(&random, 2000)) ==
                NULL) {
            sched_yield();
        }
    }
    return NULL;
}

/* A reset beside allocations; the second time, of a pool with a lock, beside
 * frees too, which are then of objects that may be gone. */
START_TEST(a_reset_beside_other_threads_leaves_the_pool_whole)
{
    mp_options_t options = {.threads = (mp_threads_t)_i,
                            .capacity = _i == 0 ? 0 : 1000000};

    for (unsigned i = 0; i < 3; i++) {
        load_pools[i] = mp_create(&options);
    }
    atomic_store(&load_ends, false);
    threads_start(&load_threads, LOAD, _i == 0 ? only_allocate : load,
                  (void *)1, 1);
    for (unsigned n = support_times(3000, 10); n > 0; n--) {
        atomic_store(&load_round, n);
        for (unsigned i = 0; i < 3; i++) {
            free_all_memory(load_pools[i]);
            POOLS_EXPECT(mp_check(load_pools[i]) == 0);
        }
    }
    load_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processes");
    TCase *processes = support_case(suite, "processes");
    TCase *resets = support_case(suite, "resets");

    tcase_add_test(processes, a_child_of_a_fork_under_load_uses_its_pools);
    tcase_add_test(processes, handlers_of_fork_use_pools);
    tcase_add_test(processes, a_process_exits_while_threads_use_pools);
    tcase_add_test(processes, a_thread_works_without_a_thread_key);
    tcase_add_test(processes,
                   a_library_closed_by_dlclose_outlives_its_threads);
    tcase_add_loop_test(resets,
                        a_reset_beside_other_threads_leaves_the_pool_whole, 0,
                        2);
    return support_run(suite);
}
