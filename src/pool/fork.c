/* SPDX-License-Identifier: MIT
 *
 * fork.c - the child of a process with threads can use every pool.
 *
 * Before fork() every lock of the library is taken, in the order of their
 * ranks, and every pool is paused: so no other thread is in the middle of
 * anything.  In the child those threads are gone.  What their caches hold goes
 * back to the pools, and the pools that they made have no maker any more.
 *
 * The locks of pools and quotas are taken, and later dropped, by the lists of
 * pools by maker.  Both sides meet the same pools:
 *
 *   - While the threads' locks are held, no pool comes onto a list or goes off
 *     one.  thread_forked() in the child only moves pools between lists.
 *   - No lock of a listed pool is held by a thread that waits for one of the
 *     threads' locks.  So taking all of them here ends.
 *   - A pool is listed before another thread can meet it, and as long as any
 *     thread takes a lock of it.  So no lock is left taken in the child.
 *   - No pool is half moved: a move holds the lock of moves, or says that it
 *     waits.
 *
 * A pool that is listed but not open is kept to be made again, or a thread is
 * making or ending it.  In the child that thread is gone.  Such a pool is left:
 * it leaves its parent, and is charged to no other pool any more, at once.  Its
 * memory goes when the child makes its next pool, since free() and a backing
 * must not be called here.  What the thread had in its hands is lost, as is
 * anything that a thread got from malloc() and that nobody else knows.
 *
 * The handlers are registered when the library is loaded, so that handlers
 * of the program, registered later, may use pools: those run before ours
 * prepare and after ours are done.
 *
 * What it cannot do: see vfork() or a bare clone().
 */
#include "pool/fork.h"

#include <pthread.h>

#include "base/tool.h"
#include "cache/pause.h"
#include "pool/each.h"
#include "pool/pool.h"
#include "pool/recall.h"
#include "pool/recycle.h"
#include "pool/setting.h"
#include "pool/tree.h"
#include "store/outside.h"
#include "store/range.h"

static struct memory_pool *fork_left; /* atomic; by kept_next */

/* No pool is half moved, and no thread waits for others to move one. */
static void fork_hold_moves(void)
{
    lock_take(&pool_moves);
    unsigned times = 0;

    while (pool_move_waits) {
        lock_drop(&pool_moves);
        pause_yield(&times);
        lock_take(&pool_moves);
    }
}

/* Before any pool's: a recall takes them in that order. */
static void fork_hold_recall(struct thread_place *place, void *argument)
{
    (void)argument;
    lock_take(&pool_at(place)->quota.recall);
}

static void fork_drop_recall(struct thread_place *place, void *argument)
{
    (void)argument;
    lock_drop(&pool_at(place)->quota.recall);
}

/* Revoking waits for nobody.  The wait comes when all pools are locked, behind
 * one fence: a fence for each pool would make fork() slow. */
static void fork_hold_pool(struct thread_place *place, void *argument)
{
    struct memory_pool *mp = pool_at(place);
    bool *fence = argument;
    ASSERT(sync_get(&place->maker) != NULL);

    lock_take(&mp->lock);
    *fence = pause_revoke(&mp->caches) || *fence;
}

/* The wait ends soon: a user is inside for some instructions, and waits for no
 * lock there. */
static void fork_await_pool(struct thread_place *place, void *argument)
{
    (void)argument;
    pause_await(&pool_at(place)->caches);
}

/* The lock of a tree of quotas is part of the topmost one.  Those of the others
 * are never taken, and taking all is simpler than to tell them apart. */
static void fork_hold_quota(struct thread_place *place, void *argument)
{
    (void)argument;
    lock_take(&pool_at(place)->quota.lock);
}

static void fork_drop_quota(struct thread_place *place, void *argument)
{
    (void)argument;
    lock_drop(&pool_at(place)->quota.lock);
}

/* The pause ends before the lock is left, since it may only be changed under
 * the lock. */
static void fork_drop_pool(struct thread_place *place, void *argument)
{
    struct memory_pool *mp = pool_at(place);

    (void)argument;
    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    pause_end(&mp->caches);
    lock_drop(&mp->lock);
}

