/* SPDX-License-Identifier: MIT
 *
 * attach.c - which cache serves which user in which pool.
 *
 * A cache is on its set's list and on its thread's.  The lock of the
 * attachments owns both ties of a thread's cache: where thread and pool end at
 * once, the first cuts the tie under that lock, and the other then finds none.
 * The structure of a cache that lost its pool is the thread's to use again
 * for another one.  So a thread may look into one whose pool is long gone, and
 * finds that it is not enabled for the pool that it asks for.
 *
 * What it cannot do: give a thread a cache that is ending, that could not be
 * registered, or for which there is no memory.
 *
 * Invariants, under the lock of the attachments:
 *
 *     cache->set != NULL  == the cache is in its thread's attached, and on
 *                            the list of that set
 *     cache->set == NULL  == it is in its thread's spare; enabled for none
 *     thread->spares      == number of those
 */
#include "cache/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/pause.h"

/* Spare structures that a thread keeps, and frees when it gets or loses one:
 * a cache has more than 1 KiB. */
#define ATTACH_SPARE_MOST 32

void attach_use(struct cache *cache)
{
    thread_state.cache = cache != NULL
                             ? &cache->fast
                             : (struct mp_inline_cache *)&thread_no_cache;
}

/* Where a thread remembers its cache of a set.  A pool with caches lies in a
 * slot of the range together with its set, so the slot's number tells pools
 * apart, and nothing of the set has to be read.  Pools elsewhere may have one
 * place. */
static inline size_t attach_place(const struct cache_set *set)
{
    return ((uintptr_t)set / RANGE_SLOT) % THREAD_CACHES;
}

struct cache *attach_find(struct cache_set *set)
{
    struct thread *self = thread_state.own;
    struct cache *cache = attach_first(set);

    ASSERT(sync_get(&thread_state.inside) == NULL);
    if (cache == NULL && self != NULL) {
        cache = self->found[attach_place(set)];
    }
    if (cache == NULL || !cache_serves(cache, set)) {
        return NULL;
    }
    attach_use(cache);
    return cache;
}

/* Takes a thread's spare structures off until so many are left; returns them,
 * linked by next.  The caller is that thread, or has its place in memory: it
 * forgets where it found caches, since those may be among them.  The
 * attachments' lock is held. */
static struct cache *attach_shed_spares(struct thread *thread, unsigned left)
{
    struct cache *gone = NULL;

    ASSERT(lock_is_held(&thread_attachments));
    if (thread->spares <= left) {
        return NULL;
    }
    attach_use(NULL);
    memset(thread->found, 0, sizeof thread->found);
    while (thread->spares > left) {
        struct cache *cache =
            LIST_ENTRY(thread->spare.first, struct cache, link);
        ASSERT(cache->set == NULL && cache->thread == thread);
        list_remove(&cache->link);
        thread->spares--;
        cache->next = gone;
        gone = cache;
    }
    ASSERT(left > 0 || thread->spare.first == NULL);
    return gone;
}

/* Frees structures that are linked by next.  free() may be the program's own,
 * and wait for a thread that waits for one of our locks. */
static void attach_free(struct cache *cache)
{
    ASSERT(lock_none_is_held());
    while (cache != NULL) {
        struct cache *next = cache->next;
        cache_free(cache);
        cache = next;
    }
}

/* A spare cache, which serves no set; NULL: the thread has none.  The
 * attachments' lock is held. */
static struct cache *attach_take_spare(struct thread *self)
{
    ASSERT(lock_is_held(&thread_attachments));
    ASSERT((self->spare.first == NULL) == (self->spares == 0));
    if (self->spare.first == NULL) {
        return NULL;
    }
    struct cache *cache = LIST_ENTRY(self->spare.first, struct cache, link);
    list_remove(&cache->link);
    self->spares--;
    return cache;
}

/* A new one; NULL: no memory.  No lock is held: the memory may come from the
 * program's own malloc(). */
static struct cache *attach_allocate(struct thread *self)
{
    ASSERT(lock_none_is_held());
    struct cache *cache = cache_allocate(sizeof *cache);

    if (cache != NULL) {
        cache->memory = cache;
        cache->thread = self;
    }
    return cache;
}

/* The tie between a cache and its thread is cut: it serves no set any more.
 * The attachments' lock is held. */
