/* SPDX-License-Identifier: MIT
 *
 * end.c - a pool is reset or destroyed: cleanups first, memory last.
 *
 * A reset or destroy of a pool first closes it: it calls the cleanups of all
 * pools below, children before their parent, and then the pool's own.  Only
 * when no cleanup is left does it free memory, again of children before their
 * parent.  So every cleanup finds every object of the whole tree.
 *
 *     close: the newest open child -> its children -> its cleanups -> closed
 *            no open child, no cleanup of its own left          -> closed
 *     free:  the newest closed child -> its children -> reports, memory
 *
 * Each list is taken apart from its newest end, one element at a time under
 * the pool's lock, and the element is dealt with once the lock is left: a
 * cleanup may do with other pools, and with this one, what the program does
 * anywhere.  So the lists may grow meanwhile, also those of pools that were
 * closed.  Such a pool is opened again, and the work goes on until all lists
 * are empty.
 *
 * A thread keeps a list of the resets and destroys that it has under way, each
 * a struct tree_run.  (A cache's run is something else.)  So a cleanup that
 * resets or destroys its own pool, or one above, is found and refused.  A
 * cleanup that a cleanup added is told from one that was there before, since
 * only the number of the former is bounded.  The list is the thread's own:
 * after a fork there is nothing of other threads to undo.
 *
 * A cleanup may leave by longjmp() or by an exception, or its thread may be
 * cancelled.  Nothing is lost by that: it is off its list, and each pool stays
 * in the list of its stage.  The next reset or destroy opens what is half
 * closed, and goes on.  An exception and a cancellation unwind the stack, and
 * end_unwind() then ends the run.  That a cleanup was left by longjmp() is told
 * by the stack: a call that comes from within a cleanup has its frame well
 * below that of the reset which calls the cleanup, since end_call() leaves a
 * pad between the two.
 *
 * Trees may be deep, so the way down and up is by links in the pools
 * themselves and not by calls.
 *
 * What it cannot do: keep objects live for a cleanup while another thread
 * resets the same pool, and then refuse a reset to cleanups of both threads:
 * only one of them has the pool on its list.  Nor see that longjmp() left a
 * cleanup if the next call comes from a function deeper in the stack than the
 * pad is long: that is refused.  Nor refuse the end of its own pool to a
 * cleanup that has switched to another stack.
 */
#include "pool/end.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/probe.h"
#include "pool/each.h"
#include "pool/leaks.h"
#include "pool/life.h"
#include "pool/report.h"
#include "pool/track.h"
#include "pool/tree.h"

/* struct tree_run by link: what the calling thread is ending. */
static _Thread_local struct list end_runs MP_INLINE_TLS;

/* What one call of end_begin() works with. */
struct end_work {
    struct tree_run *run;
    uintptr_t frame;
    bool destroys; /* and does not reset */
    bool dropped;  /* left a cleanup out, and said so */
};

/* Takes a run off the thread's list, whose cleanup was left or whose pool is
 * gone.  The run lies in a struct tree, of which the second to come here or to
 * tree_leave() is the last that needs it. */
static void end_forget(struct tree_run *run)
{
    struct tree *tree = LIST_ENTRY(run, struct tree, own);
    const struct mp_inline_thread *runner = sync_get(&tree->runner);

    list_remove(&run->link);
    /* Another thread may be at it by now. */
    if (thread_is_own(runner)) {
        (void)sync_claim(&tree->runner, &runner,
                         (const struct mp_inline_thread *)NULL);
    }
    if (sync_swap(&run->mp, (struct memory_pool *)NULL) == NULL) {
        free(tree);
    }
}

/* True: mp is at, or a pool above that. */
static bool end_is_above(struct memory_pool *at, const struct memory_pool *mp)
{
    struct memory_pool *up = at;

    if (at == NULL) {
        return false;
    }
    bool taken = pool_enter(at);

    pool_pin(at, &taken);
    lock_leave(&at->lock, taken);
    while (up != NULL && up != mp) {
        up = tree_parent(up);
    }
    taken = pool_enter(at);
    pool_unpin(at);
    lock_leave(&at->lock, taken);
    return up != NULL;
}

/* A call of the given frame comes from a cleanup of the pool, or of one below.
 * A cleanup's own pool, and those between it and the one that is reset or
 * destroyed, know that themselves.  Those above are looked for. */
static bool end_is_busy(const struct memory_pool *mp, uintptr_t frame)
{
    ASSERT(lock_none_is_held());
    struct list_link *link = end_runs.first;
    bool busy = tree_is_run(mp, frame);

    while (link != NULL && !busy) {
        struct tree_run *run = LIST_ENTRY(link, struct tree_run, link);
        link = link->next;
        if (!tree_is_within(frame, run->frame)) {
            end_forget(run);
            continue;
        }
        /* The cleanup is still under way, so its pool is there. */
        busy = end_is_above(sync_get(&run->mp), mp);
    }
    return busy;
}

/* Begins a run in the pool's own place for it; or, where another thread has
 * that, in place, which is on no list. */
