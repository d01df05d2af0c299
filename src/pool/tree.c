/* SPDX-License-Identifier: MIT
 *
 * tree.c - pools below pools, and what is called when one goes.
 *
 * The end of a pool, and its reset, first ends the pools below it and then
 * calls its cleanups.  Both lists are taken apart from their newest end, one
 * element at a time under the pool's lock, and the element is dealt with once
 * the lock is left: a cleanup may do with other pools, and with this one,
 * what the program does anywhere.  So the lists may grow meanwhile, and the
 * work goes on until both are empty.
 *
 * A thread keeps a chain of what it is ending.  By that a cleanup that
 * resets or destroys its own pool, or one above, is found and refused; and
 * what cleanups add is told from what stood there before, so that only the
 * former is bounded.  The chain is the thread's own: after a fork there is
 * nothing of other threads to undo.
 *
 * Trees may be deep, so ending one goes down and up by links in the pools
 * themselves and not by calls.
 *
 * Each capacity above a pool counts what it holds.  The locks of the pools
 * above are taken one after the other, never two at once, so there is no
 * order between the locks of pools, which fork() takes all.  The price is a
 * lock for each level, and no fast path: a pool below a capacity is slower.
 *
 * What it cannot do: keep objects live for a cleanup while another thread
 * resets the same pool.  Nor stop a cleanup that never returns.
 */
#include "pool/tree.h"

#include <errno.h>
#include <stdlib.h>

#include "pool/report.h"
#include "cache/thread.h"
#include "pool/walk.h"

/* Cleanups and children that cleanups may add in one reset or destroy. */
#define TREE_LATE_MOST 65536u

struct tree_cleanup {
    struct tree_cleanup *older;
    void (*fn)(void *arg);
    void *arg;
    bool late; /* added by a cleanup of the same run */
};

static _Thread_local struct tree_run *tree_runs MP_INLINE_TLS;

bool tree_is_bounding(const struct memory_pool *parent)
{
    return parent->capacity != SIZE_MAX || parent->bounded;
}

/* The calling thread is ending or resetting just this pool.  Relaxed: only
 * what it wrote itself is ever its own mark. */
static bool tree_is_run(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree != NULL && sync_get(&tree->runner) == &thread_state;
}

/* Or one below it. */
static bool tree_is_busy(const struct memory_pool *mp)
{
    const struct memory_pool *walked = NULL;

    for (const struct tree_run *r = tree_runs; r != NULL; r = r->outer) {
        const struct memory_pool *at = r->mp;
        /* On the way down each run is the parent of the one before. */
        bool passed = walked != NULL && walked->tree->parent == at;
        walked = at;
        while (!passed && at != NULL) {
            if (at == mp) {
                return true;
            }
            at = at->tree->parent;
        }
    }
    return false;
}

/* The pool's struct tree, made if it has none; NULL: no memory. */
static struct tree *tree_of(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);
    struct tree *tree = mp->tree;

    lock_leave(&mp->lock, taken);
    if (tree != NULL) {
        return tree;
    }
    struct tree *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return NULL;
    }
    taken = pool_enter_lock(mp);
    if (mp->tree == NULL) {
        sync_put_release(&mp->tree, fresh);
        fresh = NULL;
    }
    tree = mp->tree;
    lock_leave(&mp->lock, taken);
    free(fresh);
    return tree;
}

bool tree_join(struct memory_pool *mp, struct memory_pool *parent)
{
    struct tree *above = tree_of(parent);
    struct tree *tree = above == NULL ? NULL : tree_of(mp);

    if (tree == NULL) {
        return false;
    }
    tree->parent = parent;
    tree->late = tree_is_run(parent);
    bool taken = pool_enter_lock(parent);
    tree->older = above->children;
    if (tree->older != NULL) {
        tree->older->tree->newer = mp;
    }
    above->children = mp;
    tree->listed = true;
    lock_leave(&parent->lock, taken);
    return true;
}

/* Takes a pool off the list of its parent, whose lock is held. */
static void tree_unlist(struct tree *tree)
{
    if (!tree->listed) {
        return;
    }
    if (tree->older != NULL) {
        tree->older->tree->newer = tree->newer;
    }
    if (tree->newer != NULL) {
        tree->newer->tree->older = tree->older;
    } else {
        tree->parent->tree->children = tree->older;
    }
    tree->older = NULL;
    tree->newer = NULL;
    tree->listed = false;
}

void tree_leave(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    struct memory_pool *parent = tree->parent;

    if (parent != NULL) {
        bool taken = pool_enter_lock(parent);
        tree_unlist(tree);
        lock_leave(&parent->lock, taken);
    }
    while (tree->cleanups != NULL) {
        struct tree_cleanup *cleanup = tree->cleanups;
        tree->cleanups = cleanup->older;
        free(cleanup);
    }
    mp->tree = NULL;
    free(tree);
}

/* Gives back up to, and not from, the pool that is the end; NULL: all. */
static void tree_uncharge_until(struct memory_pool *mp, size_t bytes,
                                const struct memory_pool *end)
{
    struct memory_pool *at = tree_parent(mp);

    for (; at != end; at = tree_parent(at)) {
        if (at->capacity != SIZE_MAX) {
            bool taken = pool_enter_lock(at);
            at->room += bytes;
            at->tree->charged -= bytes;
            lock_leave(&at->lock, taken);
        }
    }
}