static void attach_untie(struct cache *cache)
{
    ASSERT(lock_is_held(&thread_attachments));
    ASSERT(cache->thread != NULL && cache->set != NULL);
    ASSERT(!cache_is_enabled(cache));
    list_remove(&cache->link);
    cache->set = NULL;
    list_push(&cache->thread->spare, &cache->link);
    cache->thread->spares++;
}

static bool attach_before(const struct treap_node *one,
                          const struct treap_node *other)
{
    const struct cache *a = LIST_ENTRY(one, const struct cache, user);
    const struct cache *b = LIST_ENTRY(other, const struct cache, user);

    /* A thread has one cache in a set. */
    return (uintptr_t)a->thread < (uintptr_t)b->thread;
}

void attach_join(struct cache *cache, struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache->set == set);
    ASSERT(!cache_is_enabled(cache));
    cache->next = set->caches;
    cache->from = &set->caches;
    if (cache->next != NULL) {
        cache->next->from = &cache->next;
    }
    set->caches = cache;
    if (cache->thread != NULL) {
        treap_add(&set->threads, &cache->user, attach_before);
    }
    if (set->first_cache == NULL && cache->thread != NULL) {
        set->first_cache = cache;
        /* Relaxed: only this thread finds itself there. */
        sync_put(&set->first_thread, cache->thread);
    }
    cache_enable(cache, set);
}

void attach_leave(struct cache *cache, struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    ASSERT(cache->set == set && *cache->from == cache);
    *cache->from = cache->next;
    if (cache->next != NULL) {
        cache->next->from = cache->from;
    }
    if (cache->thread != NULL) {
        treap_remove(&set->threads, &cache->user, attach_before);
    }
    /* None of the others becomes the first: that would be a write to what the
     * fast paths of all threads read. */
    if (set->first_cache == cache) {
        sync_put(&set->first_thread, CACHE_NO_THREAD);
        set->first_cache = NULL;
    }
    cache_disable(cache);
    cache_flush(cache, set);
    /* The count is the pool's, and outlives the cache. */
    set->frees_of_gone += cache_frees(cache);
}

/* The calling thread's cache, if it is on the set's list. */
static struct cache *attach_search(struct cache_set *set,
                                   const struct thread *self)
{
    bool taken = lock_enter(set->lock);
    struct treap_node *node = set->threads;
    struct cache *cache = NULL;

    while (node != NULL) {
        cache = LIST_ENTRY(node, struct cache, user);
        if (cache->thread == self) {
            break;
        }
        node = (uintptr_t)self < (uintptr_t)cache->thread ? node->left
                                                          : node->right;
    }
    lock_leave(set->lock, taken);
    return node == NULL ? NULL : cache;
}

/* Gives the calling thread a cache in the set, where it has none; NULL: no
 * memory, without which the call goes on all the same. */
static struct cache *attach_new(struct thread *self, struct cache_set *set)
{
    int error = errno;
    bool taken = lock_enter(&thread_attachments);
    struct cache *cache = attach_take_spare(self);
    struct cache *gone = NULL;

    if (cache == NULL) {
        lock_leave(&thread_attachments, taken);
        cache = attach_allocate(self);
        taken = lock_enter(&thread_attachments);
    }
    if (cache != NULL) {
        cache_start(cache, set, &thread_state);
        list_push(&self->attached, &cache->link);
        /* A thread that once had many pools comes down again here. */
        gone = attach_shed_spares(self, ATTACH_SPARE_MOST);
        bool set_taken = lock_enter(set->lock);
        attach_join(cache, set);
        lock_leave(set->lock, set_taken);
    }
    lock_leave(&thread_attachments, taken);
    attach_free(gone);
    errno = error;
    return cache;
}

/* The calling thread's cache, found or made. */
static inline struct cache *attach_own(struct cache_set *set)
{
    struct thread *self = thread_self();
    if (self == NULL) {
        return NULL;
    }
    struct cache *cache = attach_find(set);
    if (cache != NULL) {
        return cache;
    }
    /* No other thread attaches one for this thread, so what is not on the list
     * now will not be there when the lock is taken again. */
    cache = attach_search(set, self);
    if (cache == NULL) {
        cache = attach_new(self, set);
    }
    if (cache != NULL) {
        /* Another pool's cache at this place is found on that pool's list. */
        self->found[attach_place(set)] = cache;
        attach_use(cache);
    }
    return cache;
}

