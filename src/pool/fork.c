/* SPDX-License-Identifier: MIT
 *
 * fork.c - the child of a process with threads can use every pool.
 *
 * Before fork() every lock of the library is taken, in the one order that
 * thread.h gives, and every pool is paused: so no other thread is in the
 * middle of anything.  In the child those threads are gone; what their
 * caches hold goes back to the pools, and the pools that they made have no
 * maker any more.
 *
 * The handlers are registered when the library is loaded, so that handlers
 * of the program, registered later, may use pools: those run before ours
 * prepare and after ours are done.  It is thread.c that has this done, since
 * a linker takes no file out of an archive that nothing refers to.
 *
 * What it cannot do: see vfork() or a bare clone().
 */
#include <pthread.h>

#include "pool/pool.h"

static void fork_hold_pool(struct memory_pool *mp, void *argument)
{
    bool *others = argument;

    lock_take(&mp->lock);
    *others = cache_withdraw(mp) || *others;
}

static void fork_await_pool(struct memory_pool *mp, void *argument)
{
    (void)argument;
    cache_await_all(mp);
}

static void fork_drop_pool(struct memory_pool *mp, void *argument)
{
    (void)argument;
    cache_resume(mp);
    lock_drop(&mp->lock);
}

static void fork_forget_pool(struct memory_pool *mp, void *argument)
{
    (void)argument;
    cache_forked(mp);
}

static void fork_prepare(void)
{
    bool others = false;

    thread_hold();
    thread_each_pool(fork_hold_pool, &others);
    if (others) {
        sync_barrier();
        thread_each_pool(fork_await_pool, NULL);
    }
    range_fork_prepare();
    lock_fork_prepare();
}

static void fork_parent(void)
{
    lock_fork_parent();
    range_fork_done();
    thread_each_pool(fork_drop_pool, NULL);
    thread_drop();
}

static void fork_child(void)
{
    lock_fork_child();
    range_fork_done();
    sync_barrier_start();
    thread_forked();
    thread_each_pool(fork_forget_pool, NULL);
    thread_each_pool(fork_drop_pool, NULL);
    thread_drop();
}

void fork_start(void)
{
    /* Without room for handlers the child of a process with threads is
     * without pools; nothing else can be done about it here. */
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}
