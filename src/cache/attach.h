/* SPDX-License-Identifier: MIT
 *
 * attach.h - which cache serves which user in which pool.
 *
 * A thread has a cache in each pool that it uses, and a word of thread-local
 * storage that leads to the one used last.  Where that is another pool's, the
 * pool itself remembers whose thread's cache was its first, and each thread
 * has a small table of others.  Behind these the pool's list is searched.
 *
 * Caches belong to threads: when a pool goes, its caches serve their threads
 * for other pools.  So what a thread's word leads to is always a cache, which
 * is enabled for the pool asked for or is not.
 *
 * What it cannot do: give a thread that has ended for the library, or for
 * which there is no memory, a cache.  Such a thread works under the lock.
 */
#ifndef MP_ATTACH_H
#define MP_ATTACH_H

#include "cache/cache.h"

/* The calling thread's cache of a pool, if it is found without a lock; from now
 * on the one used last.  NULL: it has none at hand, or the pool is paused or
 * retired.  Not inside. */
MP_INNER struct cache *attach_find(struct cache_set *set);

/* The user's cache, found or made by all means; NULL: none is to be had.  No
 * lock held.  Keeps errno. */
MP_INNER struct cache *attach_cache(struct cache_set *set,
                                    const struct user *user);

/* The calling thread's cache, if it was the set's first, enabled or not; NULL:
 * it was not.  first_thread is never NULL, as is what an unregistered thread
 * has, so such a thread reads no other one's first_cache. */
static inline struct cache *attach_first(const struct cache_set *set)
{
    return sync_get(&set->first_thread) == thread_state.own ? set->first_cache
                                                            : NULL;
}

/* Says which cache the calling thread used last; NULL: none. */
MP_INNER void attach_use(struct cache *cache);

/* Puts a cache that was started on its set, and enables it unless the set is
 * retired; the lock is held. */
MP_INNER void attach_join(struct cache *cache, struct cache_set *set);

/* Takes a cache off its set, which goes on; the lock is held.  What it had is
 * in the heaps.  Its user is the caller, or is gone. */
MP_INNER void attach_leave(struct cache *cache, struct cache_set *set);

/* The pool gets memory that caches do not reach: from now on all of its calls
 * take the lock, which is held.  Caches stay attached and empty, and have no
 * marks any more.  Not inside; nothing is done a second time. */
MP_INNER void attach_retire(struct cache_set *set);

/* No lock held: the pool goes; no cache of it is used again, its handles and
 * its depot are freed.  No other call for the pool is under way. */
MP_INNER void attach_end_all(struct cache_set *set);

/* The thread ends: what its caches hold goes back to the pools, and the
 * structures are freed; the calling thread, which is that thread or has its
 * place in memory, used no cache last.  held: the caller has all locks, after
 * fork(), and the thread is another one; then the structures wait for the next
 * thread that is registered in its place. */
MP_INNER void attach_thread_ends(struct thread *thread, bool held);

/* True: no user but the calling thread has a cache in the set; the lock is
 * held. */
MP_INNER bool attach_is_own(const struct cache_set *set);

#endif /* MP_ATTACH_H */