static void end_begin_run(struct end_work *work, struct memory_pool *mp,
                          struct tree_run *place)
{
    ASSERT(lock_none_is_held() && mp->tree != NULL);
    struct tree_run *run = &mp->tree->own;
    bool taken = pool_enter(mp);

    /* Acquire pairs with the release in end_finish_run(). */
    if (sync_get_acquire(&run->mp) != NULL) {
        run = place;
        *run = (struct tree_run){.mp = NULL};
    } else {
        list_push(&end_runs, &run->link);
    }
    run->thread = &thread_state;
    run->frame = work->frame;
    run->late = 0;
    sync_put(&run->mp, mp);
    /* Left by a run of a pool above, or by one that was left. */
    if (mp->tree->dropping || mp->tree->reported) {
        mp->tree->dropping = false;
        mp->tree->reported = mp->tree->reported && work->destroys;
    }
    tree_set_runner(mp->tree, work->frame);
    lock_leave(&mp->lock, taken);
    work->run = run;
}

/* Takes a run off the thread's list; its place may be used again.  What is
 * added from now on is no cleanup's doing, so no limit is on it. */
static void end_finish_run(struct end_work *work)
{
    struct tree_run *run = work->run;

    if (run == NULL) {
        return;
    }
    tree_set_runner(run->mp->tree, 0);
    if (list_has(&run->link)) {
        list_remove(&run->link);
    }
    sync_put_release(&run->mp, (struct memory_pool *)NULL);
}

/* True: what a cleanup added is one too many. */
static bool end_is_too_late(struct end_work *work, bool late)
{
    return late && work->run->late++ >= TREE_LATE_MOST;
}

/* Where a run is while a cleanup is called. */
struct end_place {
    struct end_work *work; /* NULL: the cleanup returned */
    struct memory_pool *at;
};

/* The stack is unwound over end_call(): the run is over, and what it had closed
 * half way is open again. */
static void end_unwind(struct end_place *place)
{
    if (place->work == NULL) {
        return;
    }
    struct memory_pool *at = place->at;
    struct memory_pool *top = sync_get(&place->work->run->mp);
    while (at != top) {
        struct memory_pool *parent = tree_parent(at);
        tree_put_child(at, TREE_OPEN);
        at = parent;
    }
    end_finish_run(place->work);
}

/* Calls a cleanup, with TREE_PAD bytes of stack between it and the caller.
 * Before that its structure is freed, since it may not return. */
static MP_SLOW void end_call(struct end_work *work, struct memory_pool *at,
                             struct cleanup *cleanup)
{
    struct end_place place __attribute__((__cleanup__(end_unwind))) = {work,
                                                                       at};
    /* Not an array, which AddressSanitizer may put elsewhere. */
    void *pad = __builtin_alloca(TREE_PAD);
    void (*fn)(void *arg) = cleanup->fn;
    void *arg = cleanup->arg;

    ASSERT(lock_none_is_held());
    free(cleanup);
    /* The compiler has to take the pad for used, before and after. */
    __asm__ volatile("" : : "r"(pad) : "memory");
    fn(arg);
    place.work = NULL;
    __asm__ volatile("" : : "r"(pad) : "memory");
    ASSERT(lock_none_is_held());
}

/* The program's function may be a cancellation point, and the pool is half
 * ended, or rewound: this is no place to vanish. */
void end_report_dropped(struct memory_pool *mp)
{
    int cancel;
    ASSERT(lock_none_is_held());

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    report_words(mp, MP_EVENT_CLEANUP, "cleanups add cleanups without end",
                 NULL);
    pthread_setcancelstate(cancel, NULL);
}

/* Once for each reset or destroy. */
static void end_note_dropped(struct end_work *work, struct memory_pool *mp)
{
    if (!work->dropped) {
        work->dropped = true;
        end_report_dropped(mp);
    }
}

/* Takes the newest open child, with all that is half closed below it; NULL:
 * there is none. */
static struct memory_pool *end_go_down(struct end_work *work,
                                       struct memory_pool *at)
{
    struct memory_pool *child = tree_take_child(at, TREE_OPEN, work->frame);

    if (child != NULL) {
        struct tree *tree = child->tree;
        /* No lock to look: all below is the calling thread's by now. */
        if (tree->children[TREE_CLOSING].first != NULL) {
            tree_open_again(child, true);
        }
        tree->dropping = at->tree->dropping ||
                         end_is_too_late(work, tree->late);
        tree->late = false; /* it is counted once */
    }
    return child;
}

/* Calls the newest cleanup of a pool without open children; false: there is
 * none. */
static bool end_clean(struct end_work *work, struct memory_pool *at)
{
    struct cleanup *cleanup = tree_take_cleanup(at);

    if (cleanup == NULL) {
        return false;
    }
    if (at->tree->dropping || end_is_too_late(work, cleanup->late)) {
        free(cleanup);
        end_note_dropped(work, at);
    } else {
        end_call(work, at, cleanup);
    }
    return true;
}