bool tree_charge(struct memory_pool *mp, size_t bytes)
{
    struct memory_pool *at = tree_parent(mp);

    for (; at != NULL; at = tree_parent(at)) {
        if (at->capacity == SIZE_MAX) {
            continue;
        }
        bool taken = pool_enter_lock(at);
        bool fits = bytes <= pool_room(at);
        if (fits) {
            pool_hold(at, bytes);
            at->tree->charged += bytes;
        }
        lock_leave(&at->lock, taken);
        if (!fits) {
            tree_uncharge_until(mp, bytes, at);
            return false;
        }
    }
    return true;
}

void tree_uncharge(struct memory_pool *mp, size_t bytes)
{
    if (bytes > 0) {
        tree_uncharge_until(mp, bytes, NULL);
    }
}

/* Takes the newest child off the list; NULL: there is none. */
static struct memory_pool *tree_take_child(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);
    struct memory_pool *child = mp->tree->children;

    if (child != NULL) {
        tree_unlist(child->tree);
    }
    lock_leave(&mp->lock, taken);
    return child;
}

static struct tree_cleanup *tree_take_cleanup(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);
    struct tree_cleanup *cleanup = mp->tree->cleanups;

    if (cleanup != NULL) {
        mp->tree->cleanups = cleanup->older;
    }
    lock_leave(&mp->lock, taken);
    return cleanup;
}

/* True: what a cleanup added is one too many. */
static bool tree_is_too_late(struct tree_run *run, bool late)
{
    return run->dropping || (late && run->first->late++ >= TREE_LATE_MOST);
}

/* Goes on with a run by one step; NULL: there is nothing left in it, else
 * the run to go on with. */
static struct tree_run *tree_step(struct tree_run *run)
{
    struct memory_pool *child = tree_take_child(run->mp);

    if (child != NULL) {
        struct tree_run *inner = &child->tree->run;
        *inner = (struct tree_run){
            .mp = child, .outer = run, .first = run->first};
        inner->dropping = tree_is_too_late(run, child->tree->late);
        sync_put(&child->tree->runner, &thread_state);
        tree_runs = inner;
        return inner;
    }
    struct tree_cleanup *cleanup = tree_take_cleanup(run->mp);
    if (cleanup == NULL) {
        return NULL;
    }
    if (tree_is_too_late(run, cleanup->late)) {
        run->dropped = true;
    } else {
        cleanup->fn(cleanup->arg);
    }
    free(cleanup);
    return run;
}

bool tree_prepare(struct memory_pool *mp)
{
    struct tree_run first = {.mp = mp, .outer = tree_runs};
    struct tree_run *run = &first;
    int error = errno;

    first.first = &first;
    if (tree_is_busy(mp)) {
        report_event(mp, MP_EVENT_BUSY, NULL);
        return false;
    }
    tree_runs = run;
    sync_put(&mp->tree->runner, &thread_state);
    while (run != NULL) {
        struct tree_run *next = tree_step(run);
        if (next == NULL) { /* this one is done */
            struct memory_pool *done = run == &first ? NULL : run->mp;
            if (run->dropped) {
                report_cleanup(run->mp,
                               "cleanups add cleanups without end");
            }
            next = done == NULL ? NULL : run->outer;
            tree_runs = run->outer;
            if (done != NULL) {
                if ((done->flags & MP_LEAK_CHECK) != 0) {
                    walk_report_leaks(done);
                }
                pool_destroy(done);
            }
        }
        run = next;
    }
    sync_put(&mp->tree->runner, (const struct mp_inline_thread *)NULL);
    errno = error;
    return true;
}

struct memory_pool *tree_first(const struct memory_pool *mp)
{
    return mp->tree == NULL ? NULL : mp->tree->children;
}

struct memory_pool *tree_next(const struct memory_pool *mp)
{
    return mp->tree == NULL ? NULL : mp->tree->older;
}

struct memory_pool *tree_parent(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree == NULL ? NULL : tree->parent;
}

int tree_add_cleanup(struct memory_pool *mp, void (*fn)(void *arg), void *arg)
{
    struct tree *tree = tree_of(mp);
    struct tree_cleanup *cleanup =
        tree == NULL ? NULL : malloc(sizeof *cleanup);

    if (cleanup == NULL) {
        return ENOMEM;
    }
    cleanup->fn = fn;
    cleanup->arg = arg;
    cleanup->late = tree_is_run(mp);
    bool taken = pool_enter_lock(mp);
    cleanup->older = tree->cleanups;
    tree->cleanups = cleanup;
    lock_leave(&mp->lock, taken);
    return 0;
}

bool tree_remove_cleanup(struct memory_pool *mp, void (*fn)(void *arg),
                         void *arg)
{
    struct tree_cleanup *cleanup = NULL;
    bool taken = pool_enter_lock(mp);

    if (mp->tree != NULL) {
        struct tree_cleanup **link = &mp->tree->cleanups;
        while (*link != NULL && ((*link)->fn != fn || (*link)->arg != arg)) {
            link = &(*link)->older;
        }
        cleanup = *link;
        if (cleanup != NULL) {
            *link = cleanup->older;
        }
    }
    lock_leave(&mp->lock, taken);
    free(cleanup);
    return cleanup != NULL;
}
