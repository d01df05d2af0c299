/* SPDX-License-Identifier: MIT
 *
 * check_pause.c - a pool is paused: no other user is inside any more.
 *
 * A thread that pauses a pool waits for the threads that are inside one of
 * its caches, which is shown by standing there: this program does so by the
 * functions of <memory_pool_inline.h>, as compiled-in code does.  A fork
 * pauses every pool; what happens in the child, before it can do much, is
 * counted by inject.h.
 *
 * What it cannot do: show any of it where nothing is compiled in, or there are
 * no caches in the process.
 */
#include <memory_pool_inline.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "called.h"
#include "inject.h"
#include "pools.h"
#include "threads.h"

#if MP_INLINE_ABLE
/* A thread that is inside, by its own cache or by a handle's, and stays there
 * until the other is done, which is wrong, or could long have been. */
struct stay {
    memory_pool_t *mp;
    mp_handle_t *handle; /* or NULL */
    struct threads_barrier barrier;
    atomic_bool done;
    bool inside;
    bool not_waited_for;
};

static void *stay_inside(void *argument)
{
    struct stay *stay = argument;
    struct mp_inline_handle *handle =
        (struct mp_inline_handle *)(void *)stay->handle;
    struct mp_inline_thread *note =
        handle != NULL ? &handle->thread : &mp_inline_thread_1;

    if (handle != NULL) {
        stay->inside = mp_inline_enter_handle(handle) == stay->mp;
    } else {
        pools_use_cache(stay->mp);
        stay->inside = mp_inline_enter(note, stay->mp) != NULL;
    }
    threads_barrier_wait(&stay->barrier);
    for (unsigned i = 0; stay->inside && i < 100; i++) {
        usleep(200);
        stay->not_waited_for =
            stay->not_waited_for || atomic_load(&stay->done);
    }
    if (stay->inside) {
        mp_inline_leave(note);
    }
    threads_barrier_wait(&stay->barrier); /* a fork sees it run */
    return NULL;
}

/* Each pauses the pool. */
static void rest_reset(memory_pool_t *mp)
{
    free_all_memory(mp);
}

static void rest_check(memory_pool_t *mp)
{
    ck_assert_int_eq(mp_check(mp), 0);
}

static void rest_count(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(mp, &stats), 0);
}

static int rest_in_child(void *unused)
{
    (void)unused;
    return 0;
}

static void rest_fork(memory_pool_t *mp)
{
    support_fork(rest_in_child, mp);
}

static void (*const rests[])(memory_pool_t *) = {rest_reset, rest_check,
                                                 rest_count, rest_fork};
#define RESTS (int)(sizeof rests / sizeof *rests)

/* Where thread-local variables are emulated, what is compiled in gets inside
 * by a handle alone. */
#ifdef MP_EMULATED_TLS
#define FIRST RESTS
#else
#define FIRST 0
#endif

START_TEST(a_rest_waits_for_the_thread_that_is_inside)
{
    bool exist = pools_caches_exist();
    struct stay stay = {.mp = pools_make_named()};
    pthread_t thread;

    threads_barrier_start(&stay.barrier, 2);
    if (_i >= RESTS) { /* no thread has a cache, only the handle is one */
        stay.handle = mp_attach(stay.mp);
        ck_assert_ptr_nonnull(stay.handle);
        CALLED(mp_handle_free)(stay.handle,
                               CALLED(mp_handle_allocate)(stay.handle, 16));
    }
    thread = support_start(stay_inside, &stay);
    threads_barrier_wait(&stay.barrier);
    rests[_i % RESTS](stay.mp);
    atomic_store(&stay.done, true);
    threads_barrier_wait(&stay.barrier);
    support_join(thread);
    ck_assert(stay.inside == exist);
    ck_assert(!stay.not_waited_for);
    destroy_memory_pool(stay.mp);
    threads_barrier_end(&stay.barrier);
}
END_TEST

/* While fork() holds the pools, no user gets inside by a handle.  A user that
 * is refused so leaves no note in the child, which would wait for it.  The
 * library's handlers in the child free nothing, since malloc() may not work
 * yet.  The handlers here run with the pools held, and before the library's in
 * the child. */