/* Threads that the child does not have cannot say any more that they are
 * outside, so the next pause would wait for them without end. */
static void fork_forget_inside(struct thread_place *place, void *argument)
{
    struct memory_pool *mp = pool_at(place);

    (void)argument;
    pause_forked(&mp->caches);
    /* Nor does any go on with a sweep: who allocates next does. */
    mp->sweepers = mp->recalls = 0;
    /* Nor do they unpin: who forks has pinned nothing itself, and no move is
     * under way. */
    mp->pins = (struct pool_pins){0, false, NULL};
}

/* What threads that are gone were doing with whole pools is undone, or left to
 * be ended.  Acquire pairs with the release in each_close(). */
static void fork_leave_pool(struct thread_place *place, void *argument)
{
    struct memory_pool *mp = pool_at(place);

    (void)argument;
    tree_forked(mp);
    if (sync_get_acquire(&place->open) || sync_get(&place->kept) ||
        thread_is_own(sync_get(&place->builder))) {
        return;
    }
    /* A report had something added to a pool that ends: it is whole yet. */
    if (tree_holds_more(mp)) {
        each_open(mp);
        return;
    }
    tree_strand(mp);
    recall_forked(mp);
    mp->kept_next = sync_get(&fork_left);
    sync_put(&fork_left, mp);
}

/* Of a thread that the child does not have: the locks are held already. */
static void fork_thread_gone(struct thread *thread)
{
    ASSERT(thread != NULL);
    attach_thread_ends(thread, true);
    ASSERT(thread->attached.first == NULL);
    recycle_forked(thread);
}

/* Locks are taken in the order of ranks.  Any other could stop here for good,
 * beside a thread that takes two of the locks. */
static void fork_prepare(void)
{
    ASSERT(lock_none_is_held());
    bool fence = false;

    fork_hold_moves();
    setting_fork_prepare();
    thread_hold();
    thread_each_pool(fork_hold_recall, NULL);
    thread_each_pool(fork_hold_pool, &fence);
    if (fence) {
        /* One for all pools.  Pairs with sync_fence_light() in
         * mp_inline_enter(). */
        sync_fence_heavy();
    }
    thread_each_pool(fork_await_pool, NULL);
    thread_each_pool(fork_hold_quota, NULL);
    outside_fork_prepare();
    range_enter();
    tool_fork_prepare();
    lock_fork_prepare();
}

/* It leaves in the opposite order of fork_prepare(): no pool changes lists
 * before the last of them is left. */
static void fork_parent(void)
{
    lock_fork_parent();
    tool_fork_done();
    range_leave();
    outside_fork_done();
    thread_each_pool(fork_drop_quota, NULL);
    thread_each_pool(fork_drop_pool, NULL);
    thread_each_pool(fork_drop_recall, NULL);
    thread_drop();
    setting_fork_done();
    lock_drop(&pool_moves);
    ASSERT(lock_none_is_held());
}

static void fork_child(void)
{
    lock_fork_child();
    tool_fork_done();
    range_leave();
    outside_fork_done();
    /* A new process has to ask for the fence anew. */
    sync_fence_renew();
    thread_each_pool(fork_drop_quota, NULL);
    thread_forked(fork_thread_gone);
    each_forked();
    /* Those that are left from before are listed yet, and found anew. */
    sync_put(&fork_left, (struct memory_pool *)NULL);
    thread_each_pool(fork_leave_pool, NULL);
    thread_each_pool(fork_forget_inside, NULL);
    thread_each_pool(fork_drop_pool, NULL);
    thread_each_pool(fork_drop_recall, NULL);
    thread_drop();
    setting_fork_done();
    lock_drop(&pool_moves);
    ASSERT(lock_none_is_held());
}

/* Acquire, which a swap is too, is not needed: the child had one thread when
 * they were left, and started the others since. */
struct memory_pool *fork_take_left(void)
{
    ASSERT(lock_none_is_held());
    return sync_get(&fork_left) == NULL
               ? NULL
               : sync_swap(&fork_left, (struct memory_pool *)NULL);
}

void fork_start(void)
{
    /* Without room for handlers the child of a process with threads is
     * without pools; nothing else can be done about it here. */
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}
