/* SPDX-License-Identifier: MIT
 *
 * end.c - a pool is reset or destroyed: children first, cleanups next.
 *
 * The end of a pool, and its reset, first ends the pools below it and then
 * calls its cleanups.  Both lists are taken apart from their newest end, one
 * element at a time under the pool's lock, and the element is dealt with once
 * the lock is left: a cleanup may do with other pools, and with this one,
 * what the program does anywhere.  So the lists may grow meanwhile, and the
 * work goes on until both are empty.
 *
 * One reset, or one end, of a pool is a struct tree_run here.  (A cache's run
 * is something else.)  A thread keeps a list of those that it has under way.
 * So a cleanup that resets or destroys its own pool, or one above, is found and
 * refused.  A cleanup that a cleanup added is told from one that was there
 * before, since only the number of the former is bounded.  The list is the
 * thread's own: after a fork there is nothing of other threads to undo.
 *
 * A struct tree_run lies in the struct tree of its pool.  A cleanup must
 * return.  If it leaves by longjmp(), or its thread is cancelled, the struct
 * stays on the list.  Then this thread can no longer reset or destroy the pool.
 * Other threads can, and the struct then says that the pool is gone.
 *
 * Trees may be deep, so ending one goes down and up by links in the pools
 * themselves and not by calls.
 *
 * What it cannot do: keep objects live for a cleanup while another thread
 * resets the same pool, and then refuse a reset to cleanups of both threads:
 * only one of them has the pool on its list.  Nor stop a cleanup that never
 * returns.
 */
#include "pool/end.h"

#include <pthread.h>
#include <stdlib.h>

#include "pool/leaks.h"
#include "pool/life.h"
#include "pool/report.h"
#include "pool/tree.h"

/* Cleanups and children that cleanups may add in one reset or destroy. */
#define END_LATE_MOST 65536u

/* struct tree_run by link: what the calling thread is ending. */
static _Thread_local struct list end_runs MP_INLINE_TLS;

/* The calling thread is ending or resetting the pool, or one below it. */
static bool end_is_busy(const struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    const struct memory_pool *walked = NULL;

    for (struct list_link *link = end_runs.first; link != NULL;
         link = link->next) {
        const struct tree_run *run = LIST_ENTRY(link, struct tree_run, link);
        /* Acquire pairs with the release in tree_abandon(). */
        const struct memory_pool *at = sync_get_acquire(&run->mp);
        /* While a tree is ended, each enclosing run is that of the parent, and
         * was walked already as an ancestor. */
        bool passed = walked != NULL && at != NULL &&
                      tree_parent(walked) == at;
        walked = at;
        for (; !passed && at != NULL; at = tree_parent(at)) {
            if (at == mp) {
                return true;
            }
        }
    }
    return false;
}

/* Begins a struct tree_run in its place, on the thread's list. */
static void end_begin_run(struct tree_run *run, struct memory_pool *mp,
                          struct tree_run *parent)
{
    ASSERT(run == &mp->tree->run || run == &mp->tree->own);
    ASSERT(sync_get(&run->mp) == NULL);
    ASSERT(parent == NULL || mp->tree->parent == parent->mp);
    ASSERT(parent == NULL || parent->first != NULL);
    run->parent = parent;
    run->first = parent == NULL ? run : parent->first;
    run->late = 0;
    run->dropping = false;
    run->dropped = false;
    list_push(&end_runs, &run->link);
    sync_put(&run->mp, mp);
}

/* Takes a run off the thread's list; its place may be used again. */
static void end_finish_run(struct tree_run *run)
{
    ASSERT(sync_get(&run->mp) != NULL);
    if (list_has(&run->link)) {
        list_remove(&run->link);
    }
    /* Release pairs with the acquire in end_claim_run(). */
    sync_put_release(&run->mp, (struct memory_pool *)NULL);
}

/* Begins the outermost run, in the pool's own place for it; or, where another
 * thread has that, in place, which is on no list. */
static struct tree_run *end_claim_run(struct memory_pool *mp,
                                      struct tree_run *place)
{
    ASSERT(lock_none_is_held() && mp->tree != NULL);
    struct tree_run *run = &mp->tree->own;
    bool taken = pool_enter(mp);
    bool claimed = sync_get_acquire(&run->mp) == NULL;