static bool in_child; /* where the handlers of fork() run */
static size_t freed_in_child;
static mp_handle_t *held_handle; /* NULL: the fork is not this test's */
static bool held_offered;

static struct mp_inline_handle *held_inline(void)
{
    return (struct mp_inline_handle *)(void *)held_handle;
}

static void held_prepare(void)
{
    if (held_handle == NULL) {
        return;
    }
    if (mp_inline_enter_handle(held_inline()) != NULL) {
        held_offered = true;
        mp_inline_leave(&held_inline()->thread);
    }
    /* As a thread that wrote its note and is then kept from going on. */
    __atomic_store_n(&held_inline()->thread.inside, MP_INLINE_NO_POOL,
                     __ATOMIC_RELAXED);
}

static void held_parent(void)
{
    if (held_handle != NULL) {
        mp_inline_leave(&held_inline()->thread);
    }
}

static void held_child(void)
{
    in_child = held_handle != NULL;
}

static bool count_frees(struct inject_call *call)
{
    if (in_child && call->function == INJECT_FREE) {
        freed_in_child++;
    }
    return false;
}

/* Registered after the library's, so it runs after that in the child. */
static void held_child_done(void)
{
    in_child = false;
}

__attribute__((__constructor__(101))) static void held_start(void)
{
    if (pthread_atfork(held_prepare, held_parent, held_child) != 0) {
        abort();
    }
}

/* A thread with caches, some of which have lost their pool, and a pool kept. */
#define HELD_POOLS 20u
static void *live_beside_fork(void *argument)
{
    struct threads_barrier *barrier = argument;
    memory_pool_t *pools[HELD_POOLS];

    for (unsigned i = 0; i < HELD_POOLS; i++) {
        pools[i] = pools_make_named();
        pools_use_cache(pools[i]);
    }
    for (unsigned i = 0; i < HELD_POOLS / 2; i++) {
        destroy_memory_pool(pools[i]);
    }
    memory_pool_t *kept = mp_create(NULL);
    pools_use_cache(kept);
    destroy_memory_pool(kept);
    threads_barrier_wait(barrier);
    threads_barrier_wait(barrier);
    for (unsigned i = HELD_POOLS / 2; i < HELD_POOLS; i++) {
        destroy_memory_pool(pools[i]);
    }
    return NULL;
}

static int use_in_child(void *mp)
{
    if (held_inline()->thread.inside != NULL) {
        return 2;
    }
    if (freed_in_child > 0) {
        return 3;
    }
    void *object = CALLED(mp_handle_allocate)(held_handle, 16);
    memory_pool_t *own = mp_create(NULL);
    return object != NULL && mp_check(mp) == 0 && own != NULL &&
                   CALLED(mp_allocate)(own, 16) != NULL && mp_check(own) == 0
               ? 0
               : 4;
}

START_TEST(a_fork_keeps_handles_out_and_its_child_frees_nothing)
{
    memory_pool_t *mp = pools_make_named();
    struct threads_barrier barrier;

    threads_barrier_start(&barrier, 2);
    pthread_t thread = support_start(live_beside_fork, &barrier);
    threads_barrier_wait(&barrier);
    ck_assert_int_eq(pthread_atfork(NULL, NULL, held_child_done), 0);
    mp_handle_t *handle = mp_attach(mp);
    ck_assert_ptr_nonnull(handle);
    CALLED(mp_handle_free)(handle, CALLED(mp_handle_allocate)(handle, 16));
    held_handle = handle;
    support_fork(use_in_child, mp);
    held_handle = NULL;
    threads_barrier_wait(&barrier);
    support_join(thread);
    ck_assert(!held_offered);
    destroy_memory_pool(mp);
    threads_barrier_end(&barrier);
}
END_TEST
int main(void)
{
    Suite *suite = suite_create("pause");
    TCase *all = support_case(suite, "all");

    atomic_store(&inject_hook, count_frees);
    tcase_add_loop_test(all, a_rest_waits_for_the_thread_that_is_inside, FIRST,
                        2 * RESTS);
    tcase_add_test(all, a_fork_keeps_handles_out_and_its_child_frees_nothing);
    return support_run(suite);
}
#else
int main(void)
{
    puts("check_pause: nothing is compiled in here");
    return 77; /* skipped */
}
#endif
