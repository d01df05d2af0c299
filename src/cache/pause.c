/* SPDX-License-Identifier: MIT
 *
 * pause.c - pauses the caches of a set, and enables them again.
 *
 * Why it is right: a user that is about to use its cache writes inside, then
 * reads enabled_for; a pauser writes enabled_for, then reads inside; each has
 * a fence in between, the user a light one and the pauser a heavy one.  The
 * heavy fence falls somewhere into what each user does.  If the user wrote
 * inside before it, the pauser sees that and waits.  If not, the user reads
 * enabled_for after it, sees that the cache is revoked, and stays out.  There
 * is no third case.
 *
 * In a fenced set the four accesses are sequentially consistent, so all threads
 * agree on one order of them.  Suppose that the pauser does not read what the
 * user wrote.  Then the pauser's read comes before the user's write in that
 * order, and so does the pauser's write.  So the user reads what the pauser
 * wrote.  A set becomes fenced while it is paused, when nobody is inside.  A
 * user may have written inside before that, and go on later.  It finds
 * fast.pool revoked for good, and enters again by fast.fenced, writing inside
 * once more.
 *
 * The wait ends with an acquire that pairs with the release in
 * mp_inline_leave(): so the pauser sees all that the user did to its cache.
 * pause_end() enables with a release that pairs with the acquire in
 * mp_inline_enter(): so the user sees all that was done meanwhile.
 *
 * What it cannot do: bound how long it waits, should the system not let the
 * awaited thread run.
 *
 * Invariants, while paused:
 *
 *     enabled_for == none     of each cache, but the calling thread's
 *     state->inside != pool   of each cache's user; a handle's: != none
 */
#include "cache/pause.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

/* Reads of inside before the pauser lets other threads run, and how often it
 * does that before it sleeps. */
#define PAUSE_READS 1000
#define PAUSE_YIELDS 100

/* Those that are ready run first, and after some times any does, since the
 * thread that is awaited may be of a lower priority. */
void pause_yield(unsigned *times)
{
    const struct timespec moment = {0, 50000};
    int error = errno;
    int cancel;

    ASSERT(*times <= PAUSE_YIELDS);
    if (*times < PAUSE_YIELDS) {
        (*times)++; /* no further: a wait may last for days */
        sched_yield();
    } else {
        /* Sleeping is a cancellation point, and a thread that vanished here
         * would leave the pool paused and locked for good. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        nanosleep(&moment, NULL);
        pthread_setcancelstate(cancel, NULL);
    }
    errno = error;
}

/* Waits until a user's state does not say that it is inside. */
static void pause_await_state(const struct mp_inline_thread *state,
                              const struct memory_pool *inside)
{
    unsigned times = 0;
    int reads = 0;

    /* Acquire, which this is too, pairs with the release in
     * mp_inline_leave(). */
    while (sync_get_seq(&state->inside) == inside) {
        if (++reads == PAUSE_READS) {
            reads = 0;
            pause_yield(&times);
        }
    }
}

/* What a user writes to inside: a thread names the pool, and a handle, which
 * has only one, does not have to. */
static inline const struct memory_pool *
pause_inside(const struct cache *cache, const struct cache_set *set)
{
    return cache->thread == NULL ? MP_INLINE_NO_POOL : set->pool;
}

bool pause_revoke(struct cache_set *set)
{
    bool others = false;

    ASSERT(lock_is_held(set->lock));
    ASSERT(sync_get(&thread_state.inside) != set->pool);
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        if (!cache_is_own(c)) {
            cache_disable(c);
            others = true;
        }
    }
    ASSERT(cache_set_is_paused(set));
    /* Nobody gets inside a retired one any more. */
    return others && !set->fenced && !sync_get(&set->retired);
}

void pause_await(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache_set_is_paused(set));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        if (!cache_is_own(c)) {
            pause_await_state(c->state, pause_inside(c, set));
        }
    }
}

void pause_begin(struct cache_set *set)
{
    if (pause_revoke(set)) {
        sync_fence_heavy();
    }
    pause_await(set);
    ASSERT(cache_set_is_sound(set));
}

/* The cache may not show the block where that is the heap's.  A lent one never
 * tells that it goes, so a window may show what lay there before. */
static inline bool pause_hides(const struct cache *cache,
                               const struct block *block,
                               const struct heap *heap)
{
    return cache->heap != heap || block->lent;
}

/* Windows are opened with the lock held, so they may be read here while their
 * users are inside. */
static bool pause_shows(const struct cache_set *set,
                        const struct block *blocks, const struct heap *heap)
{
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        for (const struct block *b = blocks;
             b != NULL && c->windows != NULL && !cache_is_own(c);
             b = b->next) {
            if (pause_hides(c, b, heap) && window_shows(c->windows, b)) {
                return true;
            }
        }
    }
    return false;
}

void pause_close(struct cache_set *set, const struct block *blocks,
                 const struct heap *heap)
{
    ASSERT(lock_is_held(set->lock));
    bool pause = pause_shows(set, blocks, heap);

    if (pause) {
        pause_begin(set);
    }
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        for (const struct block *b = blocks;
             b != NULL && c->windows != NULL && (pause || cache_is_own(c));
             b = b->next) {
            if (pause_hides(c, b, heap)) {
                window_close(c->windows, b);
            }
        }
    }
    if (pause) {
        pause_end(set);
    }
}

/* All that caches and depot have of the pool's own heap is left to a sweep, of
 * which a portion is done: all of it where there is not much. */
static void pause_empty(struct cache_set *set)
{
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_collect(c, set);
    }
    cache_flush_marks(set);
    if (!set->sweeping && !cache_flush_few(set)) {
        cache_sweep_begin(set);
        (void)cache_sweep(set);
    }
}

void pause_retire(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache_set_is_paused(set));
    pause_empty(set);
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        /* Marks of a retired set close without a word to the caches, which
         * must not point to the heap of one then. */
        if (cache_has_mark(c, set)) {
            cache_close_mark(c, set, set->heap);
        }
    }
    /* Relaxed: a thread that reads it too late finds its cache disabled, or
     * none, and reads it again under the lock. */
    sync_put(&set->retired, true);
    ASSERT(cache_set_is_sound(set));
}

void pause_suspend(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) && !sync_get(&set->retired));
    ASSERT(cache_set_is_paused(set));
    pause_empty(set);
    set->suspended = true;
    ASSERT(cache_set_is_sound(set));
}

void pause_resume(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    if (set->suspended) {
        set->suspended = false;
        pause_end(set);
    }
}

/* The set is fenced from now on.  The caller's own caches are still enabled in
 * the other place. */
static void pause_change(struct cache_set *set)
{
    ASSERT(cache_set_is_paused(set) && !set->fenced);
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_disable(c);
    }
    set->fenced = true;
}

void pause_end(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache_set_is_paused(set));
    ASSERT(cache_set_is_sound(set));
    if (!cache_set_is_open(set)) {
        return;
    }
    if (!set->fenced && !sync_fence_works()) {
        pause_change(set);
    }
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_enable(c, set);
    }
}

void pause_forked(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache_set_is_paused(set));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        if (c->thread == NULL) {
            sync_put(&c->state->inside, (struct memory_pool *)NULL);
        }
    }
}