    if (claimed) {
        end_begin_run(run, mp, NULL);
    }
    lock_leave(&mp->lock, taken);
    if (claimed) {
        return run;
    }
    *place = (struct tree_run){.mp = mp, .first = place};
    return place;
}

/* True: what a cleanup added is one too many. */
static bool end_is_too_late(struct tree_run *run, bool late)
{
    ASSERT(run->first != NULL && run->first->parent == NULL);
    return run->dropping || (late && run->first->late++ >= END_LATE_MOST);
}

/* Goes down to the newest child, or calls the newest cleanup; NULL: there is
 * neither.  Returns the run to go on with. */
static struct tree_run *end_step(struct tree_run *run)
{
    ASSERT(lock_none_is_held() && run->mp->tree != NULL);
    /* Children go before cleanups: what a cleanup closes may still be in use
     * by the pools below. */
    struct memory_pool *child = tree_take_child(run->mp);

    if (child != NULL) {
        struct tree *tree = child->tree;
        bool dropping = end_is_too_late(run, tree->late);
        end_begin_run(&tree->run, child, run);
        tree->run.dropping = dropping;
        sync_put(&tree->runner, &thread_state);
        return &tree->run;
    }
    struct tree_cleanup *cleanup = tree_take_cleanup(run->mp);
    if (cleanup == NULL) {
        return NULL;
    }
    if (end_is_too_late(run, cleanup->late)) {
        run->dropped = true;
    } else {
        cleanup->fn(cleanup->arg);
        ASSERT(lock_none_is_held() && run->mp->tree != NULL);
    }
    free(cleanup);
    return run;
}

/* The caller has run the cleanups by then, since what they free is no leak. */
static void end_report_leaks(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    if ((mp->settings.flags & MP_LEAK_CHECK) != 0) {
        leaks_report(mp);
    }
}

/* The program's function may be a cancellation point, and the pool is half
 * ended: this is no place to vanish. */
static void end_report_dropped(struct memory_pool *mp)
{
    int cancel;
    ASSERT(lock_none_is_held());

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    report_words(mp, MP_EVENT_CLEANUP, "cleanups add cleanups without end",
                 NULL);
    pthread_setcancelstate(cancel, NULL);
}

/* A run has neither children nor cleanups left.  Returns the one to go on
 * with, after the pool of this one was destroyed; NULL: it was the first. */
static struct tree_run *end_go_up(struct tree_run *run)
{
    ASSERT(run->mp != NULL && (run->parent == NULL) == (run == run->first));
    struct memory_pool *mp = run->mp;
    struct tree_run *parent = run->parent;

    if (run->dropped) {
        end_report_dropped(mp);
    }
    end_finish_run(run);
    if (parent == NULL) {
        return NULL;
    }
    end_report_leaks(mp);
    life_destroy(mp);
    return parent;
}

/* Destroys the pools below and calls the cleanups, until neither is left. */
static enum result end_prepare(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct tree_run place;

    /* Acquire: another thread may have made the tree. */
    if (sync_get_acquire(&mp->tree) == NULL) {
        return RESULT_OK;
    }
    if (end_is_busy(mp)) {
        return RESULT_BUSY;
    }
    struct tree_run *run = end_claim_run(mp, &place);
    sync_put(&mp->tree->runner, &thread_state);
    while (run != NULL) {
        struct tree_run *next = end_step(run);
        run = next != NULL ? next : end_go_up(run);
    }
    /* What is added from now on is no cleanup's doing, so no limit is on
     * it. */
    sync_put(&mp->tree->runner, (const struct mp_inline_thread *)NULL);
    return RESULT_OK;
}

/* The pools below go, and are not reset: the program made them for what the
 * reset ends, and has no other moment at which to destroy them. */
enum result end_reset(struct memory_pool *mp)
{
    MP_FRAME();
    enum result result = end_prepare(mp);

    if (result == RESULT_OK) {
        life_reset(mp);
    }
    return result;
}

/* Until life_destroy() the pool stays on its parent's list, so a refusal
 * leaves the tree as it was. */
enum result end_destroy(struct memory_pool *mp)
{
    MP_FRAME();
    enum result result = end_prepare(mp);

    if (result == RESULT_OK) {
        ASSERT(mp->tree == NULL || mp->tree->children.first == NULL);
        end_report_leaks(mp);
        life_destroy(mp);
    }
    return result;
}