/* Calls the cleanups of all pools below and of the pool itself.  Children go
 * before the cleanups of their parent: what a cleanup closes may still be in
 * use by the pools below. */
static void end_close(struct end_work *work, struct memory_pool *mp)
{
    struct memory_pool *at = mp;

    tree_open_again(mp, work->destroys);
    for (;;) {
        struct memory_pool *child = end_go_down(work, at);
        if (child != NULL) {
            at = child;
            continue;
        }
        if (end_clean(work, at)) {
            continue;
        }
        if (at == mp) {
            return;
        }
        child = at;
        at = tree_parent(at);
        tree_put_child(child, TREE_CLOSED);
    }
}

/* No lock: whoever ends the pool is alone with it. */
static void end_note_reported(const struct memory_pool *mp)
{
    if (mp->tree != NULL) {
        mp->tree->reported = true;
    }
}

/* The caller has called the cleanups by then, since what they free is no leak.
 * Once for each pool, though the report may leave by longjmp(), or make the
 * pool's first child. */
static void end_report_leaks(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());

    if ((mp->settings.flags & MP_LEAK_CHECK) != 0 &&
        (mp->tree == NULL || !mp->tree->reported)) {
        end_note_reported(mp);
        leaks_report(mp);
        end_note_reported(mp);
    }
}

/* Reports of a pool that ends.  It is whole yet, so the program's function may
 * use it; true: it has cleanups or pools below since. */
static bool end_tell(struct memory_pool *mp)
{
    end_report_leaks(mp);
    bool more = tree_has_more(mp);

    /* A cleanup that a report adds finds what the report has allocated. */
    if (pool_is_tracked(mp) && !more) {
        each_close(mp); /* who visits the pool finds its objects */
        while (!more && track_end_some(mp)) {
            more = tree_has_more(mp);
        }
        if (more) {
            each_open(mp); /* a cleanup may leave, and the pool stays */
        }
    }
    return more;
}

/* The next pool below that one to be freed.  A report that added something has
 * opened a pool again, which goes all the same. */
static struct memory_pool *end_take_closed(struct end_work *work,
                                           struct memory_pool *at, bool all)
{
    struct memory_pool *child = tree_take_child(at, TREE_CLOSED, work->frame);

    return child != NULL || !all
               ? child
               : tree_take_child(at, TREE_OPEN, work->frame);
}

/* Frees all pools below one whose cleanups were called.  What others make below
 * it during a reset is not part of that. */
static void end_free_below(struct end_work *work, struct memory_pool *mp)
{
    struct memory_pool *at = mp;

    for (;;) {
        struct memory_pool *child =
            end_take_closed(work, at, at != mp || work->destroys);
        if (child != NULL) {
            at = child;
            continue;
        }
        if (at == mp) {
            return;
        }
        if (end_tell(at)) {
            end_close(work, at);
            continue;
        }
        struct memory_pool *parent = tree_parent(at);
        /* What it is charged for goes with the parent, if that goes, too. */
        probe_end(at);
        life_destroy(at, parent != mp || work->destroys ? parent : NULL);
        at = parent;
    }
}

/* Calls all cleanups, and frees the pools below; once more where a report added
 * some. */
static void end_more(struct end_work *work, struct memory_pool *mp,
                     struct tree_run *place)
{
    if (work->run == NULL) {
        end_begin_run(work, mp, place);
    }
    end_close(work, mp);
    end_free_below(work, mp);
}

/* The same for the first time; RESULT_BUSY: the pool may not end now. */
static enum result end_prepare(struct end_work *work, struct memory_pool *mp,
                               struct tree_run *place)
{
    ASSERT(lock_none_is_held());

    /* Acquire: another thread may have made the tree. */
    if (sync_get_acquire(&mp->tree) == NULL) {
        return RESULT_OK;
    }
    if (end_is_busy(mp, work->frame)) {
        return RESULT_BUSY;
    }
    end_more(work, mp, place);
    return RESULT_OK;
}

/* The pools below go, and are not reset: the program made them for what the
 * reset ends, and has no other moment at which to destroy them. */
enum result end_reset(struct memory_pool *mp)
{
    MP_FRAME();
    struct tree_run place;
    struct end_work work = {NULL, (uintptr_t)__builtin_frame_address(0),
                            false, false};
    enum result result = end_prepare(&work, mp, &place);

    if (result == RESULT_OK) {
        end_finish_run(&work);
        life_reset(mp);
    }
    return result;
}

/* Until life_destroy() the pool stays on its parent's list, so a refusal
 * leaves the tree as it was. */
enum result end_destroy(struct memory_pool *mp)
{
    MP_FRAME();
    struct tree_run place;
    struct end_work work = {NULL, (uintptr_t)__builtin_frame_address(0),
                            true, false};
    enum result result = end_prepare(&work, mp, &place);

    if (result == RESULT_OK) {
        while (end_tell(mp)) {
            end_more(&work, mp, &place);
        }
        end_finish_run(&work);
        probe_end(mp);
        life_destroy(mp, NULL);
    }
    return result;
}