/* Outside of the range a cache without windows knows no address, and is as
 * good as none. */
struct cache *attach_cache(struct cache_set *set, const struct user *user)
{
    ASSERT(lock_none_is_held());
    /* A handle's is part of the handle. */
    struct cache *cache =
        user->cache != NULL ? user->cache : attach_own(set);

    ASSERT(cache == NULL || cache->set == set);
    return cache == NULL || cache_can_see(cache, set) ||
                   cache_open_windows(cache, set)
               ? cache
               : NULL;
}

void attach_retire(struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock));
    if (sync_get(&set->retired)) {
        return;
    }
    pause_begin(set);
    pause_retire(set);
}

/* Takes all caches off a set that goes; both locks are held.  What they have
 * goes with the pool's memory, so nothing is flushed, and counts are not
 * asked for any more.  Returns the handles' ones, linked by next. */
static struct cache *attach_cut_all(struct cache_set *set)
{
    struct cache *cache = set->caches;
    struct cache *gone = NULL;

    ASSERT(lock_is_held(&thread_attachments) && lock_is_held(set->lock));
    set->caches = NULL;
    set->threads = NULL;
    set->first_cache = NULL;
    sync_put(&set->first_thread, CACHE_NO_THREAD);
    while (cache != NULL) {
        struct cache *next = cache->next;
        cache_disable(cache);
        if (cache->thread == NULL) {
            cache->next = gone; /* it is all of the handle */
            gone = cache;
        } else {
            attach_untie(cache);
        }
        cache = next;
    }
    return gone;
}

void attach_end_all(struct cache_set *set)
{
    struct thread *self = thread_known();
    /* The lock waits for a thread that ends and is taking its cache off. */
    bool taken = lock_enter(set->lock);
    bool any = set->caches != NULL;

    lock_leave(set->lock, taken);
    /* Most pools that are used under their lock alone never had a cache, and
     * have no need of the attachments' lock, for which threads wait. */
    if (any) {
        bool all_taken = lock_enter(&thread_attachments);
        taken = lock_enter(set->lock);
        struct cache *handles = attach_cut_all(set);
        struct cache *spares = NULL;
        lock_leave(set->lock, taken);
        /* Only its own: other threads may read their tables at this moment. */
        if (self != NULL) {
            spares = attach_shed_spares(self, ATTACH_SPARE_MOST);
        }
        lock_leave(&thread_attachments, all_taken);
        attach_free(handles);
        attach_free(spares);
    }
    depot_finish(&set->depot);
}

/* The thread's caches leave their sets; held as for attach_thread_ends().  The
 * attachments' lock keeps each set there: a pool that goes, and still has a
 * cache on its list, takes that lock first. */
static void attach_leave_all(struct thread *thread, bool held)
{
    while (thread->attached.first != NULL) {
        struct cache *cache =
            LIST_ENTRY(thread->attached.first, struct cache, link);
        struct cache_set *set = cache->set;
        bool taken = !held && lock_enter(set->lock);

        attach_leave(cache, set);
        if (!held) {
            lock_leave(set->lock, taken);
        }
        attach_untie(cache);
    }
}

void attach_thread_ends(struct thread *thread, bool held)
{
    if (held) {
        /* Another thread's lock may still lie on malloc()'s state, where that
         * is not the system's: so nothing is freed in the child of fork(). */
        ASSERT(thread != thread_known());
        attach_leave_all(thread, true);
        return;
    }
    ASSERT(lock_none_is_held());
    bool taken = lock_enter(&thread_attachments);
    attach_leave_all(thread, false);
    struct cache *gone = attach_shed_spares(thread, 0);
    /* The thread's word led to one of those, if it led to any. */
    ASSERT(thread_state.cache == &thread_no_cache);
    lock_leave(&thread_attachments, taken);
    attach_free(gone);
}

bool attach_is_own(const struct cache_set *set)
{
    const struct cache *cache = set->caches;

    ASSERT(lock_is_held(set->lock));
    return cache == NULL ||
           (cache->next == NULL && cache->thread != NULL &&
            cache->thread == thread_known());
}
